/** The other peers of the room, as the server has sent them: what they publish, and which of their tracks have arrived. */
import { type Source, sources } from '../../shared/media.ts';
import type { JoinReply, PeerInfo, Reaction, SourceStates, VideoProblem } from '../../shared/protocol.ts';
import type { Notify, RemotePeer } from './events.ts';

interface KnownPeer extends RemotePeer {
  name: string;
  metadata?: string | undefined;
  sources: SourceStates;
  hand: boolean;
  away: boolean;
  canExchangeData: boolean;
  videoProblem?: VideoProblem | undefined;
  readonly tracks: Map<Source, MediaStreamTrack>;
  unsupportedCodecs: ReadonlyMap<Source, string>;
}

type UnsupportedCodec = JoinReply['unsupportedCodecs'][number];
type PeerChange = Partial<Pick<PeerInfo, 'sources' | 'hand' | 'away' | 'canExchangeData' | 'videoProblem'>>;

export class RemotePeers {
  readonly #peers = new Map<string, KnownPeer>();
  readonly #notify: Notify;

  /** @param notify is called after each change */
  constructor(notify: Notify) {
    this.#notify = notify;
  }

  /** In the order in which they joined. */
  get peers(): RemotePeer[] {
    return [...this.#peers.values()];
  }

  get(peerId: string): RemotePeer | undefined {
    return this.#peers.get(peerId);
  }

  /** The tracks that have arrived. */
  get tracks(): { peerId: string; source: Source; track: MediaStreamTrack }[] {
    return this.peers.flatMap(({ peerId, tracks }) =>
      [...tracks].map(([source, track]) => ({ peerId, source, track })),
    );
  }

  has(peerId: string): boolean {
    return this.#peers.has(peerId);
  }

  /** Whether a peer is connected and publishes this source unmuted. */
  sends(peerId: string, source: Source): boolean {
    const peer = this.#peers.get(peerId);
    return peer !== undefined && !peer.away && peer.sources[source] === 'live';
  }

  /** The listeners of the server's events about peers. */
  readonly listeners = {
    newPeer: (info: PeerInfo) => this.add(info),
    peerClosed: ({ peerId, reason }: { peerId: string; reason: string }) => this.#remove(peerId, reason),
    peerSources: ({ peerId, sources }: { peerId: string; sources: SourceStates }) => this.#update(peerId, { sources }),
    peerHand: ({ peerId, raised }: { peerId: string; raised: boolean }) => this.#update(peerId, { hand: raised }),
    peerAway: ({ peerId, away }: { peerId: string; away: boolean }) => this.#update(peerId, { away }),
    peerInfo: ({ peerId, name, metadata }: { peerId: string; name: string; metadata?: string | undefined }) =>
      this.#updateInfo(peerId, name, metadata),
    peerGrants: ({ peerId, canExchangeData }: { peerId: string; canExchangeData: boolean }) =>
      this.#update(peerId, { canExchangeData }),
    peerVideoProblem: ({ peerId, problem: videoProblem }: { peerId: string; problem: VideoProblem }) =>
      this.#update(peerId, { videoProblem }),
    unsupportedCodec: (unsupported: UnsupportedCodec) => this.#addUnsupportedCodec(unsupported),
    reaction: ({ peerId, reaction }: { peerId: string; reaction: Reaction }) => {
      const peer = this.#peers.get(peerId);
      if (peer) this.#notify('reaction', { peer, reaction });
    },
  };

  add(info: PeerInfo): void {
    const peer: KnownPeer = { ...info, tracks: new Map(), unsupportedCodecs: new Map() };
    this.#peers.set(info.peerId, peer);
    this.#notify('peerJoined', peer);
  }

  /** Makes the peers the same as those of the server after a reconnect, and notifies of each difference. */
  sync(infos: readonly PeerInfo[]): void {
    const there = new Set(infos.map(({ peerId }) => peerId));
    const back = new Set(infos.map(({ identity }) => identity));
    for (const { peerId, identity } of this.peers) {
      // The same identity under another id has rejoined meanwhile.
      if (!there.has(peerId)) this.#remove(peerId, back.has(identity) ? 'replaced' : 'left');
    }
    for (const info of infos) {
      if (this.#peers.has(info.peerId)) {
        this.#updateInfo(info.peerId, info.name, info.metadata);
        this.#update(info.peerId, info);
      } else this.add(info);
    }
  }

  /** Sets all sources that this browser cannot decode. */
  syncUnsupportedCodecs(all: readonly UnsupportedCodec[]): void {
    for (const peer of this.#peers.values()) {
      const theirs = all.filter(({ peerId }) => peerId === peer.peerId);
      const ended = [...peer.unsupportedCodecs.keys()].filter(
        (known) => !theirs.some(({ source }) => source === known),
      );
      if (ended.length > 0) this.#removeUnsupportedCodec(peer, ended);
      for (const unsupported of theirs) this.#addUnsupportedCodec(unsupported);
    }
  }

  addTrack(peerId: string, source: Source, track: MediaStreamTrack): void {
    const peer = this.#peers.get(peerId);
    if (!peer) return;
    // It has been published again with another codec.
    if (peer.unsupportedCodecs.has(source)) this.#removeUnsupportedCodec(peer, [source]);
    peer.tracks.set(source, track);
    this.#notify('trackAdded', { peer, source, track });
  }

  /** Does nothing if another track has replaced it. */
  removeTrack(peerId: string, source: Source, track: MediaStreamTrack): void {
    const peer = this.#peers.get(peerId);
    if (!peer || peer.tracks.get(source) !== track) return;
    peer.tracks.delete(source);
    this.#notify('trackRemoved', { peer, source });
  }

  /** Removes all peers, without notifying. */
  clear(): void {
    this.#peers.clear();
  }

  #updateInfo(peerId: string, name: string, metadata: string | undefined): void {
    const peer = this.#peers.get(peerId);
    if (!peer || (peer.name === name && peer.metadata === metadata)) return;
    peer.name = name;
    peer.metadata = metadata;
    this.#notify('peerChanged', peer);
  }

