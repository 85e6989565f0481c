/** Somebody who receives by plain RTP: a participant that publishes nothing, with one video and one audio, each on a transport. */
import { randomUUID } from 'node:crypto';
import type { PlainTransport } from 'mediasoup/types';
import type { Logger } from 'pino';
import type { CloseReason } from '../../../shared/closeReasons.ts';
import { WeirError } from '../../../shared/errors.ts';
import type { MediaKind, RtpCapabilities } from '../../../shared/media.ts';
import type { Grants, PeerInfo } from '../../../shared/protocol.ts';
import { Lifetime } from '../../common/Lifetime.ts';
import type { AudioSlots } from '../../media/audio/AudioSlots.ts';
import type { OpenedPlain, PlainTransports } from '../../media/PlainTransports.ts';
import type { Placement } from '../../media/RoomRouters.ts';
import { ConsumerOpener } from '../../room/ConsumerOpener.ts';
import type { Participant } from '../../room/Participant.ts';
import type { Publication } from '../../room/Publication.ts';
import type { Room } from '../../room/Room.ts';
import type { RoomEventMap } from '../../room/RoomEvents.ts';
import type { Subscriber } from '../../room/Subscriber.ts';
import { sourceOf, type VideoSource } from '../openPublisher.ts';
import { PlayedAudio } from '../whep/PlayedAudio.ts';
import { PlayedVideo } from '../whep/PlayedVideo.ts';
import type { RoomAudio } from '../whep/RoomAudio.ts';
import { MemberAudio } from './MemberAudio.ts';

export interface RtpViewerOptions {
  readonly identity: string;
  readonly name: string;
  readonly metadata: string | undefined;
  readonly grants: Grants;
  readonly room: Room;
  /** The router of its transports; given back when the viewer ends. */
  readonly placement: Placement;
  /** Of the room; given back when the viewer ends. */
  readonly audio: Disposable & { readonly audio: RoomAudio };
  readonly plain: PlainTransports;
  /** The one member that is sent; undefined for whoever speaks. */
  readonly member: { readonly peerId: string; readonly source: VideoSource } | undefined;
  /** How long nothing may be published that it could be sent, in milliseconds. */
  readonly idleTimeout: number;
  readonly log: Logger;
}

/** Where a stream is sent, and in which codec. */
export interface RtpOutput {
  readonly kind: MediaKind;
  readonly capabilities: RtpCapabilities;
  readonly remote: { readonly ip: string; readonly port: number; readonly rtcpPort: number };
  readonly rtcpMux: boolean;
}

/** How often it is looked for signs of the receiver at least, in milliseconds. */
const MAX_INTERVAL = 2000;
/** Times the idle timeout in which there has to be one. */
const SIGNS = 2;

export class RtpViewer implements Participant, Subscriber {
  readonly id = randomUUID();
  readonly #options: RtpViewerOptions;
  readonly #lifetime = new Lifetime<CloseReason>();
  readonly #transports: PlainTransport[] = [];
  #grants: Grants;
  #video: PlayedVideo | undefined;
  #audio: PlayedAudio | MemberAudio | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  /** When there was a sign of the receiver (`performance.now()`), and how much RTCP had come by then. */
  #seen = { at: performance.now(), bytes: 0 };

