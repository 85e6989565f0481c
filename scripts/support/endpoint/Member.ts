/** Owns one headless member of a room: it joins as the SDK does, with media that it has prepared, and counts. */
import { type CloseReason, closeReasons } from '../../../shared/closeReasons.ts';
import { WeirError } from '../../../shared/errors.ts';
import { kindOf, type Source, type TransportInfo } from '../../../shared/media.ts';
import type { AudioSlotHolders, JoinReply, Role, RoomKind, TrackSettings } from '../../../shared/protocol.ts';
import type { Request } from '../../../web/client/Signalling.ts';
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
  /** A call unless told; and what it wants to be there, on a server that runs open. */
  readonly kind?: RoomKind;
  readonly role?: Role;
  /** What it publishes: a source and its layers, lowest first. */
  readonly tracks?: Partial<Record<Source, readonly Stream[]>>;
  /** Whether it receives what others publish; it does unless told. */
  readonly receives?: boolean;
  /** How many videos it takes before `updateTrackSettings` asks for more; all unless told. */
  readonly initialVideoLimit?: number;
  /** Whether it says how much it can take, as browsers do, and is sent no more; it does unless told. */
  readonly estimates?: boolean;
  /** The connection was cut, and is being made anew; and it is there again, with the same stay. */
  onReconnecting?(): void;
  onResumed?(): void;
  /** Another peer lost its connection, or is back. */
  onAway?(peerId: string, away: boolean): void;
  /** Whose voices the audio slots carry has changed. */
  onSlots?(slots: AudioSlotHolders): void;
  /** The stay ended, and nobody here asked it to. */
  onEnd?(reason: CloseReason): void;
}

/** Milliseconds since 1970; 0 for what has not come. */
export interface JoinTimes {
  /** The socket began to open. */
  readonly began: number;
  welcomed: number;
  /** The reply to `join` came. */
  joined: number;
  /** The transports are connected, and what is published is accepted. */
  ready: number;
}

export class Member {
  readonly media: MemberMedia;
  readonly moments: JoinTimes = { began: now(), welcomed: 0, joined: 0, ready: 0 };
  /** What the server calls this stay; empty before. */
  peerId = '';
  /** Whether there was something to receive when it came: only then do its first packet and picture tell of its join. */
  readonly metMedia = { audio: false, video: false };
  /** Whose voice each audio slot carries; empty while there are none. */
  slots: AudioSlotHolders = [];
  readonly #options: MemberOptions;
  #signalling: SignalSession | undefined;
  #closed = false;

  private constructor(options: MemberOptions) {
    this.#options = options;
    this.media = new MemberMedia(options);
  }

  /**
   * Enters a room; it resolves when the server has answered `join`, as in the SDK, and media follows.
   * @returns the member, and `ready`, which settles when its transports are connected and what it publishes is accepted
   * @throws {WeirError} why the server does not let it in
   */
  static async join(options: MemberOptions): Promise<{ member: Member; ready: Promise<void> }> {
    const member = new Member(options);
    try {
      const reply = await member.#join();
      const ready = member.#start(reply).catch((error: unknown) => {
        member.leave();
        throw error;
      });
      // Whoever joins need not wait for it.
      ready.catch(() => {});
      return { member, ready };
    } catch (error) {
      member.leave();
      throw error;
    }
  }

  /** Mutes or unmutes what it publishes as `source`. */
  async setPaused(source: Source, paused: boolean): Promise<void> {
    for (const track of this.media.tracks.get(source) ?? []) track.paused = paused;
    await this.#request(paused ? 'pauseProducer' : 'resumeProducer', { source });
  }

  /** Lets the viewers of a broadcast in on what its stage publishes, or ends that. */
  async setLive(live: boolean): Promise<void> {
    await this.#request('setBroadcast', { live });
  }

  /** Says how videos of others are shown: what is not named stays as it was. */
  async updateTrackSettings(tracks: TrackSettings[]): Promise<void> {
    await this.#request('updateTrackSettings', { tracks });
  }

  /** Speaks or is silent, for those who listen to how loud it says it is; it sends all the while. */
  setSpeaking(speaking: boolean): void {
    for (const track of this.media.tracks.get('microphone') ?? []) track.level = speaking ? 25 : 127;
  }

  /** Asks the server whether it is there. @throws {WeirError} `closed`, `timeout` */
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
      tracks = {},
      receives = true,
      initialVideoLimit,
      estimates = true,
    } = this.#options;
    let reason: CloseReason | undefined;
    try {
      const { signalling, welcome } = await SignalSession.open({
        url,
        listeners: {
          newConsumers: ({ consumers }) => void this.#consume(consumers),
          consumersClosed: ({ consumerIds }) => this.media.forget(consumerIds),
          subscribedLayers: ({ source, maxSpatialLayer }) => this.media.setSubscribedLayers(source, maxSpatialLayer),
          slots: ({ slots }) => this.#slotsChanged(slots),
          peerAway: ({ peerId, away }) => this.#options.onAway?.(peerId, away),
        },
        onReconnecting: () => this.#options.onReconnecting?.(),
        onResumed: ({ consumers, slots, subscribedLayers }) => {
          this.#sync(consumers);
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
        rtpCapabilities: receiveCapabilities(welcome.rtpCapabilities, { estimates }),
        transports: { send: Object.keys(tracks).length > 0, recv: receives },
        ...(initialVideoLimit !== undefined && { initialVideoLimit }),
      });
      this.moments.joined = now();
      this.peerId = reply.peerId;
      this.slots = reply.slots;
      for (const { kind } of reply.consumers) this.metMedia[kind] = true;
      return reply;
    } catch (error) {
      // Why the server closed the connection says more than that it did.
      if (!reason || reason === 'left' || reason === 'disconnected') throw error;
      throw new WeirError('unavailable', `${reason}: ${closeReasons[reason].message}`, { cause: error });
    }
  }

  /** What follows the reply goes out at once, none waiting for another. */
  async #start({ transports: { send, recv }, consumers }: JoinReply): Promise<void> {
    const receiving = recv && this.#connect('recv', recv);
    const consuming = this.#consume(consumers);
    const sending = send && this.#connect('send', send, () => this.#publish());
    await Promise.all([receiving, consuming, sending]);
    this.moments.ready = now();
  }

  /** @param opened runs as soon as this end is there */
  async #connect(direction: 'send' | 'recv', info: TransportInfo, opened = async () => {}): Promise<void> {
    const dtlsParameters = await this.media.open(direction);
    if (this.#closed) throw new WeirError('closed');
    const told = this.#request('connectTransport', { transportId: info.transportId, dtlsParameters });
    await Promise.all([told, opened(), this.media.connect(direction, info)]);
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
    // `notFound` says that one closed on the way; its end is in the next event.
    await this.#request('resumeConsumers', { consumerIds }).catch(() => {});
  }

  /** Makes what is received the same as what the server says that there is. */
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
    // Before that, it is `join` that fails.
    if (this.moments.joined > 0) this.#options.onEnd?.(reason);
  }
}

function isSource(name: string): name is Source {
  return Object.hasOwn(kindOf, name);
}
