/** One direct connection to one peer: an RTCPeerConnection with perfect negotiation, a transceiver per source, and data channels. */
import { dataChannels } from '../../../shared/dataFrame.ts';
import { type IceServer, kindOf, type Source } from '../../../shared/media.ts';
import type { DirectSignal } from '../../../shared/protocol.ts';
import type { VideoCodec } from '../MediaLink.ts';
import { withOpusParameters } from './opusParameters.ts';

/** The data channels, negotiated out of band: both ends make them with the same ids. */
const CHANNELS = {
  ...dataChannels,
  /** What the two links say to each other: see `ControlMessage`. */
  control: { id: 3 },
} as const satisfies Record<string, RTCDataChannelInit>;
export type DirectChannel = keyof typeof CHANNELS;
const channelNames = ['reliable', 'lossy', 'bulk', 'control'] as const satisfies readonly DirectChannel[];

/** How many m-lines a description of the other end may have. */
const MAX_MEDIA = 16;
/** How many candidates of the other end are tried for one negotiation. */
const MAX_CANDIDATES = 64;

/** A track that arrives directly. */
export interface DirectReceivedTrack {
  readonly source: Source;
  readonly track: MediaStreamTrack;
  readonly receiver: RTCRtpReceiver;
}

export interface DirectConnectionOptions {
  /** The polite end gives way when both make an offer; the other makes the first one. */
  readonly polite: boolean;
  readonly iceServers: readonly IceServer[];
  readonly iceTransportPolicy?: RTCIceTransportPolicy | undefined;
  /** The codecs that videos are to be sent with, where both browsers have them. */
  readonly video: { readonly camera: VideoCodec; readonly screen: VideoCodec };
  /** Is called with the connection before it is used. */
  onConnection?(connection: RTCPeerConnection): void;
  sendSignal(signal: DirectSignal): void;
  /** What is received has changed. */
  onTracksChanged(): void;
  onStateChanged(state: RTCPeerConnectionState): void;
  /** The other end sends what this one cannot use: the connection is of no use any more. */
  onBroken(error: unknown): void;
}

/** As W3C webrtc-pc has it in its example of perfect negotiation. */
export class DirectConnection {
  readonly #options: DirectConnectionOptions;
  readonly #connection: RTCPeerConnection;
  readonly #channels: Readonly<Record<DirectChannel, RTCDataChannel>>;
  /** The transceivers that send. They stay when their source ends, for the next track of it. */
  readonly #sending = new Map<Source, RTCRtpTransceiver>();
  /** Those of them that send a source now. */
  readonly #sent = new Set<Source>();
  /** Browsers synchronise the tracks of one stream: camera with microphone, screen with its sound. */
  readonly #streams = { camera: new MediaStream(), screen: new MediaStream() };
  /** Which source the other end sends by which m-line. */
  #remoteSources: ReadonlyMap<string, Source> = new Map();
  #received: readonly DirectReceivedTrack[] = [];
  #makingOffer = false;
  #ignoreOffer = false;
  #isSettingRemoteAnswerPending = false;
  /** The polite one makes no offer before the other end has made one. */
  #mayOffer: boolean;
  #candidates = 0;
  #closed = false;

