/** Owns who else is in the room, as the server tells it: what they publish, and what of it has arrived. */
import { type Source, sources } from '../../shared/media.ts';
import type { JoinReply, PeerInfo, Reaction, SourceStates } from '../../shared/protocol.ts';
import type { RemotePeer, RoomClientEvents } from './events.ts';

type Tell = <E extends keyof RoomClientEvents>(event: E, data: RoomClientEvents[E]) => void;

interface KnownPeer extends RemotePeer {
  sources: SourceStates;
  hand: boolean;
  away: boolean;
  readonly tracks: Map<Source, MediaStreamTrack>;
  undecodable: ReadonlyMap<Source, string>;
}

type Undecodable = JoinReply['undecodable'][number];

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

  has(peerId: string): boolean {
    return this.#peers.has(peerId);
  }

  /** Whether somebody is there and sends this. */
  sends(peerId: string, source: Source): boolean {
    const peer = this.#peers.get(peerId);
    return peer !== undefined && !peer.away && peer.sources[source] === 'live';
  }

  /** What takes the server's news of others. */
  readonly listeners = {
    newPeer: (info: PeerInfo) => this.add(info),
    peerClosed: ({ peerId, reason }: { peerId: string; reason: string }) => this.#remove(peerId, reason),
    peerSources: ({ peerId, sources }: { peerId: string; sources: SourceStates }) => this.#update(peerId, { sources }),
    peerHand: ({ peerId, raised }: { peerId: string; raised: boolean }) => this.#update(peerId, { hand: raised }),
    peerAway: ({ peerId, away }: { peerId: string; away: boolean }) => this.#update(peerId, { away }),
    undecodable: (news: Undecodable) => this.#cannotDecode(news),
    reaction: ({ peerId, reaction }: { peerId: string; reaction: Reaction }) => {
      const peer = this.#peers.get(peerId);
      if (peer) this.#tell('reaction', { peer, reaction });
    },
  };

  add(info: PeerInfo): void {
    const peer: KnownPeer = { ...info, tracks: new Map(), undecodable: new Map() };
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

  /** These are all that cannot be decoded here. */
  syncUndecodable(all: readonly Undecodable[]): void {
    for (const peer of this.#peers.values()) {
      const theirs = all.filter(({ peerId }) => peerId === peer.peerId);
      const ended = [...peer.undecodable.keys()].filter((known) => !theirs.some(({ source }) => source === known));
      if (ended.length > 0) this.#decodes(peer, ended);
      for (const news of theirs) this.#cannotDecode(news);
    }
  }

  addTrack(peerId: string, source: Source, track: MediaStreamTrack): void {
    const peer = this.#peers.get(peerId);
    if (!peer) return;
    // It was published anew with another codec.
    if (peer.undecodable.has(source)) this.#decodes(peer, [source]);
    peer.tracks.set(source, track);
    this.#tell('trackAdded', { peer, source, track });
  }

  /** Unless another track has taken its place. */
  removeTrack(peerId: string, source: Source, track: MediaStreamTrack): void {
    const peer = this.#peers.get(peerId);
    if (!peer || peer.tracks.get(source) !== track) return;
    peer.tracks.delete(source);
    this.#tell('trackRemoved', { peer, source });
  }

  /** Forgets everyone, and tells nobody. */
  clear(): void {
    this.#peers.clear();
  }

  #update(peerId: string, { sources, hand, away }: Partial<Pick<PeerInfo, 'sources' | 'hand' | 'away'>>): void {
    const peer = this.#peers.get(peerId);
    if (!peer) return;
    if (sources && !sameSources(peer.sources, sources)) {
      const ended = [...peer.undecodable.keys()].filter((source) => peer.sources[source] && !sources[source]);
      peer.sources = sources;
      if (ended.length > 0) this.#decodes(peer, ended);
      else this.#tell('peerChanged', peer);
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

  #cannotDecode({ peerId, source, mimeType }: Undecodable): void {
    const peer = this.#peers.get(peerId);
    if (!peer || peer.undecodable.get(source) === mimeType) return;
    peer.undecodable = new Map(peer.undecodable).set(source, mimeType);
    this.#tell('peerChanged', peer);
  }

  /** What was not to be decoded has ended, or is now. */
  #decodes(peer: KnownPeer, sources: readonly Source[]): void {
    peer.undecodable = new Map([...peer.undecodable].filter(([source]) => !sources.includes(source)));
    this.#tell('peerChanged', peer);
  }

  #remove(peerId: string, reason: string): void {
    const peer = this.#peers.get(peerId);
    if (!peer) return;
    for (const [source, track] of [...peer.tracks]) this.removeTrack(peerId, source, track);
    this.#peers.delete(peerId);
    this.#tell('peerLeft', { peer, reason });
  }
}

function sameSources(one: SourceStates, other: SourceStates): boolean {
  return sources.every((source) => one[source] === other[source]);
}
