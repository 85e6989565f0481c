/** Somebody who receives by plain RTP: a transport for each kind of media, and the end when there is no sign of the receiver. */
import type { Logger } from 'pino';
import { WeirError } from '../../../shared/errors.ts';
import type { MediaKind, RtpCapabilities } from '../../../shared/media.ts';
import type { OpenedPlain, PlainTransports } from '../../media/PlainTransports.ts';
import type { ConsumerOpener } from '../../room/ConsumerOpener.ts';
import type { Publication } from '../../room/Publication.ts';
import type { Room } from '../../room/Room.ts';
import type { RoomEventMap } from '../../room/RoomEvents.ts';
import { GatewayViewer, type ViewerAudio, type ViewerOptions } from '../GatewayViewer.ts';
import { sourceOf, type VideoSource } from '../openPublisher.ts';
import { MemberAudio } from './MemberAudio.ts';
import { RtpTransports } from './RtpTransports.ts';

export interface RtpViewerOptions extends ViewerOptions {
  readonly room: Room;
  readonly plain: PlainTransports;
  /** The one member that is sent; undefined for whoever speaks. */
  readonly member: { readonly peerId: string; readonly source: VideoSource } | undefined;
  /** Half of the time in which there has to be a sign of the receiver, in milliseconds. */
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

export class RtpViewer extends GatewayViewer {
  override readonly gateway = 'rtp';
  readonly #options: RtpViewerOptions;
  readonly #transports: RtpTransports;
  /** Of what is sent. */
  readonly #kinds = new Set<MediaKind>();
  /** When there was a sign of the receiver (`performance.now()`), and how much RTCP had come by then. */
  #seen = { at: performance.now(), bytes: 0 };

  constructor(options: RtpViewerOptions) {
    const transports = new RtpTransports();
    super(options, transports);
    this.#options = options;
    this.#transports = transports;
    const { room, member, idleTimeout } = options;
    const looks = setInterval(() => void this.#lookForReceiver(), Math.min(idleTimeout / 4, MAX_INTERVAL));
    this.lifetime.defer(() => clearInterval(looks));
    if (!member) return;
    const left = ({ participant }: RoomEventMap['left']) => {
      if (participant.id === member.peerId) this.close('left');
    };
    this.lifetime.defer(room.events.on({ left }));
    // It may have left while a router was chosen.
    if (!room.participant(member.peerId)) this.close('left');
  }

  /**
   * Opens a transport for each output.
   * @returns them, in that order
   * @throws {WeirError} `unavailable`, `forbidden`, `unsupported`, `closed`
   */
  async start(outputs: readonly RtpOutput[]): Promise<OpenedPlain[]> {
    const { plain, placement } = this.#options;
    const opened: OpenedPlain[] = [];
    for (const { kind, capabilities, remote, rtcpMux } of outputs) {
      const one = await plain.open(placement.router, { rtcpMux, remote });
      this.#transports.add(kind, one.transport);
      if (this.closed) throw new WeirError('closed');
      this.#kinds.add(kind);
      this.play({ kind, transport: one.transport, rtpCapabilities: capabilities });
      opened.push(one);
    }
    // There is nothing to wait for: media is sent to where it was asked for.
    this.setConnected();
    return opened;
  }

  /** Somebody asks for its session: the receiver is wanted. */
  touch(): void {
    this.#seen.at = performance.now();
  }

  override receives({ track }: Publication): boolean {
    const { member } = this.#options;
    if (!member) return this.#kinds.has(track.kind);
    return track.peerId === member.peerId && track.source === sourceOf[member.source][track.kind];
  }

  protected override openAudio(opener: ConsumerOpener): ViewerAudio {
    const { room, member } = this.#options;
    if (!member) return super.openAudio(opener);
    return new MemberAudio({ room, peerId: member.peerId, source: sourceOf[member.source].audio, opener });
  }

  /** Media is not sent for ever to one that is gone: receivers send RTCP, or their session is asked for. */
  async #lookForReceiver(): Promise<void> {
    const { idleTimeout, log } = this.#options;
    // A request that fails has met the end of a transport.
    const received = await this.#transports.received().catch(() => undefined);
    if (this.closed) return;
    const bytes = received?.bytes ?? 0;
    if (bytes > this.#seen.bytes) this.#seen = { at: performance.now(), bytes };
    const seconds = (SIGNS * idleTimeout) / 1000;
    if (performance.now() - this.#seen.at < seconds * 1000) return;
    log.info({ identity: this.identity, peer: this.id, seconds }, 'no RTCP of an RTP receiver, the session ends');
    this.close('disconnected');
  }
}
