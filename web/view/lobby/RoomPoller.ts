/** Polls the state of a room before the join: its participants, whether it needs a token, whether the server answers. */
import type { RoomPolicy } from '../../client/index.ts';
import { type PageKind, roomApiPath } from '../common/address.ts';

export type RoomAvailability =
  /** Joinable without a token; `live` where it is a live broadcast. */
  | {
      readonly kind: 'open';
      readonly names: readonly string[];
      readonly live: boolean;
      readonly policy: RoomPolicy | undefined;
      /** Nobody but administrators may join, or whoever joins waits until they are let in. */
      readonly locked: boolean;
      readonly waitingRoom: boolean;
    }
  | { readonly kind: 'token' }
  /** `reason` is one of those that `reasonMessage` has a message for. */
  | { readonly kind: 'failed'; readonly reason: 'unreachable' | 'offline' | 'badGateway' | 'otherServer' | 'badRoom' };

/** The pause between two requests, in milliseconds. */
const INTERVAL = 5000;
/** The status codes of proxies that cannot reach the server behind them. */
const gatewayErrors: ReadonlySet<number> = new Set([502, 503, 504]);

export class RoomPoller {
  readonly #url: string;
  readonly #onAvailability: (availability: RoomAvailability) => void;
  readonly #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(room: string, kind: PageKind, onAvailability: (availability: RoomAvailability) => void) {
    this.#url = roomApiPath(kind, room);
    this.#onAvailability = onAvailability;
    void this.#poll();
  }

  close(): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
  }

  async #poll(): Promise<void> {
    const availability = await this.#fetchAvailability();
    if (this.#abort.signal.aborted) return;
    this.#onAvailability(availability);
    this.#timer = setTimeout(() => void this.#poll(), INTERVAL);
  }

  async #fetchAvailability(): Promise<RoomAvailability> {
    try {
      const response = await fetch(this.#url, { signal: this.#abort.signal });
      // An unread body would keep the request open.
      const text = await response.text();
      if (response.status === 401) return { kind: 'token' };
      if (response.status === 400) return { kind: 'failed', reason: 'badRoom' };
      if (gatewayErrors.has(response.status)) return { kind: 'failed', reason: 'badGateway' };
      const body = response.ok ? parseJson(text) : undefined;
      if (body === undefined) return { kind: 'failed', reason: 'otherServer' };
      return {
        ...{ kind: 'open', names: participantNames(body), live: isLive(body), policy: policyIn(body) },
        ...{ locked: isTrue(body, 'locked'), waitingRoom: isTrue(body, 'waitingRoom') },
      };
    } catch {
      return { kind: 'failed', reason: navigator.onLine ? 'unreachable' : 'offline' };
    }
  }
}

/** The names in `{ people: [{ name }] }`; none where the body has another shape. */
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

function isTrue(body: unknown, field: 'locked' | 'waitingRoom'): boolean {
  return (
    typeof body === 'object' &&
    body !== null &&
    Object.entries(body).some(([key, value]) => key === field && value === true)
  );
}

/** The policy of a room; undefined where nobody has opened it, or the server is older. */
function policyIn(body: unknown): RoomPolicy | undefined {
  if (typeof body !== 'object' || body === null || !('policy' in body)) return undefined;
  return (['sfu', 'auto', 'p2p'] as const).find((policy) => policy === body.policy);
}

/** The parsed JSON; undefined where the text is none. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
