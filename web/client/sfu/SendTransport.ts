/** The sending mediasoup transport: opened when it is needed, with the `produce` request of each producer made on it. */
import type { Device, types } from 'mediasoup-client';
import { WeirError } from '../../../shared/errors.ts';
import { kindOf, RtpParameters, type Source } from '../../../shared/media.ts';
import type { RoomKind, Welcome } from '../../../shared/protocol.ts';
import type { VideoCodec } from '../MediaLink.ts';
import type { Request } from '../Signalling.ts';
import {
  chooseCodec,
  codecName,
  type EncodingChoice,
  encodedSize,
  encodingsOf,
  layersIn,
  producedEncodings,
  producerOptionsOf,
  type Size,
  sizeOf,
} from './encodings.ts';
import type { LocalPublication } from './LocalPublication.ts';
import { hintedContent, prepareTrack, type VideoAdapterOptions } from './VideoAdapter.ts';

export interface SendTransportOptions {
  readonly device: Device;
  readonly request: Request;
  /** The codecs that the server requests videos to be published with. */
  readonly video: Welcome['video'];
  readonly kind: RoomKind;
  /** Opens a transport if there is none yet. @throws {WeirError} `forbidden`, ... */
  openTransport(): Promise<types.Transport>;
}

/** A producer, and what it was made with. */
export interface Produced extends Pick<VideoAdapterOptions, 'choice' | 'hint'> {
  readonly producer: types.Producer;
  /** With which the sender was created, lowest layer first. */
  readonly encodings: types.RtpEncodingParameters[];
  /** Which of them this track is to be sent with. */
  readonly used: types.RtpEncodingParameters[];
}

/** What the `produce` request says of a track. */
interface ProduceInfo {
  readonly publication: LocalPublication;
  readonly size: Size | undefined;
  readonly layers: number | undefined;
}

export class SendTransport {
  readonly #options: SendTransportOptions;
  /** The calls of mediasoup-client's `produce` under way, by the number in their `appData`. */
  readonly #producing = new Map<number, ProduceInfo>();
  #transport: types.Transport | undefined;
  #opening: Promise<types.Transport> | undefined;
  #nextLocalId = 1;

  constructor(options: SendTransportOptions) {
    this.#options = options;
  }

  /** Publishes over this transport from now on. */
  attach(transport: types.Transport): void {
    this.#transport = transport;
    transport.on('produce', ({ rtpParameters, appData }, callback) => {
      const info = typeof appData.number === 'number' ? this.#producing.get(appData.number) : undefined;
      if (info) {
        const reply = this.#requestProduce(info, rtpParameters);
        // `publish` awaits it later; until then it must not count as an unhandled rejection.
        reply.catch(() => {});
        info.publication.produceReply = reply;
      }
      // The server's reply is not awaited: after a refusal `publish` closes the producer. mediasoup-client's own handling of
      // a refusal does not wait for its queue, which breaks the next negotiation.
      callback({ id: String(this.#nextLocalId++) });
    });
  }

  /** @throws {WeirError} `unsupported` if browser and server have no codec in common for it */
  requireCodec(source: Source): void {
    if (!this.#options.device.canProduce(kindOf[source])) throw unsupported(source);
  }

  /**
   * Makes the producer of a publication.
   * @throws {WeirError} `closed` if it is unpublished or the link closes meanwhile, `unsupported` if the browser refuses the
   *   track
   */
  async produce(publication: LocalPublication, track: MediaStreamTrack, codec?: VideoCodec): Promise<Produced> {
    const { device } = this.#options;
    const { source } = publication;
    const number = this.#nextLocalId++;
    try {
      const transport = await this.#open();
      if (publication.ended) throw new WeirError('closed', `${source} was unpublished before it was sent.`);
      const isVideo = source === 'camera' || source === 'screen';
      const videoCodec = isVideo
        ? chooseCodec(device.sendRtpCapabilities.codecs ?? [], codec ?? this.#options.video[source])
        : undefined;
      const size = isVideo ? sizeOf(track) : undefined;
      const hint = prepareTrack(source, track);
      const choice = this.#encodingChoice(source, { track, size, ...(videoCodec && { codec: videoCodec }) });
      const encodings = producedEncodings(choice);
      const used = encodingsOf(choice);
      this.#producing.set(number, {
        publication,
        size: size && encodedSize(size, used),
        layers: isVideo ? layersIn(used) : undefined,
      });
      const producer = await transport.produce({
        track,
        encodings,
        ...(videoCodec && { codec: videoCodec }),
        ...producerOptionsOf(source, choice.kind),
        stopTracks: false,
        disableTrackOnPause: true,
        appData: { number },
      });
      return { producer, choice, hint, encodings, used };
    } catch (error) {
      throw this.toWeirError(source, error);
    } finally {
      this.#producing.delete(number);
    }
  }

  /** An error of mediasoup-client or the browser, in the form that applications expect. */
  toWeirError(source: Source, cause: unknown): WeirError {
    if (cause instanceof WeirError) return cause;
    const isClosed = !this.#transport || this.#transport.closed;
    return isClosed ? new WeirError('closed', undefined, { cause }) : unsupported(source, cause);
  }

  close(): void {
    this.#transport?.close();
    this.#transport = undefined;
    // The server closes one that is being opened, too.
    this.#opening = undefined;
  }

  /** Tracks that are published at the same time share one transport. */
  async #open(): Promise<types.Transport> {
    if (this.#transport && !this.#transport.closed) return this.#transport;
    if (this.#opening) return this.#opening;
    const opening = this.#options.openTransport().finally(() => {
      if (this.#opening === opening) this.#opening = undefined;
    });
    this.#opening = opening;
    return opening;
  }

  #encodingChoice(
    source: Source,
    { track, size, codec }: { track: MediaStreamTrack; size: Size | undefined; codec?: types.RtpCodecCapability },
  ): EncodingChoice {
    const { device, kind } = this.#options;
    return {
      source,
      codec: codec && codecName(codec),
      size,
      kind,
      ...(source === 'screen' && { content: hintedContent(track) }),
      // Other browsers ignore an unknown scalability mode, and the server would wait for its layers.
      scalable: device.handlerName === 'Chrome111',
      firefox: device.handlerName === 'Firefox120',
    };
  }

  async #requestProduce(
    { publication, size, layers }: ProduceInfo,
    parameters: unknown,
  ): Promise<{ readonly producerId: string }> {
    const { source } = publication;
    const { data: rtpParameters, error } = RtpParameters.safeParse(parameters);
    if (!rtpParameters) throw unsupported(source, error);
    return this.#options.request('produce', {
      source,
      rtpParameters,
      paused: publication.announce(),
      ...(size && { size }),
      ...(layers && { layers }),
    });
  }
}

function unsupported(source: Source, cause?: unknown): WeirError {
  const message = `This browser cannot send this track as ${source} in a form that the server accepts. Try another device or browser.`;
  return new WeirError('unsupported', message, { cause });
}
