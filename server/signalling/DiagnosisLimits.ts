/**
 * Limits the rooms of the kind `diagnosis`, which need no token: how many there are, on this server and from one network,
 * who may be in one, and for how long. They must not be of use for anything but a test of the own connection.
 */
import { WeirError } from '../../shared/errors.ts';
import type { IceServer } from '../../shared/media.ts';
import { ConnectionLimit } from '../common/ConnectionLimit.ts';
import { ipPrefix } from '../common/ipPrefix.ts';
import type { IceServers } from '../ice/IceServers.ts';
import type { Room } from '../room/Room.ts';
import type { RoomManager } from '../room/RoomManager.ts';

/** How many rooms there may be at a time: on this server, and of one IPv4 address or IPv6 /64. */
const MAX_ROOMS = { server: 32, network: 8 };
/** How long a room lasts, in milliseconds. */
const LIFETIME = 60_000;
/** When to try again, in seconds: a test takes about twenty. */
const RETRY_AFTER = 10;

interface Diagnosis {
  readonly network: string;
  /** Joins under way. */
  seats: number;
  room: Room | undefined;
  readonly release: () => void;
}

export interface DiagnosisLimitsOptions {
  readonly rooms: RoomManager;
  /** Whether such rooms are admitted at all. */
  readonly enabled: boolean;
  /** Replaced by tests. */
  readonly lifetime?: number | undefined;
}

export class DiagnosisLimits {
  readonly #options: DiagnosisLimitsOptions;
  /** By the name of the room. */
  readonly #diagnoses = new Map<string, Diagnosis>();
  readonly #perNetwork = new ConnectionLimit(MAX_ROOMS.network);

  constructor(options: DiagnosisLimitsOptions) {
    this.#options = options;
    options.rooms.onRoomOpened((room) => room.kind === 'diagnosis' && this.#opened(room));
  }

  /**
   * A place for a peer that is about to join; dispose of it when it has joined, or has failed to.
   * @param address the client's IP address: all peers of a room come from the network of the first one
   * @throws {WeirError} `forbidden`, `busy`; it never waits, since calls take precedence
   */
  acquire(name: string, address: string): Disposable {
    if (!this.#options.enabled)
      throw new WeirError('forbidden', 'This server does not offer a test of the connection.');
    // A server that drains says so itself.
    if (!this.#options.rooms.draining && !this.#options.rooms.admitsAtOnce) {
      throw busy('The server is at capacity; calls come before tests.');
    }
    const network = ipPrefix(address);
    const diagnosis = this.#diagnoses.get(name) ?? this.#begin(name, network, address);
    if (diagnosis.network !== network) throw new WeirError('forbidden', 'A test has its peers in one network.');
    diagnosis.seats += 1;
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        diagnosis.seats -= 1;
        this.#removeIfOver(name, diagnosis);
      },
    };
  }

  /** The TURN servers of a peer that has joined: the quota of a user is that of the network, and the credential is soon over. */
  iceServers(servers: IceServers, address: string): IceServer[] {
    return servers.for(`diagnosis:${ipPrefix(address)}`, LIFETIME);
  }

  #begin(name: string, network: string, address: string): Diagnosis {
    if (this.#diagnoses.size >= MAX_ROOMS.server) throw busy('Too many tests are under way.');
    const place = this.#perNetwork.acquire(address);
    if (!place) throw busy('Too many tests are under way from your network.');
    const diagnosis = { network, seats: 0, room: undefined, release: () => place[Symbol.dispose]() };
    this.#diagnoses.set(name, diagnosis);
    return diagnosis;
  }

  #opened(room: Room): void {
    const diagnosis = this.#diagnoses.get(room.name);
    if (diagnosis) diagnosis.room = room;
    const timer = setTimeout(() => room.close('roomClosed'), this.#options.lifetime ?? LIFETIME);
    // A server that is about to end waits for calls only.
    room.events.on({ draining: () => room.close('serverClosing') });
    room.onEnd(() => {
      clearTimeout(timer);
      if (diagnosis?.room !== room) return;
      diagnosis.room = undefined;
      this.#removeIfOver(room.name, diagnosis);
    });
  }

  #removeIfOver(name: string, diagnosis: Diagnosis): void {
    if (diagnosis.seats > 0 || diagnosis.room || this.#diagnoses.get(name) !== diagnosis) return;
    this.#diagnoses.delete(name);
    diagnosis.release();
  }
}

function busy(message: string): WeirError {
  return new WeirError('busy', message, { retryAfter: RETRY_AFTER });
}
