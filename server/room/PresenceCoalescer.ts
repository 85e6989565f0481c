/** Owns news of who is there and what they do, until it is told: what is over by then is left out, what changed twice is told once. */
import type { PeerInfo, ServerEvents } from '../../shared/protocol.ts';

type Tell = <E extends keyof ServerEvents>(event: E, data: ServerEvents[E]) => void;

/** What is to be told of one peer: that it left, if it was known before, and then that it came. */
interface OfOne {
  left?: ServerEvents['peerClosed'];
  came?: PeerInfo;
  changes: Partial<Pick<PeerInfo, 'sources' | 'hand' | 'away'>>;
}

export class PresenceCoalescer {
  /** In the order in which there was the first news of each. */
  readonly #peers = new Map<string, OfOne>();

  get empty(): boolean {
    return this.#peers.size === 0;
  }

  /** Takes a piece of news. @returns false where it is of another kind */
  add<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): boolean;
  add(...[event, data]: { [E in keyof ServerEvents]: [E, ServerEvents[E]] }[keyof ServerEvents]): boolean {
    switch (event) {
      case 'newPeer':
        this.#came(data);
        return true;
      case 'peerClosed':
        this.#left(data);
        return true;
      case 'peerSources':
        this.#of(data.peerId).changes.sources = data.sources;
        return true;
      case 'peerHand':
        this.#of(data.peerId).changes.hand = data.raised;
        return true;
      case 'peerAway':
        this.#of(data.peerId).changes.away = data.away;
        return true;
      default:
        return false;
    }
  }

  /** Tells all that there is, and has nothing then. */
  flush(tell: Tell): void {
    const all = [...this.#peers];
    this.#peers.clear();
    for (const [peerId, { came, left, changes }] of all) {
      const { sources, hand, away } = changes;
      if (left) tell('peerClosed', left);
      if (came) tell('newPeer', { ...came, ...changes });
      else if (!left) {
        if (sources) tell('peerSources', { peerId, sources });
        if (hand !== undefined) tell('peerHand', { peerId, raised: hand });
        if (away !== undefined) tell('peerAway', { peerId, away });
      }
    }
  }

  clear(): void {
    this.#peers.clear();
  }

  #of(peerId: string): OfOne {
    const known = this.#peers.get(peerId) ?? { changes: {} };
    this.#peers.set(peerId, known);
    return known;
  }

  /** What was to be told of before is in it. */
  #came(data: PeerInfo): void {
    const { left } = this.#peers.get(data.peerId) ?? {};
    this.#peers.set(data.peerId, { ...(left && { left }), came: data, changes: {} });
  }

  /** Who came and left meanwhile was never there, unless they had been before: the stage of a broadcast is come back to. */
  #left(data: ServerEvents['peerClosed']): void {
    const { came, left } = this.#peers.get(data.peerId) ?? {};
    this.#peers.delete(data.peerId);
    if (!came || left) this.#peers.set(data.peerId, { left: data, changes: {} });
  }
}
