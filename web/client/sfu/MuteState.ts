/** Keeps the muted state that the server knows of one source the same as the one that its owner wants. */
import { WeirError } from '../../../shared/errors.ts';

export interface MuteStateOptions {
  /** Whether the source starts muted. */
  readonly muted: boolean;
  /** Stops or resumes sending here, at once. */
  apply(muted: boolean): void;
  /** Tells the server. @throws {WeirError} its refusal */
  send(muted: boolean): Promise<unknown>;
  /** Resolves when the server has accepted the source; before that there is nothing to mute there. */
  accepted(): Promise<unknown>;
}

export class MuteState {
  readonly #options: MuteStateOptions;
  #wanted: boolean;
  /** What the server knows; undefined while a request may or may not have been carried out. */
  #known: boolean | undefined;
  #running: Promise<void> | undefined;

  constructor(options: MuteStateOptions) {
    this.#options = options;
    this.#wanted = options.muted;
  }

  get muted(): boolean {
    return this.#wanted;
  }

  /** The state that the server is told together with the source. */
  announce(): boolean {
    this.#known = this.#wanted;
    return this.#wanted;
  }

  /**
   * Mutes or unmutes: here at once, and at the server before this resolves. Of several calls the last one wins.
   * @throws {WeirError} the refusal of the last call; a source that the server refuses to unmute stays muted
   */
  set(muted: boolean): Promise<void> {
    this.#wanted = muted;
    this.#options.apply(muted);
    this.#running ??= this.#synchronize();
    return this.#running;
  }

  async #synchronize(): Promise<void> {
    try {
      await this.#options.accepted();
      while (this.#known !== this.#wanted) await this.#notifyServer(this.#wanted);
    } finally {
      // In the same turn as the last comparison: a wish that comes later begins anew.
      this.#running = undefined;
    }
  }

  async #notifyServer(muted: boolean): Promise<void> {
    try {
      await this.#options.send(muted);
      this.#known = muted;
    } catch (error) {
      if (error instanceof WeirError && error.code === 'timeout') this.#known = undefined;
      // A later call has replaced the one that failed.
      if (this.#wanted !== muted) return;
      if (!muted) await this.#stayMuted();
      throw error;
    }
  }

  /** Nobody may believe that they are heard when nothing of theirs is forwarded. */
  async #stayMuted(): Promise<void> {
    this.#wanted = true;
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
