/** The button that joins, and its progress. */
import { element } from '../common/dom.ts';
import { type MessageKey, translate } from '../locales/index.ts';

/**
 * In milliseconds: how long the progress of a join is visible at least, however quickly it fails, and after how long a
 * message says that it still continues.
 */
const PROGRESS = { minimum: 400, longAfter: 2000 };

export class JoinButton {
  readonly button: HTMLButtonElement;
  readonly progress = element('p', { className: 'secondary', role: 'status', hidden: true });
  readonly #labels: { readonly join: MessageKey; readonly joining: MessageKey };
  #pressedAt: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(labels: { readonly join: MessageKey; readonly joining: MessageKey }) {
    this.#labels = labels;
    this.button = element('button', { type: 'submit', className: 'primary full-width' }, translate(labels.join));
  }

  /** Whether a join is in progress. */
  get joining(): boolean {
    return this.#pressedAt !== undefined;
  }

  /** Shows the progress of a join. */
  start(): void {
    this.#pressedAt = performance.now();
    this.#show(true);
    this.#timer = setTimeout(() => {
      this.progress.textContent = translate('joiningLong');
      this.progress.hidden = false;
    }, PROGRESS.longAfter);
  }

  /** Something else shows now that the join goes on. */
  wait(): void {
    clearTimeout(this.#timer);
    this.progress.hidden = true;
  }

  /** The join has failed. @param onShown runs when the progress has been visible for long enough */
  fail(onShown: () => void): void {
    clearTimeout(this.#timer);
    const remaining = PROGRESS.minimum - (performance.now() - (this.#pressedAt ?? 0));
    this.#timer = setTimeout(() => {
      this.#pressedAt = undefined;
      this.#show(false);
      onShown();
    }, remaining);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #show(joining: boolean): void {
    // Not disabled: a disabled button would lose the focus.
    this.button.ariaBusy = String(joining);
    this.button.textContent = translate(joining ? this.#labels.joining : this.#labels.join);
    this.progress.hidden = true;
    this.progress.textContent = '';
    clearTimeout(this.#timer);
  }
}
