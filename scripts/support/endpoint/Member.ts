/** A headless member of a room: joins as the SDK does, with prepared media, and counts what it receives. */
import { type CloseReason, closeReasons } from '../../../shared/closeReasons.ts';
import { WeirError } from '../../../shared/errors.ts';
import { kindOf, type Source, type TransportCounters, type TransportInfo } from '../../../shared/media.ts';
import type {
  AudioSlotHolders,
  ConsumerLayers,
  DirectPeers,
  DirectTrack,
  JoinReply,
  Role,
  RoomKind,
  TrackSettings,
} from '../../../shared/protocol.ts';
import type { Request, SignallingKind } from '../../../web/client/Signalling.ts';
import { SignalSession } from '../../../web/client/signalling/SignalSession.ts';
import type { Stream } from '../media/Stream.ts';
import { now } from './clock.ts';
import { type MediaOptions, MemberMedia } from './MemberMedia.ts';
import { receiveCapabilities } from './parameters.ts';

export interface MemberOptions extends MediaOptions {
  readonly url: string;
  readonly room: string;
  readonly name: string;
  readonly token?: string;
  /** Default a call. Kind and role are requested in the join, which only a server without tokens grants. */
  readonly kind?: RoomKind;
  readonly role?: Role;
  /** Whether it says that it can exchange media directly, which it does not do; default false. */
  readonly direct?: boolean;
  /** What it publishes: the layers of each source, lowest first. */
  readonly tracks?: Partial<Record<Source, readonly Stream[]>>;
  /** Whether it subscribes to others; default true. */
  readonly receives?: boolean;
  /** How many videos it receives before `updateTrackSettings`; default all. */
  readonly initialVideoLimit?: number;
  /** What carries its signalling, best first; default WebSocket alone, so that measurements are of that. */
  readonly kinds?: readonly SignallingKind[];
  /** Whether it sends bandwidth estimates, as browsers do, and is limited by them; default true. */
  readonly estimates?: boolean;
  /** The connection was lost and is being resumed; then, the same session is resumed. */
  onReconnecting?(): void;
  onResumed?(): void;
  /** Another peer lost its connection, or is back. */
  onAway?(peerId: string, away: boolean): void;
  /** The holders of the audio slots have changed. */
  onSlots?(slots: AudioSlotHolders): void;
  /** The session ended, and not by `leave`. */
  onEnd?(reason: CloseReason): void;
}

/** Milliseconds since 1970; 0 for not yet. */
export interface JoinTimes {
  /** The socket began to open. */
  readonly began: number;
  welcomed: number;
  /** The reply to `join` came. */
  joined: number;
  /** The transports are connected, and the publications accepted. */
  ready: number;
}

export class Member {
  readonly media: MemberMedia;
  readonly moments: JoinTimes = { began: now(), welcomed: 0, joined: 0, ready: 0 };
  /** The server's id of this session; empty before the join. */
  peerId = '';
  /**
   * Whether others were publishing when it joined: only then do the times of its first packet and frame measure its
   * join.
   */
  readonly metMedia = { audio: false, video: false };
  /** The holder of each audio slot; empty while slots are off. */
  slots: AudioSlotHolders = [];
  /** With whom the server wants it to exchange media directly. */
  directPeers: DirectPeers['peers'] = [];
  readonly #options: MemberOptions;
  #signalling: SignalSession | undefined;
  #closed = false;

  private constructor(options: MemberOptions) {
    this.#options = options;
    this.media = new MemberMedia(options);
  }

