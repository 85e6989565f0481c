/** The timer of a process: everything periodic of all its members runs from it. */

/** Milliseconds between ticks; video at 30 fps has a frame every 33. */
const TURN = 5;

export interface Ticking {
  /** Every tick: sends frames that are due. */
  turn(time: number): void;
  /** Every 50 ms: requests missing packets. */
  repair(time: number): void;
  /** Every second: sends RTCP reports. */
  report(time: number): void;
}

/** Calls its members in turn; reports are spread over the second. */
export class Ticker {
  readonly #members = new Set<Ticking>();
  #timer: NodeJS.Timeout | undefined;
  #turns = 0;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  add(member: Ticking): void {
    this.#members.add(member);
    this.#timer ??= setInterval(() => this.#turn(), TURN);
  }

  delete(member: Ticking): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #turn(): void {
    const time = this.#now();
    this.#turns += 1;
    let place = 0;
    for (const member of this.#members) {
      place += 1;
      member.turn(time);
      if ((this.#turns + place) % 10 === 0) member.repair(time);
      if ((this.#turns + place) % 100 === 0) member.report(time);
    }
  }
}
