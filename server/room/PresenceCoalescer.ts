/**
 * Presence events that wait to be sent: what is over by then is left out, and of several changes the last one remains.
 */
import type { PeerInfo, ServerEvents } from '../../shared/protocol.ts';

type Send = <E extends keyof ServerEvents>(event: E, data: ServerEvents[E]) => void;

/** What waits about one peer, in this order: that it left, if it was known before, that it joined, what has changed. */
interface PeerEvents {
  left?: ServerEvents['peerClosed'];
  joined?: PeerInfo;
  info?: Pick<PeerInfo, 'name' | 'metadata'>;
  changes: Partial<Pick<PeerInfo, 'sources' | 'hand' | 'away' | 'canExchangeData' | 'videoProblem'>>;
}

export class PresenceCoalescer {
  /** In the order of the first event about each. */
  readonly #peers = new Map<string, PeerEvents>();

  get empty(): boolean {
    return this.#peers.size === 0;
  }

  /** @returns whether it is a presence event, and waits now */
  add<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): boolean;
  add(...[event, data]: { [E in keyof ServerEvents]: [E, ServerEvents[E]] }[keyof ServerEvents]): boolean {
    switch (event) {
      case 'newPeer':
        this.#onJoined(data);
        return true;
      case 'peerClosed':
        this.#onLeft(data);
        return true;
      case 'peerSources':
        this.#eventsOf(data.peerId).changes.sources = data.sources;
        return true;
      case 'peerHand':
        this.#eventsOf(data.peerId).changes.hand = data.raised;
        return true;
      case 'peerAway':
        this.#eventsOf(data.peerId).changes.away = data.away;
        return true;
      case 'peerInfo': {
        const { peerId, name, metadata } = data;
        this.#eventsOf(peerId).info = { name, metadata };
        return true;
      }
      case 'peerGrants':
        this.#eventsOf(data.peerId).changes.canExchangeData = data.canExchangeData;
        return true;
      case 'peerVideoProblem':
        this.#eventsOf(data.peerId).changes.videoProblem = data.problem;
        return true;
      default:
        return false;
    }
  }

  /** Sends everything that waits. */
  flush(send: Send): void {
    const all = [...this.#peers];
    this.#peers.clear();
    for (const [peerId, { joined, left, info, changes }] of all) {
      const { sources, hand, away, canExchangeData, videoProblem: problem } = changes;
      if (left) send('peerClosed', left);
      if (joined) send('newPeer', { ...joined, ...info, ...changes });
      else if (!left) {
        if (info) send('peerInfo', { peerId, ...info });
        if (sources) send('peerSources', { peerId, sources });
        if (hand !== undefined) send('peerHand', { peerId, raised: hand });
        if (away !== undefined) send('peerAway', { peerId, away });
        if (canExchangeData !== undefined) send('peerGrants', { peerId, canExchangeData });
        if (problem) send('peerVideoProblem', { peerId, problem });
      }
    }
  }

  clear(): void {
    this.#peers.clear();
  }

  #eventsOf(peerId: string): PeerEvents {
    const known = this.#peers.get(peerId) ?? { changes: {} };
    this.#peers.set(peerId, known);
    return known;
  }

  /** `data` includes all changes so far. */
  #onJoined(data: PeerInfo): void {
    const { left } = this.#peers.get(data.peerId) ?? {};
    this.#peers.set(data.peerId, { ...(left && { left }), joined: data, changes: {} });
  }

  /**
   * A peer that joined and left meanwhile is not mentioned, unless it was known before: people return to a broadcast's
   * stage.
   */
  #onLeft(data: ServerEvents['peerClosed']): void {
    const { joined, left } = this.#peers.get(data.peerId) ?? {};
    this.#peers.delete(data.peerId);
    if (!joined || left) this.#peers.set(data.peerId, { left: data, changes: {} });
  }
}
