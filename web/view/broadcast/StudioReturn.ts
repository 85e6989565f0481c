/** Owns the way back to a live broadcast after a reload: what this tab, and its address, say of having been on air. */

interface Who {
  readonly name: string;
}

export class StudioReturn {
  readonly #key: string;

  constructor(room: string) {
    this.#key = `weir.studio.${room}`;
  }

  /** Who was on air in this tab when the page went away; undefined where nobody was. */
  get who(): Who | undefined {
    try {
      const name = sessionStorage.getItem(this.#key);
      return name === null ? undefined : { name };
    } catch {
      return undefined;
    }
  }

  /** A page that goes away while the broadcast is live comes back without a lobby; whoever ended it meets the lobby. */
  follow({ name }: Who, state: 'before' | 'live' | 'ended' | undefined): void {
    if (state !== 'live') {
      this.forget();
      if (state === 'ended') dropJoin();
      return;
    }
    try {
      if (this.who === undefined) sessionStorage.setItem(this.#key, name);
    } catch {
      // Storage can be switched off: then there is a lobby.
    }
  }

  forget(): void {
    try {
      sessionStorage.removeItem(this.#key);
    } catch {
      // As above.
    }
  }
}

/** An address that goes on air at once did so: its reload after the end would surprise everybody. */
function dropJoin(): void {
  const query = new URLSearchParams(location.search);
  if (!query.has('join')) return;
  query.delete('join');
  history.replaceState(history.state, '', `${location.pathname}?${query}${location.hash}`);
}
