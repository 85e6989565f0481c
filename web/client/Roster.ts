/** Owns who else is in the room, as the server tells it: what they publish, and what of it has arrived. */
import { type Source, sources } from '../../shared/media.ts';
import type { PeerInfo, Reaction, SourceStates } from '../../shared/protocol.ts';
import type { RemotePeer, RoomClientEvents } from './events.ts';

type Tell = <E extends keyof RoomClientEvents>(event: E, data: RoomClientEvents[E]) => void;

interface KnownPeer extends RemotePeer {
  sources: SourceStates;
  hand: boolean;
  away: boolean;
  readonly tracks: Map<Source, MediaStreamTrack>;
}

export class Roster {
  readonly #peers = new Map<string, KnownPeer>();
  readonly #tell: Tell;

  /** @param tell hears of each change, when it has been made */
  constructor(tell: Tell) {
    this.#tell = tell;
  }

  /** In the order in which they came. */
  get peers(): RemotePeer[] {
    return [...this.#peers.values()];
  }

  /** Whether somebody who is there sends something. */
  get sends(): boolean {
    return this.peers.some(({ sources, away }) => !away && Object.values(sources).includes('live'));
  }

  /** What takes the server's news of others. */
  readonly listeners = {
    newPeer: (info: PeerInfo) => this.add(info),
    peerClosed: ({ peerId, reason }: { peerId: string; reason: string }) => this.#remove(peerId, reason),
    peerSources: ({ peerId, sources }: { peerId: string; sources: SourceStates }) => this.#update(peerId, { sources }),
    peerHand: ({ peerId, raised }: { peerId: string; raised: boolean }) => this.#update(peerId, { hand: raised }),
    peerAway: ({ peerId, away }: { peerId: string; away: boolean }) => this.#update(peerId, { away }),
    reaction: ({ peerId, reaction }: { peerId: string; reaction: Reaction }) => {
      const peer = this.#peers.get(peerId);
      if (peer) this.#tell('reaction', { peer, reaction });
    },
  };

  add(info: PeerInfo): void {
    const peer: KnownPeer = { ...info, tracks: new Map() };
    this.#peers.set(info.peerId, peer);
    this.#tell('peerJoined', peer);
  }

  /** Makes everything the same as the server says that it is now, and tells what is different. */
  sync(infos: readonly PeerInfo[]): void {
    const there = new Set(infos.map(({ peerId }) => peerId));
    const back = new Set(infos.map(({ identity }) => identity));
    for (const { peerId, identity } of this.peers) {
      // Who is here again under another id has come back, as we have.
      if (!there.has(peerId)) this.#remove(peerId, back.has(identity) ? 'replaced' : 'left');
    }
    for (const info of infos) {
      if (this.#peers.has(info.peerId)) this.#update(info.peerId, info);
      else this.add(info);
    }
  }

  addTrack(peerId: string, source: Source, track: MediaStreamTrack): void {
    const peer = this.#peers.get(peerId);
    if (!peer) return;
    peer.tracks.set(source, track);
    this.#tell('trackAdded', { peer, source, track });
  }

  removeTrack(peerId: string, source: Source): void {
    const peer = this.#peers.get(peerId);
    if (peer?.tracks.delete(source)) this.#tell('trackRemoved', { peer, source });
  }

  /** Forgets everyone, and tells nobody. */
  clear(): void {
    this.#peers.clear();
  }

  #update(peerId: string, { sources, hand, away }: Partial<Pick<PeerInfo, 'sources' | 'hand' | 'away'>>): void {
    const peer = this.#peers.get(peerId);
    if (!peer) return;
    if (sources && !sameSources(peer.sources, sources)) {
      peer.sources = sources;
      this.#tell('peerChanged', peer);
    }
    if (hand !== undefined && peer.hand !== hand) {
      peer.hand = hand;
      this.#tell('handChanged', peer);
    }
    if (away !== undefined && peer.away !== away) {
      peer.away = away;
      this.#tell('awayChanged', peer);
    }
  }

  #remove(peerId: string, reason: string): void {
    const peer = this.#peers.get(peerId);
    if (!peer) return;
    for (const source of [...peer.tracks.keys()]) this.removeTrack(peerId, source);
    this.#peers.delete(peerId);
    this.#tell('peerLeft', { peer, reason });
  }
}

function sameSources(one: SourceStates, other: SourceStates): boolean {
  return sources.every((source) => one[source] === other[source]);
}
