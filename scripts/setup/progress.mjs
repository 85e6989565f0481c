/** Progress output of set-up: one live line on a terminal, occasional lines elsewhere. */

const quiet = 10_000;

/** Writes to stderr, so that the command's own output can be piped. */
export class Progress {
  #out;
  #live;
  #title = '';
  #doing = '';
  #since = 0;
  /** @type {NodeJS.Timeout | undefined} */ #timer;

  /** @param {{ write(text: string): unknown, isTTY?: boolean, columns?: number }} [out] */
  constructor(out = process.stderr) {
    this.#out = out;
    this.#live = Boolean(out.isTTY) && process.env.TERM !== 'dumb';
  }

  /**
   * @param {string} title such as "[2/4] Packages"
   * @param {string} doing
   */
  begin(title, doing) {
    this.#title = title;
    this.#doing = doing;
    this.#since = performance.now();
    if (this.#live) this.#draw();
    else this.#out.write(`${title}: ${doing}\n`);
    this.#timer = setInterval(() => this.#draw(), this.#live ? 200 : quiet);
  }

  /**
   * Updates what the step is doing.
   * @param {string} doing
   * @param {boolean} [now] print it at once where there is no live line
   */
  report(doing, now = false) {
    this.#doing = doing;
    if (now && !this.#live) this.note(doing);
  }

  /**
   * Prints a permanent line.
   * @param {string} text
   */
  note(text) {
    this.#out.write(`${this.#live ? '\r\x1b[K' : ''}${this.#title}: ${text}\n`);
  }

  /**
   * @param {string} how "done", "failed"
   * @param {string} [detail]
   * @returns {boolean} whether a step was running
   */
  end(how, detail) {
    if (!this.#timer) return false;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.note(`${how} ${how === 'done' ? 'in' : 'after'} ${this.#seconds()}${detail ? ` (${detail})` : ''}`);
    return true;
  }

  #draw() {
    const line = `${this.#title}: ${this.#doing} ... ${this.#seconds()}`;
    this.#out.write(this.#live ? `\r\x1b[K${line.slice(0, (this.#out.columns || 80) - 1)}` : `${line}\n`);
  }

  #seconds() {
    const seconds = (performance.now() - this.#since) / 1000;
    return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  }
}
