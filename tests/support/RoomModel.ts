/** A client's view of its room: the snapshot of its latest `join` or `resume`, and the events since. */
import { z } from 'zod';
import {
  type AudioSlotHolders,
  type Grants,
  type JoinReply,
  type ResumeReply,
  serverMessages,
} from '../../shared/protocol.ts';
import type { Message, TestClient } from './client.ts';

const { events } = serverMessages;
const aboutTheRoom = new Set([
  'newPeer',
  'peerClosed',
  'peerSources',
  'newConsumers',
  'consumersClosed',
  'slots',
  'grantsChanged',
  'subscribedLayers',
]);

export interface RoomState {
  /** Publications by peer id, as `source state`, sorted. */
  readonly peers: Readonly<Record<string, readonly string[]>>;
  /** Consumer id -> `peer id:source`, or `slot number`. */
  readonly consumers: ReadonlyMap<string, string>;
  readonly slots: AudioSlotHolders;
  readonly grants: Grants;
  /** Demanded layers of its own videos, by source; sources without a notification are missing. */
  readonly watched: ReadonlyMap<string, number>;
}

export class RoomModel {
  readonly peerId: string;
  #client: TestClient;
  #snapshot: JoinReply | ResumeReply;
  /** Sources of its own producers, by the id in the reply. */
  readonly #producers = new Map<string, string>();

  constructor(client: TestClient, reply: JoinReply) {
    this.peerId = reply.peerId;
    this.#client = client;
    this.#snapshot = reply;
  }

  /** The client has resumed over another connection: earlier events no longer count. */
  resumed(client: TestClient, reply: ResumeReply): void {
    this.#client = client;
    this.#snapshot = reply;
  }

  /** The server has created this producer: the demand of that source is notified anew. */
  published(source: string, producerId: string): void {
    this.#producers.set(producerId, source);
  }

  /**
   * The state after all messages so far.
   * @throws {Error} at an event that contradicts an earlier one, or precedes the snapshot
   */
  get state(): RoomState {
    const snapshot = this.#snapshot;
    const peers = new Map(snapshot.peers.map(({ peerId, sources }) => [peerId, statesOf(sources)]));
    const consumers = new Map(snapshot.consumers.map((one) => [one.consumerId, originOf(one)]));
    const watched = new Map('subscribedLayers' in snapshot ? snapshot.subscribedLayers.map(watchedEntry) : []);
    let { slots, grants } = snapshot;
    for (const { event, data } of this.#news()) {
      if (event === 'newPeer') {
        const { peerId, sources } = events.newPeer.data.parse(data);
        if (peers.has(peerId)) throw new Error('newPeer for one who is here already');
        peers.set(peerId, statesOf(sources));
      } else if (event === 'peerClosed') {
        const { peerId } = events.peerClosed.data.parse(data);
        if (!peers.delete(peerId)) throw new Error('peerClosed for one who is not here');
      } else if (event === 'peerSources') {
        const { peerId, sources } = events.peerSources.data.parse(data);
        if (!peers.has(peerId)) throw new Error('peerSources of one who is not here');
        peers.set(peerId, statesOf(sources));
      } else if (event === 'newConsumers') {
        for (const one of events.newConsumers.data.parse(data).consumers) {
          if (consumers.has(one.consumerId)) throw new Error('newConsumers for one that is here already');
          consumers.set(one.consumerId, originOf(one));
        }
      } else if (event === 'consumersClosed') {
        for (const id of events.consumersClosed.data.parse(data).consumerIds) consumers.delete(id);
      } else if (event === 'slots') slots = events.slots.data.parse(data).slots;
      else if (event === 'grantsChanged') grants = events.grantsChanged.data.parse(data).grants;
      else if (event === 'subscribedLayers') watched.set(...watchedEntry(events.subscribedLayers.data.parse(data)));
      else watched.delete(this.#producers.get(producerIdOf(data) ?? '') ?? '');
    }
    return { peers: Object.fromEntries([...peers].sort()), consumers, slots, grants, watched };
  }

  /** Room events, and replies to `produce`, since the snapshot. */
  #news(): Message[] {
    const { messages } = this.#client;
    const began = messages.findIndex(({ data }) => isSnapshot(data, this.peerId));
    const isEvent = ({ event }: Message) => event !== undefined && aboutTheRoom.has(event);
    if (messages.slice(0, began).some(isEvent)) throw new Error('news came before the snapshot');
    return messages
      .slice(began + 1)
      .filter((message) => isEvent(message) || (message.id !== undefined && producerIdOf(message.data) !== undefined));
  }
}

/** Formats the sources of a peer as in a state. */
export function statesOf(sources: Readonly<Partial<Record<string, string>>>): string[] {
  return Object.entries(sources)
    .map(([source, state]) => `${source} ${state}`)
    .sort();
}

function originOf({ peerId, source, slot }: { peerId?: string; source: string; slot?: number }): string {
  return slot === undefined ? `${peerId}:${source}` : `slot ${slot}`;
}

function watchedEntry({ source, maxSpatialLayer }: { source: string; maxSpatialLayer: number }): [string, number] {
  return [source, maxSpatialLayer];
}

const Joined = z.object({ peerId: z.string(), transports: z.object({}) });
const Resumed = z.object({ addressChanged: z.boolean(), transports: z.object({}) });
const Produced = z.object({ producerId: z.string() });

function isSnapshot(data: unknown, peerId: string): boolean {
  return Joined.safeParse(data).data?.peerId === peerId || Resumed.safeParse(data).success;
}

function producerIdOf(data: unknown): string | undefined {
  return Produced.safeParse(data).data?.producerId;
}
