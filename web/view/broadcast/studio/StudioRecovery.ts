/** Recovery of a live broadcast after a reload: the tab's session storage holds who was on air in it. */
import { z } from 'zod';
import type { BroadcastInfo } from '../../../client/index.ts';
import { type StoredValue, storedValue } from '../../storage/storedValue.ts';

const StoredStudio = z.object({
  name: z.string(),
  /** When the page was left (`Date.now()`); undefined where it could not store that. */
  leftAt: z.number().optional(),
});
type StoredStudio = z.infer<typeof StoredStudio>;

/** How long the server keeps a live broadcast with an empty stage, in milliseconds. */
const EMPTY_STAGE_TIMEOUT = 5 * 60_000;

export class StudioRecovery {
  readonly #value: StoredValue;

  constructor(room: string) {
    this.#value = storedValue(() => sessionStorage, `weir.studio.${room}`);
  }

  /** The studio that was on air in this tab; undefined where none was. */
  get stored(): StoredStudio | undefined {
    try {
      return StoredStudio.parse(JSON.parse(this.#value.get()));
    } catch {
      return undefined;
    }
  }

  /** Whether it was left so recently that the broadcast is still live, or goes live again where the room was closed. */
  get recent(): boolean {
    const { leftAt } = this.stored ?? {};
    return leftAt !== undefined && Date.now() - leftAt < EMPTY_STAGE_TIMEOUT;
  }

  /** Stores the studio while the broadcast is live: a reload then skips the lobby. */
  update(name: string, state: BroadcastInfo['state'] | undefined): void {
    if (state === 'live') this.#store({ name });
    else this.clear();
    if (state === 'ended') removeJoinFromAddress();
  }

  /** The page is about to be left. */
  markLeft(): void {
    const { stored } = this;
    if (stored) this.#store({ ...stored, leftAt: Date.now() });
  }

  clear(): void {
    this.#value.remove();
  }

  #store(studio: StoredStudio): void {
    this.#value.set(JSON.stringify(studio));
  }
}

/** Removes `join` from the address: a reload after the end of the broadcast would go live again. */
function removeJoinFromAddress(): void {
  const query = new URLSearchParams(location.search);
  if (!query.has('join')) return;
  query.delete('join');
  history.replaceState(history.state, '', `${location.pathname}?${query}${location.hash}`);
}
