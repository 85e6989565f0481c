/** The raised hand of the local participant; a rejoin raises it again. */
import type { RoomClient } from '../../client/index.ts';

export interface LocalHandOptions {
  client(): RoomClient;
  isJoined(): boolean;
  /** Runs an action and reports its error. */
  attempt(action: () => Promise<unknown>): Promise<void>;
  onChanged(): void;
}

export class LocalHand {
  readonly #options: LocalHandOptions;
  #raised = false;
  #name: string | undefined;

  constructor(options: LocalHandOptions) {
    this.#options = options;
  }

  get raised(): boolean {
    return this.#raised;
  }

  /** The display name that the user has given with it, if any. */
  get name(): string | undefined {
    return this.#name;
  }

  /** @param name the display name to raise the hand with, where the token has none */
  async toggle(name?: string): Promise<void> {
    const { client, isJoined, attempt, onChanged } = this.#options;
    const raised = !this.#raised;
    this.#raised = raised;
    if (name !== undefined) this.#name = name;
    onChanged();
    await attempt(async () => {
      try {
        await client().setHand(raised, name);
      } catch (error) {
        // Undo, unless it was toggled again meanwhile.
        if (this.#raised === raised && isJoined()) this.#raised = !raised;
        throw error;
      }
    });
    onChanged();
  }

  /** The server has lowered the hand, for example because an invitation was answered. */
  lower(): void {
    this.#raised = false;
    this.#options.onChanged();
  }

  /** Raises the hand again after a rejoin. */
  restore(): void {
    const { client, attempt } = this.#options;
    if (this.#raised) void attempt(() => client().setHand(true));
  }
}
