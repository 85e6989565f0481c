/** Owns the way back to a live broadcast after a reload: what this tab, and its address, say of having been on air. */

/** A tab that was on air. */
interface StoredSession {
  readonly name: string;
  /** When it went away, as far as it could say so (`Date.now()`). */
  readonly leftAt?: number;
}

/** As long as the server keeps a live broadcast whose stage is empty, in milliseconds. */
const EMPTY_STAGE_TIMEOUT = 5 * 60_000;

export class StudioRecovery {
  readonly #key: string;

  constructor(room: string) {
    this.#key = `weir.studio.${room}`;
  }

  /** Who was on air in this tab when the page went away; undefined where nobody was. */
  get stored(): StoredSession | undefined {
    try {
      return parseStored(JSON.parse(sessionStorage.getItem(this.#key) ?? 'null'));
    } catch {
      return undefined;
    }
  }

  /** Whether it was a moment ago: then it is live still, and is again where the room was empty and has closed meanwhile. */
  get recent(): boolean {
    const { leftAt } = this.stored ?? {};
    return leftAt !== undefined && Date.now() - leftAt < EMPTY_STAGE_TIMEOUT;
  }

  /** A page that goes away while the broadcast is live comes back without a lobby; whoever ended it meets the lobby. */
  update(name: string, state: 'before' | 'live' | 'ended' | undefined): void {
    if (state === 'live') this.#store({ name });
    else this.clear();
    if (state === 'ended') removeJoinFromUrl();
  }

  /** We go away now. */
  markLeft(): void {
    const { stored } = this;
    if (stored) this.#store({ ...stored, leftAt: Date.now() });
  }

  clear(): void {
    try {
      sessionStorage.removeItem(this.#key);
    } catch {
      // As below.
    }
  }

  #store(stay: StoredSession): void {
    try {
      sessionStorage.setItem(this.#key, JSON.stringify(stay));
    } catch {
      // Storage can be switched off: then there is a lobby.
    }
  }
}

function parseStored(kept: unknown): StoredSession | undefined {
  if (typeof kept !== 'object' || kept === null || !('name' in kept) || typeof kept.name !== 'string') return undefined;
  const { name } = kept;
  return 'leftAt' in kept && typeof kept.leftAt === 'number' ? { name, leftAt: kept.leftAt } : { name };
}

/** An address that goes on air at once did so: its reload after the end would surprise everybody. */
function removeJoinFromUrl(): void {
  const query = new URLSearchParams(location.search);
  if (!query.has('join')) return;
  query.delete('join');
  history.replaceState(history.state, '', `${location.pathname}?${query}${location.hash}`);
}
