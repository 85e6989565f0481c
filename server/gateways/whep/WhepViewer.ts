/** Somebody who receives by WHEP: a participant that publishes nothing, with one video and one audio for ever. */
import { randomUUID } from 'node:crypto';
import type { CloseReason } from '../../../shared/closeReasons.ts';
import { WeirError } from '../../../shared/errors.ts';
import type {
  DtlsParameters,
  IceParameters,
  MediaKind,
  RtpCapabilities,
  TransportInfo,
} from '../../../shared/media.ts';
import type { Grants, PeerInfo } from '../../../shared/protocol.ts';
import { Lifetime } from '../../common/Lifetime.ts';
import type { AudioSlots } from '../../media/audio/AudioSlots.ts';
import type { Placement, RoomRouters } from '../../media/RoomRouters.ts';
import { ConsumerOpener } from '../../room/ConsumerOpener.ts';
import type { Participant } from '../../room/Participant.ts';
import { PeerTransports } from '../../room/PeerTransports.ts';
import type { Publication } from '../../room/Publication.ts';
import type { Subscriber } from '../../room/Subscriber.ts';
import { PlayedAudio } from './PlayedAudio.ts';
import { PlayedVideo } from './PlayedVideo.ts';
import type { RoomAudio } from './RoomAudio.ts';

export interface WhepViewerOptions {
  readonly identity: string;
  readonly name: string;
  readonly metadata: string | undefined;
  readonly grants: Grants;
  /** The router of its transport; given back when the viewer ends. */
  readonly placement: Placement;
  readonly routers: RoomRouters;
  /** Of the room; given back when the viewer ends. */
  readonly audio: Disposable & { readonly audio: RoomAudio };
  /** What a client may send, in bit/s; this one sends nothing. */
  readonly maxIncomingBitrate: number;
  /** How long it may take to answer, and then to connect, in milliseconds; 30 s each by default. */
  readonly connectTimeout?: number | undefined;
}

/** The m-lines that a player receives, and what it can receive. */
export interface Playback {
  readonly dtlsParameters: DtlsParameters;
  readonly capabilities: RtpCapabilities;
  readonly received: readonly { readonly kind: MediaKind; readonly mid: string }[];
}

/** As `WhipPublisher` has them. */
const CONNECT_TIMEOUT = 30_000;
/** A counter-offer is good for 30 s from when it is sent (section 4.3.2 of the draft), which is a moment later. */
const ANSWER_TIMEOUT = 32_000;
const CONSENT_TIMEOUT = 30;

export class WhepViewer implements Participant, Subscriber {
  readonly id = randomUUID();
  readonly #options: WhepViewerOptions;
  readonly #lifetime = new Lifetime<CloseReason>();
  readonly #transports: PeerTransports;
  #connectTimer: NodeJS.Timeout | undefined;
  #grants: Grants;
  #everConnected = false;
  #video: PlayedVideo | undefined;
  #audio: PlayedAudio | undefined;

