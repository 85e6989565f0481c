/** Ends a room in which nobody is, after the time that its settings give. */
import type { RoomSettings } from '../../shared/roomSettings.ts';

export interface EmptyTimerOptions {
  /** Whether nobody is in the room, or about to be. */
  isEmpty(): boolean;
  settings(): Pick<RoomSettings, 'emptyTimeout' | 'departureTimeout'>;
  onExpired(): void;
}

export class EmptyTimer {
  readonly #options: EmptyTimerOptions;
  #timer: NodeJS.Timeout | undefined;
  #joinedOnce = false;
  #immediate = false;
  #closed = false;

  constructor(options: EmptyTimerOptions) {
    this.#options = options;
  }

  /** Somebody has joined: from now on it is the departure that counts. */
  onJoined(): void {
    this.#joinedOnce = true;
    this.#stop();
  }

  /** Call it whenever the room may have become empty. */
  update(): void {
    if (this.#closed || !this.#options.isEmpty()) {
      this.#stop();
      return;
    }
    const { emptyTimeout, departureTimeout } = this.#options.settings();
    const seconds = this.#joinedOnce ? departureTimeout : emptyTimeout;
    if (this.#immediate || seconds === 0) this.#options.onExpired();
    else this.#timer ??= setTimeout(() => this.#options.onExpired(), seconds * 1000);
  }

  /** The times of the settings have changed: a time that has begun begins again. */
  restart(): void {
    this.#stop();
    this.update();
  }

  /** From now on an empty room ends at once: the server is about to. */
  endAtOnce(): void {
    this.#immediate = true;
    this.update();
  }

  close(): void {
    this.#closed = true;
    this.#stop();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
