/** Owns what one client believes of its room: the snapshot of its join, and the news that came after it. */
import { z } from 'zod';
import { type JoinReply, serverTable } from '../../shared/protocol.ts';
import type { Message, TestClient } from './client.ts';

const { events } = serverTable;
const aboutTheRoom = new Set(['newPeer', 'peerClosed', 'peerSources', 'newConsumers', 'consumersClosed']);

export interface Belief {
  /** Peer id -> what it publishes, in the order of the alphabet. */
  readonly peers: Record<string, string[]>;
  /** `peer id:source` of everything that is received. */
  readonly receives: string[];
}

export class Witness {
  readonly client: TestClient;
  readonly reply: JoinReply;

  constructor(client: TestClient, reply: JoinReply) {
    this.client = client;
    this.reply = reply;
  }

  /**
   * What follows from everything that has come so far.
   * @throws {Error} at news that contradict what came before them, or that came before the reply to join
   */
  get belief(): Belief {
    const peers = new Map(this.reply.peers.map(({ peerId, sources }) => [peerId, Object.keys(sources).sort()]));
    const consumers = new Map(this.reply.consumers.map((one) => [one.consumerId, `${one.peerId}:${one.source}`]));
    for (const { event, data } of this.#news()) {
      if (event === 'newPeer') {
        const { peerId, sources } = events.newPeer.data.parse(data);
        if (peers.has(peerId)) throw new Error('newPeer for one who is here already');
        peers.set(peerId, Object.keys(sources).sort());
      } else if (event === 'peerClosed') {
        const { peerId } = events.peerClosed.data.parse(data);
        if (!peers.delete(peerId)) throw new Error('peerClosed for one who is not here');
      } else if (event === 'peerSources') {
        const { peerId, sources } = events.peerSources.data.parse(data);
        if (!peers.has(peerId)) throw new Error('peerSources of one who is not here');
        peers.set(peerId, Object.keys(sources).sort());
      } else if (event === 'newConsumers') {
        for (const one of events.newConsumers.data.parse(data).consumers) {
          if (consumers.has(one.consumerId)) throw new Error('newConsumers for one that is here already');
          consumers.set(one.consumerId, `${one.peerId}:${one.source}`);
        }
      } else if (event === 'consumersClosed') {
        for (const id of events.consumersClosed.data.parse(data).consumerIds) consumers.delete(id);
      }
    }
    return { peers: Object.fromEntries([...peers].sort()), receives: [...consumers.values()].sort() };
  }

  #news(): Message[] {
    const { messages } = this.client;
    const joined = messages.findIndex(({ data }) => isJoinReply(data, this.reply.peerId));
    const isNews = ({ event }: Message) => event !== undefined && aboutTheRoom.has(event);
    if (messages.slice(0, joined).some(isNews)) throw new Error('news came before the reply to join');
    return messages.slice(joined + 1).filter(isNews);
  }
}

function isJoinReply(data: unknown, peerId: string): boolean {
  const parsed = z.object({ peerId: z.string(), transports: z.object({}) }).safeParse(data);
  return parsed.success && parsed.data.peerId === peerId;
}
