/**
 * Rooms in which things happen that webhooks tell of, while server and receiver fail; then compares what the receiver has with what
 * the server has said that it did.
 */
import { setTimeout } from 'node:timers/promises';
import { signToken } from '../../../server/auth/tokens.ts';
import { SignalSession } from '../../../web/client/signalling/SignalSession.ts';
import { receiveCapabilities } from '../endpoint/parameters.ts';
import type { ReceivedWebhook } from './WebhookReceiverProcess.ts';

export const webhookKeys = { apiKey: 'webhooks', apiSecret: 'a secret of webhooks, of 32 characters and more' };

/** How often the grants of each guest are changed. */
const CHANGES = 8;
/** After something has failed, in milliseconds. */
const PAUSE = 200;
/** What the server has confirmed of a guest. */
interface Guest {
  readonly identity: string;
  joined: boolean;
  /** How many changes of its grants. */
  changes: number;
  left: boolean;
}

/** What the comparison has found. All but `delivered` and `duplicates` should be 0. */
export interface Findings {
  /** Different events. */
  readonly delivered: number;
  /** Events that came more than once, with the same body. */
  readonly duplicates: number;
  /** What the server had confirmed, and the receiver was not told. */
  readonly missing: number;
  /** Events that came after a later one of their room. */
  readonly outOfOrder: number;
  /** Events whose repetition had another body. */
  readonly changed: number;
  /** What LiveKit's package did not accept. */
  readonly wrong: number;
}

/** A room with somebody in it who changes the grants of those who come and go. */
interface RoomHost {
  readonly room: string;
  readonly session: SignalSession;
}

export class WebhookExchange {
  readonly #guests: Guest[] = [];
  #confirmed = 0;

  /**
   * Lets guests come and go in a room, one after another, until so many events are confirmed in all rooms, or `signal` is aborted
   * because the server is gone.
   * @param room a name that was not used before
   */
  async run(url: string, room: string, events: number, signal: AbortSignal): Promise<void> {
    let host: RoomHost | undefined;
    for (let index = 0; this.confirmed < events && !signal.aborted; index += 1) {
      try {
        host ??= { room, session: (await join(url, room, `host of ${room}`)).session };
        await this.#visit(url, host, `${room} guest ${index}`);
      } catch {
        // The server is gone, or was too busy to answer: what it has confirmed is in the records.
        host?.session.leave();
        host = undefined;
        await setTimeout(PAUSE);
      }
    }
    host?.session.leave();
  }

  /** How many events the server has confirmed by now. */
  get confirmed(): number {
    return this.#confirmed;
  }

  /** Whether the receiver has everything that was confirmed. */
  isComplete(received: readonly ReceivedWebhook[]): boolean {
    return this.#missing(received) === 0;
  }

  compare(received: readonly ReceivedWebhook[]): Findings {
    const accepted = received.filter(({ wrong }) => wrong === undefined);
    const bodies = new Map<string, string>();
    const latest = new Map<string, string>();
    let [changed, outOfOrder] = [0, 0];
    for (const { id, room, sha256 } of accepted) {
      const before = bodies.get(id);
      if (before !== undefined && before !== sha256) changed += 1;
      bodies.set(id, sha256);
      // Ids sort as the events happened; a repetition has that of the event before.
      if (id < (latest.get(room) ?? '')) outOfOrder += 1;
      else latest.set(room, id);
    }
    return {
      delivered: bodies.size,
      duplicates: accepted.length - bodies.size,
      missing: this.#missing(received),
      outOfOrder,
      changed,
      wrong: received.length - accepted.length,
    };
  }

  async #visit(url: string, host: RoomHost, identity: string): Promise<void> {
    const guest: Guest = { identity, joined: false, changes: 0, left: false };
    this.#guests.push(guest);
    const { session, peerId } = await join(url, host.room, identity);
    try {
      guest.joined = true;
      this.#confirmed += 1;
      for (let change = 0; change < CHANGES; change += 1) {
        await host.session.request('setGrants', { peerId, grants: { canPublishData: change % 2 === 1 } });
        guest.changes += 1;
        this.#confirmed += 1;
      }
      // The host removes it, so that its end is confirmed too.
      await host.session.request('kick', { peerId });
      guest.left = true;
      this.#confirmed += 1;
    } finally {
      session.leave();
    }
  }

  #missing(received: readonly ReceivedWebhook[]): number {
    const counts = new Map<string, number>();
    const seen = new Set<string>();
    for (const { id, type, identity } of received) {
      if (seen.has(id)) continue;
      seen.add(id);
      const key = `${type} ${identity}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const count = (type: string, { identity }: Guest) => counts.get(`${type} ${identity}`) ?? 0;
    return this.#guests.reduce((sum, guest) => {
      const lacks = [
        Number(guest.joined) - count('participant_joined', guest),
        guest.changes - count('participant_grants_changed', guest),
        Number(guest.left) - count('participant_left', guest),
      ];
      return sum + lacks.reduce((all, lack) => all + Math.max(0, lack), 0);
    }, 0);
  }
}

async function join(url: string, room: string, identity: string): Promise<{ session: SignalSession; peerId: string }> {
  const video = { room, roomJoin: true, roomAdmin: identity.startsWith('host') };
  const token = await signToken({ ...webhookKeys, identity, video });
  const { signalling: session, welcome } = await SignalSession.open({
    url,
    kinds: ['webSocket'],
    listeners: {},
    onReconnecting: () => session.leave(),
    onResumed: () => {},
    onClose: () => {},
  });
  const { peerId } = await session.join({
    ...{ room, token, transports: { send: false, recv: false } },
    rtpCapabilities: receiveCapabilities(welcome.rtpCapabilities),
  });
  // Once the server has received something after its reply, the client has been connected.
  await session.request('ping', {});
  return { session, peerId };
}
