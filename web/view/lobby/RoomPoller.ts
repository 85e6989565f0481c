/** Owns what the lobby knows of the room before joining: who is inside, whether it takes a token, whether the server is there. */
import type { RoomKind } from '../../client/index.ts';
import { roomApiPath } from '../common/address.ts';

export type RoomAvailability =
  /** `live` is a broadcast that is on air. */
  | { readonly kind: 'open'; readonly names: readonly string[]; readonly live: boolean }
  | { readonly kind: 'token' }
  /** `reason` is one that `reasonWords` knows. */
  | { readonly kind: 'failed'; readonly reason: 'unreachable' | 'offline' | 'badGateway' | 'otherServer' | 'badRoom' };

/** How often it asks, in milliseconds. */
const INTERVAL = 5000;
/** What proxies answer when they do not reach the server behind them. */
const gatewayErrors: ReadonlySet<number> = new Set([502, 503, 504]);

export class RoomPoller {
  readonly #url: string;
  readonly #onState: (state: RoomAvailability) => void;
  readonly #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(room: string, kind: RoomKind, onState: (state: RoomAvailability) => void) {
    this.#url = roomApiPath(kind, room);
    this.#onState = onState;
    void this.#poll();
  }

  close(): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
  }

  async #poll(): Promise<void> {
    const state = await this.#fetchAvailability();
    if (this.#abort.signal.aborted) return;
    this.#onState(state);
    this.#timer = setTimeout(() => void this.#poll(), INTERVAL);
  }

  async #fetchAvailability(): Promise<RoomAvailability> {
    try {
      const response = await fetch(this.#url, { signal: this.#abort.signal });
      // A body that nobody reads keeps the request open.
      const text = await response.text();
      if (response.status === 401) return { kind: 'token' };
      if (response.status === 400) return { kind: 'failed', reason: 'badRoom' };
      if (gatewayErrors.has(response.status)) return { kind: 'failed', reason: 'badGateway' };
      const body = response.ok ? parseJson(text) : undefined;
      if (body === undefined) return { kind: 'failed', reason: 'otherServer' };
      return { kind: 'open', names: participantNames(body), live: isLive(body) };
    } catch {
      return { kind: 'failed', reason: navigator.onLine ? 'unreachable' : 'offline' };
    }
  }
}

/** `{ people: [{ name }] }`, as the server says it; anything else is nobody. */
function participantNames(body: unknown): string[] {
  if (typeof body !== 'object' || body === null || !('people' in body) || !Array.isArray(body.people)) return [];
  return body.people.flatMap((person: unknown) =>
    typeof person === 'object' && person !== null && 'name' in person && typeof person.name === 'string'
      ? [person.name]
      : [],
  );
}

function isLive(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'state' in body && body.state === 'live';
}

/** What JSON says; undefined where it is none. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