  constructor(options: WhepViewerOptions) {
    const { placement, audio, maxIncomingBitrate, connectTimeout = ANSWER_TIMEOUT } = options;
    this.#options = options;
    this.#grants = options.grants;
    this.#lifetime.defer(() => placement[Symbol.dispose]());
    this.#lifetime.defer(() => audio[Symbol.dispose]());
    const transports = new PeerTransports({
      router: placement.router,
      maxIncomingBitrate,
      iceConsentTimeout: CONSENT_TIMEOUT,
    });
    this.#transports = transports;
    this.#lifetime.defer(() => transports.closeAll());
    this.#lifetime.defer(() => clearTimeout(this.#connectTimer));
    this.#expectProgress(connectTimeout);
    transports.events.on('connected', () => {
      clearTimeout(this.#connectTimer);
      this.#everConnected = true;
    });
    transports.events.on('disconnected', () => this.close('disconnected'));
    transports.events.on('dtlsClosed', () => this.close('left'));
    transports.events.on('tupleChanged', () => this.#video?.requestKeyFrame());
    transports.events.on('congestion', (layers) => this.#video?.setLayerReduction(layers));
    placement.onLost(() => this.close('mediaLost'));
  }

  get closed(): boolean {
    return this.#lifetime.closed;
  }

  get identity(): string {
    return this.#options.identity;
  }

  get info(): PeerInfo {
    const { identity, name, metadata } = this.#options;
    return { peerId: this.id, identity, name, metadata, sources: {}, hand: false, away: false, canExchangeData: false };
  }

  get grants(): Grants {
    return this.#grants;
  }

  get everConnected(): boolean {
    return this.#everConnected;
  }

  /** One that may receive nothing any more leaves. */
  setGrants(grants: Grants): void {
    this.#grants = grants;
    if (grants.canSubscribe) return;
    this.#transports.close('recv');
    // Those who have changed the grants hear of that first.
    setImmediate(() => this.close('left'));
  }

  /** Opens its transport. @throws {WeirError} `closed`, `unavailable` */
  open(): Promise<TransportInfo> {
    return this.#transports.open('recv');
  }

  /**
   * The client is known: it receives what it is subscribed to from now on.
   * @throws {WeirError} `conflict` the second time, `badRequest`, `closed`
   */
  async start({ dtlsParameters, capabilities, received }: Playback): Promise<void> {
    const transport = this.#transports.get('recv');
    if (!transport) throw new WeirError('closed');
    await this.#transports.connect(transport.id, dtlsParameters);
    if (this.closed) throw new WeirError('closed');
    this.#expectProgress(this.#options.connectTimeout ?? CONNECT_TIMEOUT);
    const { placement, routers, audio } = this.#options;
    const { router } = placement;
    const openerOf = (mid: string) =>
      new ConsumerOpener({
        transport,
        router,
        routers,
        rtpCapabilities: capabilities,
        mid,
        // There is no way to tell the client; another video may be shown.
        events: { unsupportedCodec() {} },
      });
    for (const { kind, mid } of received) {
      const opener = openerOf(mid);
      if (kind === 'audio') {
        const played = new PlayedAudio({ opener, slots: audio.audio.slots });
        this.#audio = played;
        this.#lifetime.defer(() => played.close());
      } else {
        const played = new PlayedVideo({ opener, routerId: router.id, speaker: () => audio.audio.speaker });
        this.#video = played;
        this.#lifetime.defer(() => played.clear());
        this.#lifetime.defer(audio.audio.onSpeaker(() => played.update()));
      }
    }
  }

  /** New ICE parameters of the server; media keeps its path meanwhile. @throws {WeirError} `rateLimited`, `closed` */
  async restartIce(): Promise<IceParameters> {
    const { recv } = await this.#transports.restartIce();
    if (!recv) throw new WeirError('closed');
    return recv;
  }

  close(reason: CloseReason): void {
    this.#lifetime.end(reason);
  }

  onEnd(listener: (reason: CloseReason) => void): void {
    this.#lifetime.defer(listener);
  }

  // Subscriber

  async subscribe(publication: Publication): Promise<void> {
    this.#options.placement.activate();
    this.#audio?.setAudible(true);
    if (publication.track.kind === 'video') this.#video?.add(publication);
  }

  unsubscribeAll(): void {
    this.#audio?.setAudible(false);
    this.#video?.clear();
  }

  /** It has a slot of its own, which it hears whether the room has slots or not. */
  async subscribeSlots(_slots: AudioSlots): Promise<void> {
    this.#options.placement.activate();
    this.#audio?.setAudible(true);
  }

  async unsubscribeSlots(): Promise<void> {}

  removePeer(): void {}

  /** Leaves unless it has answered, and then connected, within so many milliseconds. */
  #expectProgress(time: number): void {
    clearTimeout(this.#connectTimer);
    this.#connectTimer = setTimeout(() => this.close('mediaFailed'), time);
  }
}