  constructor(options: DirectConnectionOptions) {
    this.#options = options;
    this.#mayOffer = !options.polite;
    const { iceServers, iceTransportPolicy } = options;
    const connection = new RTCPeerConnection({
      iceServers: iceServers.map((server) => ({ ...server })),
      bundlePolicy: 'max-bundle',
      ...(iceTransportPolicy && { iceTransportPolicy }),
    });
    this.#connection = connection;
    options.onConnection?.(connection);
    const channelOf = (name: DirectChannel) =>
      connection.createDataChannel(name, { negotiated: true, ...CHANNELS[name] });
    this.#channels = {
      reliable: channelOf('reliable'),
      lossy: channelOf('lossy'),
      bulk: channelOf('bulk'),
      control: channelOf('control'),
    };
    for (const name of channelNames) this.#channels[name].binaryType = 'arraybuffer';
    connection.addEventListener('negotiationneeded', () => void this.#offer());
    connection.addEventListener('icecandidate', ({ candidate }) => this.#sendCandidate(candidate));
    connection.addEventListener('connectionstatechange', () => options.onStateChanged(connection.connectionState));
    // What one end has gathered may not work after its network has changed.
    connection.addEventListener('iceconnectionstatechange', () => {
      if (connection.iceConnectionState === 'failed') connection.restartIce();
    });
  }

  get state(): RTCPeerConnectionState {
    return this.#connection.connectionState;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** What is received, one track a source. */
  get received(): readonly DirectReceivedTrack[] {
    return this.#received;
  }

  channel(name: DirectChannel): RTCDataChannel {
    return this.#channels[name];
  }

  /**
   * Sends a track as this source, which is not sent yet.
   * @param encodings one
   * @returns its sender, which is the same one each time that the source begins
   */
  async addTrack(
    source: Source,
    track: MediaStreamTrack,
    encodings: RTCRtpEncodingParameters[],
  ): Promise<RTCRtpSender> {
    const stream = this.#streams[source === 'screen' || source === 'screenAudio' ? 'screen' : 'camera'];
    const existing = this.#sending.get(source);
    this.#sent.add(source);
    if (existing) {
      existing.direction = 'sendonly';
      await existing.sender.replaceTrack(track);
      return existing.sender;
    }
    const transceiver = this.#connection.addTransceiver(track, {
      direction: 'sendonly',
      streams: [stream],
      sendEncodings: encodings,
    });
    this.#sending.set(source, transceiver);
    if (source === 'camera' || source === 'screen') preferCodec(transceiver, this.#options.video[source]);
    return transceiver.sender;
  }

  /** Does not send this source any more. */
  removeTrack(source: Source): void {
    const transceiver = this.#sending.get(source);
    if (!transceiver || !this.#sent.delete(source) || this.#closed) return;
    transceiver.direction = 'inactive';
    transceiver.sender.replaceTrack(null).catch(() => {});
  }

  /** The senders, by source. */
  get senders(): readonly { readonly source: Source; readonly sender: RTCRtpSender }[] {
    return [...this.#sending]
      .filter(([source]) => this.#sent.has(source))
      .map(([source, { sender }]) => ({ source, sender }));
  }

  /** Gathers candidates anew, with these servers, whose credentials are fresh. */
  restartIce(iceServers: readonly IceServer[]): void {
    if (this.#closed) return;
    const configuration = this.#connection.getConfiguration();
    if (iceServers.length > 0) {
      // A browser that cannot replace them restarts with the former ones.
      try {
        this.#connection.setConfiguration({
          ...configuration,
          iceServers: iceServers.map((server) => ({ ...server })),
        });
      } catch {}
    }
    this.#connection.restartIce();
  }

  /** Handles a signal of the other end, which is checked by the protocol's schema only. */
  async receiveSignal(signal: DirectSignal): Promise<void> {
    if (this.#closed) return;
    try {
      if ('description' in signal) await this.#receiveDescription(signal);
      else await this.#receiveCandidate(signal.candidate);
    } catch (error) {
      if (!this.#closed) this.#options.onBroken(error);
    }
  }

  getStats(): Promise<RTCStatsReport> {
    return this.#connection.getStats();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#received = [];
    this.#connection.close();
  }

  async #offer(): Promise<void> {
    // The first offer of the other end is answered first; what this end sends follows in an offer of its own.
    if (!this.#mayOffer || this.#closed) return;
    try {
      this.#makingOffer = true;
      await this.#setLocalDescription();
    } catch (error) {
      if (!this.#closed) this.#options.onBroken(error);
    } finally {
      this.#makingOffer = false;
    }
  }

  async #receiveDescription({ description, sources }: Extract<DirectSignal, { description: unknown }>): Promise<void> {
    const connection = this.#connection;
    const isReady =
      !this.#makingOffer && (connection.signalingState === 'stable' || this.#isSettingRemoteAnswerPending);
    const isOffer = description.type === 'offer';
    this.#ignoreOffer = !this.#options.polite && isOffer && !isReady;
    if (this.#ignoreOffer) return;
    if ((description.sdp.match(/^m=/gm) ?? []).length > MAX_MEDIA)
      throw new Error('The other end has too many m-lines.');
    this.#candidates = 0;
    this.#isSettingRemoteAnswerPending = !isOffer;
    try {
      await connection.setRemoteDescription(description);
    } finally {
      this.#isSettingRemoteAnswerPending = false;
    }
    this.#mayOffer = true;
    this.#remoteSources = new Map(sources.map(({ mid, source }) => [mid, source]));
    if (isOffer) await this.#setLocalDescription();
    this.#updateReceived();
  }

  /** Makes the description that the state asks for, and sends it. */
  async #setLocalDescription(): Promise<void> {
    const connection = this.#connection;
    const isAnswer = connection.signalingState === 'have-remote-offer';
    const made = isAnswer ? await connection.createAnswer() : await connection.createOffer();
    try {
      await connection.setLocalDescription({ ...made, sdp: withOpusParameters(made.sdp ?? '', this.#remoteSources) });
    } catch {
      // The state has changed meanwhile, or this browser takes its own descriptions as they are only.
      await connection.setLocalDescription();
    }
    const { localDescription } = connection;
    if (!localDescription || (localDescription.type !== 'offer' && localDescription.type !== 'answer')) return;
    const { type, sdp } = localDescription;
    this.#options.sendSignal({ description: { type, sdp }, sources: this.#sentSources() });
  }

  #sentSources(): { mid: string; source: Source }[] {
    return [...this.#sending].flatMap(([source, { mid }]) =>
      mid !== null && this.#sent.has(source) ? [{ mid, source }] : [],
    );
  }

  #sendCandidate(candidate: RTCIceCandidate | null): void {
    if (this.#closed) return;
    // Some browsers name the end of candidates by an empty one as well.
    if (candidate?.candidate === '') return;
    this.#options.sendSignal({
      candidate: candidate && {
        candidate: candidate.candidate,
        sdpMid: candidate.sdpMid,
        usernameFragment: candidate.usernameFragment,
      },
    });
  }

  async #receiveCandidate(candidate: Extract<DirectSignal, { candidate: unknown }>['candidate']): Promise<void> {
    this.#candidates += 1;
    if (this.#candidates > MAX_CANDIDATES) return;
    try {
      await this.#connection.addIceCandidate(candidate ? withoutUndefined(candidate) : undefined);
    } catch (error) {
      // Candidates of an offer that was ignored belong to nothing; one of a kind unknown here leaves the others.
      if (!this.#ignoreOffer) console.debug('A candidate of the other end was refused:', error);
    }
  }

  #updateReceived(): void {
    const received: DirectReceivedTrack[] = [];
    for (const { mid, receiver, currentDirection } of this.#connection.getTransceivers()) {
      const source = mid === null ? undefined : this.#remoteSources.get(mid);
      const isReceiving = currentDirection === 'recvonly' || currentDirection === 'sendrecv';
      const isNew = !received.some((one) => one.source === source);
      if (!source || !isReceiving || !isNew || kindOf[source] !== receiver.track.kind) continue;
      received.push({ source, track: receiver.track, receiver });
    }
    this.#received = received;
    this.#options.onTracksChanged();
  }
}

function withoutUndefined({ candidate, sdpMid, usernameFragment }: RTCIceCandidateInit): RTCIceCandidateInit {
  return { candidate, sdpMid: sdpMid ?? null, usernameFragment: usernameFragment ?? null };
}

/** Puts this codec first; does nothing in a browser that has not got it. */
function preferCodec(transceiver: RTCRtpTransceiver, name: VideoCodec): void {
  const { codecs = [] } = RTCRtpSender.getCapabilities('video') ?? {};
  const isPreferred = ({ mimeType }: { mimeType: string }) => mimeType.toLowerCase() === `video/${name}`.toLowerCase();
  try {
    transceiver.setCodecPreferences([...codecs.filter(isPreferred), ...codecs.filter((codec) => !isPreferred(codec))]);
  } catch {
    // Some browsers accept what they can receive only.
  }
}
