/** Synchronises the mute state of one source with the server. */
import { WeirError } from '../../../shared/errors.ts';

export interface MuteStateOptions {
  /** Whether the source starts muted. */
  readonly muted: boolean;
  /** Stops or resumes sending at once. */
  apply(muted: boolean): void;
  /** Sends the state to the server. @throws {WeirError} its refusal */
  send(muted: boolean): Promise<unknown>;
  /** Resolves when the server has accepted the source, which it cannot mute before. */
  accepted(): Promise<unknown>;
}

export class MuteState {
  readonly #options: MuteStateOptions;
  #target: boolean;
  /** The state at the server; undefined while it is unknown whether a request was executed. */
  #known: boolean | undefined;
  #running: Promise<void> | undefined;

  constructor(options: MuteStateOptions) {
    this.#options = options;
    this.#target = options.muted;
  }

  get muted(): boolean {
    return this.#target;
  }

  /** The state to send with the `produce` request. */
  announce(): boolean {
    this.#known = this.#target;
    return this.#target;
  }

  /**
   * Mutes or unmutes: here at once, and at the server before this resolves. Of several calls the last one counts.
   * @throws {WeirError} the refusal of the last call; a source that the server refuses to unmute stays muted
   */
  set(muted: boolean): Promise<void> {
    this.#target = muted;
    this.#options.apply(muted);
    this.#running ??= this.#synchronize();
    return this.#running;
  }

  /**
   * The server has muted it, for an administrator. A request to unmute that is under way is taken back.
   * @returns whether it was unmuted here
   */
  mutedByServer(): boolean {
    const wasUnmuted = !this.#target;
    this.#target = true;
    this.#known = true;
    this.#options.apply(true);
    return wasUnmuted;
  }

  async #synchronize(): Promise<void> {
    try {
      await this.#options.accepted();
      while (this.#known !== this.#target) await this.#sendState(this.#target);
    } finally {
      // In the same turn as the last comparison, so that a later call starts another run.
      this.#running = undefined;
    }
  }

  async #sendState(muted: boolean): Promise<void> {
    try {
      await this.#options.send(muted);
      this.#known = muted;
    } catch (error) {
      if (error instanceof WeirError && error.code === 'timeout') this.#known = undefined;
      // A later call has replaced the one that failed.
      if (this.#target !== muted) return;
      if (!muted) await this.#stayMuted();
      // One that has come meanwhile asks the server again.
      if (muted || this.#target) throw error;
    }
  }

  /** After a refusal to unmute the source is muted here as well: users must not believe that they can be heard. */
  async #stayMuted(): Promise<void> {
    this.#target = true;
    this.#options.apply(true);
    if (this.#known !== undefined) return;
    await this.#options.send(true).then(
      () => {
        this.#known = true;
      },
      () => {},
    );
  }
}