  constructor(options: RtpViewerOptions) {
    const { placement, audio, grants, room, member } = options;
    this.#options = options;
    this.#grants = grants;
    this.#lifetime.defer(() => placement[Symbol.dispose]());
    this.#lifetime.defer(() => audio[Symbol.dispose]());
    this.#lifetime.defer(() => this.#closeTransports());
    this.#lifetime.defer(() => clearTimeout(this.#idleTimer));
    placement.onLost(() => this.close('mediaLost'));
    const looks = setInterval(() => void this.#lookForReceiver(), Math.min(options.idleTimeout / 4, MAX_INTERVAL));
    this.#lifetime.defer(() => clearInterval(looks));
    const watch = () => this.#watchIdle();
    this.#lifetime.defer(room.events.on({ published: watch, unpublished: watch }));
    if (!member) return;
    const left = ({ participant }: RoomEventMap['left']) => {
      if (participant.id === member.peerId) this.close('left');
    };
    this.#lifetime.defer(room.events.on({ left }));
    // It may have left while a router was chosen.
    if (!room.participant(member.peerId)) this.close('left');
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

  /** One that may receive nothing any more leaves. */
  setGrants(grants: Grants): void {
    this.#grants = grants;
    if (grants.canSubscribe) return;
    this.#closeTransports();
    // Those who have changed the grants hear of that first.
    setImmediate(() => this.close('left'));
  }

  /**
   * Opens a transport for each output.
   * @returns them, in that order
   * @throws {WeirError} `unavailable`, `forbidden`, `unsupported`, `closed`
   */
  async start(outputs: readonly RtpOutput[]): Promise<OpenedPlain[]> {
    const { plain, placement, room } = this.#options;
    const opened: OpenedPlain[] = [];
    for (const { kind, capabilities, remote, rtcpMux } of outputs) {
      const one = await plain.open(placement.router, { rtcpMux, remote });
      this.#transports.push(one.transport);
      if (this.closed) {
        this.#closeTransports();
        throw new WeirError('closed');
      }
      const opener = new ConsumerOpener({
        transport: one.transport,
        router: placement.router,
        routers: room.routers,
        rtpCapabilities: capabilities,
        // There is no way to tell the receiver; another video may be sent.
        events: { unsupportedCodec() {} },
      });
      if (kind === 'audio') this.#playAudio(opener);
      else this.#playVideo(opener);
      opened.push(one);
    }
    this.#watchIdle();
    return opened;
  }

  /** The receiver is ready, or has lost a key frame. */
  requestKeyFrame(): void {
    this.#video?.requestKeyFrame();
  }

  /** Somebody asks for its session: the receiver is wanted. */
  touch(): void {
    this.#seen.at = performance.now();
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
    if (publication.track.kind === 'video' && this.#isWanted(publication)) this.#video?.add(publication);
  }

  unsubscribeAll(): void {
    this.#audio?.setAudible(false);
    this.#video?.clear();
  }

  /** It has a stream of its own, which it hears whether the room has slots or not. */
  async subscribeSlots(_slots: AudioSlots): Promise<void> {
    this.#options.placement.activate();
    this.#audio?.setAudible(true);
  }

  async unsubscribeSlots(): Promise<void> {}

  removePeer(): void {}

  #playVideo(opener: ConsumerOpener): void {
    const { placement, audio } = this.#options;
    const video = new PlayedVideo({ opener, routerId: placement.router.id, speaker: () => audio.audio.speaker });
    this.#video = video;
    this.#lifetime.defer(() => video.clear());
    this.#lifetime.defer(audio.audio.onSpeaker(() => video.update()));
  }

  #playAudio(opener: ConsumerOpener): void {
    const { room, member, audio } = this.#options;
    const played = member
      ? new MemberAudio({ room, peerId: member.peerId, source: sourceOf[member.source].audio, opener })
      : new PlayedAudio({ opener, slots: audio.audio.slots });
    this.#audio = played;
    this.#lifetime.defer(() => played.close());
  }

  #isWanted({ track }: Publication): boolean {
    const { member } = this.#options;
    if (!member) return (track.kind === 'video' ? this.#video : this.#audio) !== undefined;
    return track.peerId === member.peerId && track.source === sourceOf[member.source][track.kind];
  }

  /** A receiver keeps its room open: it must not stay when nobody else does. */
  #watchIdle(): void {
    const { room, idleTimeout, log } = this.#options;
    if (this.closed) return;
    if (room.publications.some((publication) => this.#isWanted(publication))) {
      clearTimeout(this.#idleTimer);
      this.#idleTimer = undefined;
      return;
    }
    this.#idleTimer ??= setTimeout(() => {
      log.info(
        { identity: this.identity, peer: this.id, seconds: idleTimeout / 1000 },
        'nothing to send by RTP, the session ends',
      );
      this.close('left');
    }, idleTimeout);
  }

  /** Media is not sent for ever to one that is gone: receivers send RTCP, or their session is asked for. */
  async #lookForReceiver(): Promise<void> {
    const { idleTimeout, log } = this.#options;
    // A request that fails has met the end of a transport.
    const stats = await Promise.all(this.#transports.map((transport) => transport.getStats())).catch(() => []);
    if (this.closed) return;
    const bytes = stats.flat().reduce((sum, { bytesReceived }) => sum + bytesReceived, 0);
    if (bytes > this.#seen.bytes) this.#seen = { at: performance.now(), bytes };
    const seconds = (SIGNS * idleTimeout) / 1000;
    if (performance.now() - this.#seen.at < seconds * 1000) return;
    log.info({ identity: this.identity, peer: this.id, seconds }, 'no RTCP of an RTP receiver, the session ends');
    this.close('disconnected');
  }

  #closeTransports(): void {
    for (const transport of this.#transports) transport.close();
  }
}