  #update(peerId: string, { sources, hand, away, canExchangeData, videoProblem }: PeerChange): void {
    const peer = this.#peers.get(peerId);
    if (!peer) return;
    if (sources && !sameSources(peer.sources, sources)) {
      const ended = [...peer.unsupportedCodecs.keys()].filter((source) => peer.sources[source] && !sources[source]);
      peer.sources = sources;
      if (ended.length > 0) this.#removeUnsupportedCodec(peer, ended);
      else this.#notify('peerChanged', peer);
    }
    if (canExchangeData !== undefined && peer.canExchangeData !== canExchangeData) {
      peer.canExchangeData = canExchangeData;
      this.#notify('peerChanged', peer);
    }
    if (videoProblem !== undefined && peer.videoProblem !== videoProblem) {
      peer.videoProblem = videoProblem;
      this.#notify('peerChanged', peer);
    }
    if (hand !== undefined && peer.hand !== hand) {
      peer.hand = hand;
      this.#notify('handChanged', peer);
    }
    if (away !== undefined && peer.away !== away) {
      peer.away = away;
      this.#notify('awayChanged', peer);
    }
  }

  #addUnsupportedCodec({ peerId, source, mimeType }: UnsupportedCodec): void {
    const peer = this.#peers.get(peerId);
    if (!peer || peer.unsupportedCodecs.get(source) === mimeType) return;
    peer.unsupportedCodecs = new Map(peer.unsupportedCodecs).set(source, mimeType);
    this.#notify('peerChanged', peer);
  }

  /** Sources that could not be decoded have ended, or can be decoded now. */
  #removeUnsupportedCodec(peer: KnownPeer, sources: readonly Source[]): void {
    peer.unsupportedCodecs = new Map([...peer.unsupportedCodecs].filter(([source]) => !sources.includes(source)));
    this.#notify('peerChanged', peer);
  }

  #remove(peerId: string, reason: string): void {
    const peer = this.#peers.get(peerId);
    if (!peer) return;
    for (const [source, track] of [...peer.tracks]) this.removeTrack(peerId, source, track);
    this.#peers.delete(peerId);
    this.#notify('peerLeft', { peer, reason });
  }
}

function sameSources(one: SourceStates, other: SourceStates): boolean {
  return sources.every((source) => one[source] === other[source]);
}
