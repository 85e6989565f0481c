/** The places of one room: who may take one, and who has taken one and is not in the room yet. */
import type { CloseReason } from '../../shared/closeReasons.ts';
import { WeirError } from '../../shared/errors.ts';
import type { RoomSettings } from '../../shared/roomSettings.ts';

export interface SeatsOptions {
  /** Those in the room. */
  readonly participants: ReadonlyMap<string, { readonly identity: string }>;
  settings(): RoomSettings;
  /** Identities that were in a room which this one replaces: they count as having left just now. */
  readonly returning: readonly string[];
  /** Whether an administrator has let that identity in. */
  isAdmitted(identity: string): boolean;
  /** Somebody who had taken a place has joined, or has given it up. */
  onReleased(): void;
}

/** Who takes a place, and what the server allows. */
export interface SeatRequest {
  readonly identity: string;
  /** An administrator enters a locked room too. */
  readonly isAdmin: boolean;
  /** Whether a waiting room is not for them: viewers of a broadcast watch, and nobody sees them. */
  readonly isViewer?: boolean | undefined;
  /** The limit of the server. */
  readonly maxPeers: number;
}

/**
 * How long after leaving somebody may come back into a locked room, in milliseconds: their page was reloaded, their
 * connection or the media worker was lost.
 */
const RETURN_WINDOW = 60_000;

export class Seats {
  readonly #options: SeatsOptions;
  /** The room stays open for these. */
  readonly #reserved = new Set<{ readonly identity: string }>();
  /** When they left (`performance.now()`), by identity, earliest first. */
  readonly #left = new Map<string, number>();

  constructor(options: SeatsOptions) {
    this.#options = options;
    for (const identity of options.returning) this.#left.set(identity, performance.now());
  }

  /** How many have taken a place and are not in the room yet. */
  get size(): number {
    return this.#reserved.size;
  }

  /** The identities that are inside, or were a short while ago. */
  get identities(): string[] {
    this.#dropExpired();
    return [...new Set([...this.#inside, ...this.#left.keys()])];
  }

  /**
   * Takes a place for somebody who is about to join; dispose of it afterwards, joined or not. Whoever is inside already
   * would be replaced, and needs no further place.
   * @throws {WeirError} `roomFull`; `forbidden` with the reason `locked`, or `waitingRoom` for whoever has to wait first
   */
  reserve({ identity, isAdmin, isViewer = false, maxPeers }: SeatRequest): Disposable {
    const { locked, waitingRoom, maxParticipants } = this.#options.settings();
    const inside = this.#inside;
    if (!inside.has(identity)) {
      this.#dropExpired();
      const isKnown = isAdmin || this.#left.has(identity) || this.#options.isAdmitted(identity);
      if (locked && !isKnown) {
        throw new WeirError('forbidden', 'The room is locked: only an administrator can open it.', {
          reason: 'locked',
        });
      }
      if (waitingRoom && !isKnown && !isViewer) {
        throw new WeirError(
          'forbidden',
          'This room has a waiting room, in which streams cannot wait: use a token with `roomAdmin`, or turn it off.',
          {
            reason: 'waitingRoom',
          },
        );
      }
      const limit = maxParticipants > 0 ? Math.min(maxPeers, maxParticipants) : maxPeers;
      if (inside.size >= limit) throw new WeirError('roomFull');
    }
    const seat = { identity };
    this.#reserved.add(seat);
    return {
      [Symbol.dispose]: () => {
        if (this.#reserved.delete(seat)) this.#options.onReleased();
      },
    };
  }

  /** Call it when somebody has left. Whoever was removed may not come back. */
  onLeft(identity: string, reason: CloseReason): void {
    this.#dropExpired();
    this.#left.delete(identity);
    if (reason !== 'kicked') this.#left.set(identity, performance.now());
  }

  get #inside(): Set<string> {
    return new Set([...this.#options.participants.values(), ...this.#reserved].map(({ identity }) => identity));
  }

  #dropExpired(): void {
    const oldest = performance.now() - RETURN_WINDOW;
    for (const [identity, at] of this.#left) {
      if (at >= oldest) return;
      this.#left.delete(identity);
    }
  }
}
