/** One negotiation with one peer: its connection, what is sent and received over it, and whether it still carries anything. */
import type { IceServer, Source } from '../../../shared/media.ts';
import type { DirectSignal, RoomKind } from '../../../shared/protocol.ts';
import type { VideoCodec } from '../MediaLink.ts';
import { lastPacketOf, levelOf } from '../sfu/lastPacket.ts';
import type { TrackReport } from '../stats.ts';
import { ControlChannel, type ShownSize } from './ControlChannel.ts';
import { DirectConnection, type DirectReceivedTrack } from './DirectConnection.ts';
import { DirectPublisher, type LocalTracks } from './DirectPublisher.ts';
import { Liveness } from './Liveness.ts';

/** How long it may take to connect, in milliseconds: with TURN over TLS as the last resort. */
const CONNECT_TIMEOUT = 10_000;
/**
 * From so many decoded frames, or packets of sound, on a track carries media steadily: the first ones come in a burst, after which
 * there may be a pause while the sender's encoders begin. A screen may stand still after its first frame.
 */
export const MIN_PROGRESS: Readonly<Record<Source, number>> = { camera: 8, screen: 1, microphone: 3, screenAudio: 3 };

export interface DirectSessionOptions {
  readonly peerId: string;
  readonly negotiation: number;
  readonly polite: boolean;
  readonly kind: RoomKind;
  readonly video: { readonly camera: VideoCodec; readonly screen: VideoCodec };
  readonly iceServers: readonly IceServer[];
  readonly iceTransportPolicy?: RTCIceTransportPolicy | undefined;
  /** Is called with the connection before it is used. */
  onConnection?(connection: RTCPeerConnection): void;
  sendSignal(signal: DirectSignal): void;
  /** Whether media of this source should arrive all the time: it is not muted, it is shown, and the peer is present. */
  isExpected(source: Source): boolean;
  /** Its state or its tracks have changed. */
  onChanged(): void;
  /** The peer has all data messages of a channel up to this one. */
  onAcknowledged(channel: 'reliable' | 'bulk', sequence: number): void;
  /** It could not connect, or carries nothing any more. Called once. */
  onLost(): void;
}

export class DirectSession {
  readonly peerId: string;
  readonly negotiation: number;
  readonly connection: DirectConnection;
  readonly #options: DirectSessionOptions;
  readonly #publisher: DirectPublisher;
  readonly #control: ControlChannel;
  readonly #timer: ReturnType<typeof setTimeout>;
  #liveness: Liveness | undefined;
  #connected = false;
  #lost = false;
  #remoteDone = false;
  #shown = '';