  /**
   * Joins a room; resolves with the reply to `join`, as the SDK does; media follows.
   * @returns the member, and `ready`, which settles when its transports are connected and its publications accepted
   * @throws {WeirError} why the server refuses the join
   */
  static async join(options: MemberOptions): Promise<{ member: Member; ready: Promise<void> }> {
    const member = new Member(options);
    try {
      const reply = await member.#join();
      const ready = member.#start(reply).catch((error: unknown) => {
        member.leave();
        throw error;
      });
      // Callers that do not await `ready` must not cause an unhandled rejection.
      ready.catch(() => {});
      return { member, ready };
    } catch (error) {
      member.leave();
      throw error;
    }
  }

  /** Mutes or unmutes its publication of `source`. */
  async setPaused(source: Source, paused: boolean): Promise<void> {
    for (const track of this.media.tracks.get(source) ?? []) track.paused = paused;
    await this.#request(paused ? 'pauseProducer' : 'resumeProducer', { source });
  }

  /** Starts or ends the broadcast for its viewers. */
  async setLive(live: boolean): Promise<void> {
    await this.#request('setBroadcast', { live });
  }

  /** Sends track settings of others' videos; tracks that are not named keep theirs. */
  async updateTrackSettings(tracks: TrackSettings[]): Promise<void> {
    await this.#request('updateTrackSettings', { tracks });
  }

  async getConsumerLayers(): Promise<ConsumerLayers[]> {
    return (await this.#request('getConsumerLayers', {})).videos;
  }

  /** Says which tracks arrive directly; the server sends all others. */
  async setDirectTracks(tracks: DirectTrack[]): Promise<void> {
    await this.#request('setDirectTracks', { tracks });
  }

  /** Bytes of RTP that the server has sent to it and received from it. */
  getTransportStats(): Promise<TransportCounters> {
    return this.#request('getTransportStats', {});
  }

  /** Sets the audio level to speech or silence; packets are sent in both cases. */
  setSpeaking(speaking: boolean): void {
    for (const track of this.media.tracks.get('microphone') ?? []) track.level = speaking ? 25 : 127;
  }

  /** Sends a ping to the server. @throws {WeirError} `closed`, `timeout` */
  async ping(): Promise<void> {
    await this.#request('ping', {});
  }

  leave(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#signalling?.leave();
    this.media.close();
  }

  async #join(): Promise<JoinReply> {
    const {
      url,
      room,
      name,
      token,
      kind,
      role,
      direct,
      tracks = {},
      receives = true,
      initialVideoLimit,
      kinds = ['webSocket'],
      estimates = true,
    } = this.#options;
    let reason: CloseReason | undefined;
    try {
      const { signalling, welcome } = await SignalSession.open({
        url,
        kinds,
        listeners: {
          newConsumers: ({ consumers }) => void this.#consume(consumers),
          consumersClosed: ({ consumerIds }) => this.media.forget(consumerIds),
          subscribedLayers: ({ source, maxSpatialLayer }) => this.media.setSubscribedLayers(source, maxSpatialLayer),
          slots: ({ slots }) => this.#slotsChanged(slots),
          directPeers: ({ peers }) => {
            this.directPeers = peers;
          },
          peerAway: ({ peerId, away }) => this.#options.onAway?.(peerId, away),
        },
        onReconnecting: () => this.#options.onReconnecting?.(),
        onResumed: ({ consumers, slots, subscribedLayers, directPeers }) => {
          this.#sync(consumers);
          this.directPeers = directPeers.peers;
          this.#slotsChanged(slots);
          for (const { source, maxSpatialLayer } of subscribedLayers)
            this.media.setSubscribedLayers(source, maxSpatialLayer);
          this.#options.onResumed?.();
        },
        onClose: (why) => {
          reason = why;
          this.#ended(why);
        },
      });
      this.#signalling = signalling;
      this.moments.welcomed = now();
      const reply = await signalling.join({
        room,
        name,
        ...(token !== undefined && { token }),
        ...(kind !== undefined && { kind }),
        ...(role !== undefined && { role }),
        ...(direct !== undefined && { direct }),
        rtpCapabilities: receiveCapabilities(welcome.rtpCapabilities, { estimates }),
        transports: { send: Object.keys(tracks).length > 0, recv: receives },
        ...(initialVideoLimit !== undefined && { initialVideoLimit }),
      });
      this.moments.joined = now();
      this.peerId = reply.peerId;
      this.slots = reply.slots;
      this.directPeers = reply.directPeers.peers;
      for (const { kind } of reply.consumers) this.metMedia[kind] = true;
      return reply;
    } catch (error) {
      // The server's close reason explains more than the failed request.
      if (!reason || reason === 'left' || reason === 'disconnected') throw error;
      throw new WeirError('unavailable', `${reason}: ${closeReasons[reason].message}`, { cause: error });
    }
  }

  /** All requests after the reply are sent at once, without waiting for each other. */
  async #start({ transports: { send, recv }, consumers }: JoinReply): Promise<void> {
    const receiving = recv && this.#connect('recv', recv);
    const consuming = this.#consume(consumers);
    const sending = send && this.#connect('send', send, () => this.#publish());
    await Promise.all([receiving, consuming, sending]);
    this.moments.ready = now();
  }

  /** @param opened called as soon as this end of the transport exists */
  async #connect(direction: 'send' | 'recv', info: TransportInfo, opened = async () => {}): Promise<void> {
    const dtlsParameters = await this.media.open(direction);
    if (this.#closed) throw new WeirError('closed');
    const connected = this.#request('connectTransport', { transportId: info.transportId, dtlsParameters });
    await Promise.all([connected, opened(), this.media.connect(direction, info)]);
  }

  async #publish(): Promise<void> {
    const { tracks = {} } = this.#options;
    const published = Object.entries(tracks).map(async ([source, streams]) => {
      if (!isSource(source)) return;
      const { width, height } = streams.at(-1) ?? {};
      await this.#request('produce', {
        source,
        rtpParameters: this.media.publish(source, streams),
        ...(width && height && { size: { width, height } }),
      });
    });
    await Promise.all(published);
  }

  async #consume(consumers: JoinReply['consumers']): Promise<void> {
    if (consumers.length === 0) return;
    this.media.receive(consumers);
    const consumerIds = consumers.map(({ consumerId }) => consumerId);
    // `notFound`: a consumer has closed meanwhile; the next event says so.
    await this.#request('resumeConsumers', { consumerIds }).catch(() => {});
  }

  /** Reconciles the receivers with the server's list of consumers. */
  #sync(consumers: JoinReply['consumers']): void {
    const known = new Map([...this.media.receivers.values()].map(({ info }) => [info.consumerId, info]));
    const there = new Set(consumers.map(({ consumerId }) => consumerId));
    this.media.forget([...known.keys()].filter((id) => !there.has(id)));
    void this.#consume(consumers.filter(({ consumerId }) => !known.has(consumerId)));
  }

  #slotsChanged(slots: AudioSlotHolders): void {
    this.slots = slots;
    this.#options.onSlots?.(slots);
  }

  readonly #request: Request = (method, data) => {
    if (!this.#signalling) throw new WeirError('notJoined');
    return this.#signalling.request(method, data);
  };

  #ended(reason: CloseReason): void {
    if (this.#closed) return;
    this.leave();
    // Before the join is complete, the promise of `join` rejects instead.
    if (this.moments.joined > 0) this.#options.onEnd?.(reason);
  }
}

function isSource(name: string): name is Source {
  return Object.hasOwn(kindOf, name);
}
