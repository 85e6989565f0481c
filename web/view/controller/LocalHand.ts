/** Our own hand: raised or not, also after the connection was lost. */
import type { RoomClient } from '../../client/index.ts';

export interface LocalHandOptions {
  client(): RoomClient;
  /** Whether we are in the room. */
  isJoined(): boolean;
  /** Runs something and tells its owner what goes wrong. */
  attempt(action: () => Promise<unknown>): Promise<void>;
  onChanged(): void;
}

export class LocalHand {
  readonly #options: LocalHandOptions;
  #raised = false;

  constructor(options: LocalHandOptions) {
    this.#options = options;
  }

  get raised(): boolean {
    return this.#raised;
  }

  /** @param name what we want to be called, where our token does not say it */
  async toggle(name?: string): Promise<void> {
    const { client, isJoined, attempt, onChanged } = this.#options;
    const raised = !this.#raised;
    this.#raised = raised;
    onChanged();
    await attempt(async () => {
      try {
        await client().setHand(raised, name);
      } catch (error) {
        // Unless it was moved again meanwhile.
        if (this.#raised === raised && isJoined()) this.#raised = !raised;
        throw error;
      }
    });
    onChanged();
  }

  /** It was lowered for us. */
  lower(): void {
    this.#raised = false;
    this.#options.onChanged();
  }

  /** Raises it in a new stay where it was raised in the former one. */
  restore(): void {
    const { client, attempt } = this.#options;
    if (this.#raised) void attempt(() => client().setHand(true));
  }
}