  constructor(options: DirectSessionOptions) {
    this.#options = options;
    this.peerId = options.peerId;
    this.negotiation = options.negotiation;
    this.connection = new DirectConnection({
      polite: options.polite,
      iceServers: options.iceServers,
      iceTransportPolicy: options.iceTransportPolicy,
      video: options.video,
      onConnection: (connection) => options.onConnection?.(connection),
      sendSignal: options.sendSignal,
      onTracksChanged: () => options.onChanged(),
      onStateChanged: (state) => this.#onState(state),
      onBroken: () => this.#onLost(),
    });
    this.#publisher = new DirectPublisher(this.connection, options.kind);
    this.#control = new ControlChannel(this.connection.channel('control'), {
      onShown: (sizes) => this.#publisher.setShown(sizes),
      onDone: () => this.#onRemoteDone(),
      onAcknowledged: options.onAcknowledged,
    });
    this.#timer = setTimeout(() => this.#onLost(), CONNECT_TIMEOUT);
  }

  /** Whether it is connected, and carries media as far as it is known. */
  get usable(): boolean {
    return this.#connected && !this.#lost;
  }

  get connected(): boolean {
    return this.#connected;
  }

  get lost(): boolean {
    return this.#lost;
  }

  /** Whether the other end plays nothing of it any more. */
  get remoteDone(): boolean {
    return this.#remoteDone;
  }

  received(source: Source): DirectReceivedTrack | undefined {
    return this.connection.received.find((one) => one.source === source);
  }

  /** Sends exactly these tracks. */
  syncTracks(tracks: LocalTracks): void {
    this.#publisher.sync(tracks);
  }

  /** Tells the other end in which sizes its videos are shown here; one that is missing is shown in full. */
  sendShown(sizes: ShownSize[]): void {
    const text = JSON.stringify(sizes);
    if (text === this.#shown) return;
    this.#shown = text;
    this.#control.sendShown(sizes);
  }

  /** Nothing of it is played here any more. */
  sendDone(): void {
    this.#control.sendDone();
  }

  /** All data messages of a channel up to this one have come. */
  acknowledge(channel: 'reliable' | 'bulk', sequence: number): void {
    this.#control.sendAcknowledgement(channel, sequence);
  }

  receiveSignal(signal: DirectSignal): void {
    void this.connection.receiveSignal(signal);
  }

  /** A description could not be sent: it is of no use any more. */
  fail(): void {
    this.#onLost();
  }

  restartIce(iceServers: readonly IceServer[]): void {
    this.connection.restartIce(iceServers);
  }

  audioLevel(source: Source): number {
    return levelOf(this.received(source)?.receiver);
  }

  /** The sources that arrive: frames of videos are decoded, sound has packets; one that is not expected need not send. */
  async readySources(): Promise<ReadonlySet<Source>> {
    const ready = new Set<Source>();
    if (!this.usable) return ready;
    const expected = this.connection.received.filter(({ source }) => this.#options.isExpected(source));
    for (const { source } of this.connection.received) {
      if (!expected.some((one) => one.source === source)) ready.add(source);
    }
    if (expected.length === 0) return ready;
    const report = await this.connection.getStats().catch(() => undefined);
    report?.forEach((row: Record<string, unknown>) => {
      if (row.type !== 'inbound-rtp') return;
      const received = expected.find(({ track }) => track.id === row.trackIdentifier);
      if (!received) return;
      const progress = row.kind === 'audio' ? row.packetsReceived : row.framesDecoded;
      if (Number(progress) >= MIN_PROGRESS[received.source]) ready.add(received.source);
    });
    return ready;
  }

  /** The statistics of every track that is sent or received. */
  async trackReports(): Promise<{ sent: TrackReport[]; received: TrackReport[] }> {
    const reports = async <T extends { source: Source; from: Pick<RTCRtpSender | RTCRtpReceiver, 'getStats'> }>(
      all: T[],
    ) => {
      const found = all.map(async ({ source, from }) => {
        const report = await from.getStats().catch(() => undefined);
        return report ? [{ source, report }] : [];
      });
      return (await Promise.all(found)).flat();
    };
    const [sent, received] = await Promise.all([
      reports(this.connection.senders.map(({ source, sender }) => ({ source, from: sender }))),
      reports(this.connection.received.map(({ source, receiver }) => ({ source, from: receiver }))),
    ]);
    const { peerId } = this;
    return {
      sent: sent.map((report) => ({ ...report, toPeerId: peerId })),
      received: received.map((report) => ({ ...report, peerId })),
    };
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#liveness?.close();
    this.#publisher.close();
    this.connection.close();
  }

  #onState(state: RTCPeerConnectionState): void {
    if (state === 'connected' && !this.#connected) {
      this.#connected = true;
      clearTimeout(this.#timer);
      this.#liveness = new Liveness({
        lastPacketAge: () => this.#lastPacketAge(),
        lastMessageAt: () => this.#control.lastMessageAt,
        ping: () => this.#control.ping(),
        onLost: () => this.#onLost(),
      });
    }
    if (state === 'failed') this.#onLost();
    else this.#options.onChanged();
  }

  #onRemoteDone(): void {
    this.#remoteDone = true;
    this.#publisher.pause();
    this.#options.onChanged();
  }

  #onLost(): void {
    if (this.#lost || this.connection.closed) return;
    this.#lost = true;
    clearTimeout(this.#timer);
    this.#liveness?.close();
    this.#options.onLost();
  }

  #lastPacketAge(): number | undefined {
    const ages = this.connection.received.flatMap(({ receiver }) => lastPacketOf(receiver)?.age ?? []);
    return ages.length > 0 ? Math.min(...ages) : undefined;
  }
}
