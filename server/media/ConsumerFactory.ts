/**
 * Creates consumers for one device, with the few of its capabilities that matter, and describes them for the protocol.
 */
import { errors } from 'mediasoup';
import type { RtpParameters as MediasoupRtpParameters, Producer } from 'mediasoup/types';
import { isKnownExtension, type MediaKind, type RtpCapabilities, type RtpParameters } from '../../shared/media.ts';
import type { Track } from './Track.ts';

/** What is used of a mediasoup consumer. */
export interface MediaConsumer {
  readonly id: string;
  readonly producerId: string;
  readonly kind: MediaKind;
  readonly rtpParameters: MediasoupRtpParameters;
  readonly paused: boolean;
  readonly closed: boolean;
  /** The layers that it is to send at most, and those that it sends; undefined for audio, and while it sends none. */
  readonly preferredLayers?: { readonly spatialLayer: number } | undefined;
  readonly currentLayers?: { readonly spatialLayer: number } | undefined;
  /** By layer of simulcast, from 0: the score of what its producer receives, 0 for nothing. */
  readonly score?: { readonly producerScores: readonly number[] };
  readonly observer: { once(event: 'close', listener: () => void): unknown };
  pause(): Promise<void>;
  resume(): Promise<void>;
  setPreferredLayers(layers: { spatialLayer: number }): Promise<void>;
  setPriority(priority: number): Promise<void>;
  requestKeyFrame(): Promise<void>;
  close(): void;
}

/** What is used of a mediasoup producer in order to consume it. */
export type ConsumableProducer = Pick<Producer, 'id' | 'rtpParameters' | 'consumableRtpParameters'>;

/** What is used of a mediasoup transport in order to consume through it. */
export interface ConsumerTransport {
  readonly closed: boolean;
  readonly observer: { once(event: 'close', listener: () => void): unknown };
  consume(options: {
    producerId: string;
    rtpCapabilities: RtpCapabilities;
    paused: boolean;
    preferredLayers?: { spatialLayer: number };
    mid?: string;
  }): Promise<MediaConsumer>;
}

/** The codecs of each producer by name; they never change. */
const codecsOf = new WeakMap<ConsumableProducer, string>();

/**
 * What a device can receive. mediasoup copies and checks all codecs and header extensions of the capabilities that it
 * is given, for every single consumer; with only those that can matter, that is several times faster.
 */
export class ConsumerFactory {
  readonly #capabilities: RtpCapabilities;
  readonly #mid: string | undefined;
  /** By the names of a producer's codecs; undefined where the device has none of them. */
  readonly #parts = new Map<string, RtpCapabilities | undefined>();

  /** @param mid of all consumers, where an m-line is to receive one after another; by default each has its own */
  constructor(capabilities: RtpCapabilities, mid?: string) {
    this.#capabilities = capabilities;
    this.#mid = mid;
  }

  /**
   * A paused consumer of `producer`, or undefined where this device cannot decode it.
   * @param spatialLayer the highest layer that is of use, from 0; all of them by default
   * @throws what mediasoup throws, such as when transport or producer have ended
   */
  async consume(
    transport: ConsumerTransport,
    producer: ConsumableProducer,
    spatialLayer?: number,
  ): Promise<MediaConsumer | undefined> {
    const rtpCapabilities = this.#partFor(codecNames(producer));
    if (!rtpCapabilities) return undefined;
    try {
      return await transport.consume({
        producerId: producer.id,
        rtpCapabilities,
        paused: true,
        ...(spatialLayer !== undefined && { preferredLayers: { spatialLayer } }),
        ...(this.#mid !== undefined && { mid: this.#mid }),
      });
    } catch (error) {
      // The same codec, but another profile of it.
      if (error instanceof errors.UnsupportedError) return undefined;
      throw error;
    }
  }

  /** Whether the device has the codec of a track; its profile may still be another one. */
  canConsume({ mimeTypes }: Pick<Track, 'mimeTypes'>): boolean {
    return this.#partFor(namesOf(mimeTypes)) !== undefined;
  }

  #partFor(names: string): RtpCapabilities | undefined {
    if (!this.#parts.has(names)) this.#parts.set(names, part(this.#capabilities, new Set(names.split(' '))));
    return this.#parts.get(names);
  }
}

/** The parameters of a consumer as the protocol has them. */
export function consumerParameters({ rtpParameters }: Pick<MediaConsumer, 'rtpParameters'>): RtpParameters {
  const { mid, codecs, headerExtensions = [], encodings = [], rtcp, msid } = rtpParameters;
  return {
    mid,
    codecs: codecs.map(({ parameters, ...codec }) => ({ ...codec, parameters: simpleParameters(parameters) })),
    headerExtensions: headerExtensions.flatMap(({ uri, id, encrypt }) =>
      isKnownExtension(uri) ? { uri, id, encrypt } : [],
    ),
    encodings,
    rtcp: rtcp && { cname: rtcp.cname, reducedSize: rtcp.reducedSize },
    msid,
  };
}

/** Codec parameters are strings, numbers and booleans; mediasoup's types let them be anything. */
function simpleParameters(parameters: Record<string, unknown> = {}): Record<string, string | number | boolean> {
  const simple: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(parameters)) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') simple[name] = value;
  }
  return simple;
}

/**
 * mediasoup reads these parameters three times a consumer and copies all of them each time, which is a third of the
 * cost of a consumer. They never change, so one frozen copy serves all consumers.
 */
function shareParameters(producer: ConsumableProducer): void {
  Object.defineProperty(producer, 'consumableRtpParameters', { value: frozen(producer.consumableRtpParameters) });
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

function codecNames(producer: ConsumableProducer): string {
  const known = codecsOf.get(producer);
  if (known !== undefined) return known;
  shareParameters(producer);
  const names = namesOf(producer.rtpParameters.codecs.map(({ mimeType }) => mimeType));
  codecsOf.set(producer, names);
  return names;
}

/** One key for all lists of the same codecs. */
function namesOf(mimeTypes: readonly string[]): string {
  return [...new Set(mimeTypes.map((mimeType) => mimeType.toLowerCase()))].sort().join(' ');
}

/**
 * The part of `capabilities` with these codecs, their retransmission codecs, and the header extensions of their kind.
 */
function part({ codecs, headerExtensions }: RtpCapabilities, names: ReadonlySet<string>): RtpCapabilities | undefined {
  const media = codecs.filter(({ mimeType }) => names.has(mimeType.toLowerCase()) && !isRepair(mimeType));
  if (media.length === 0) return undefined;
  const types = new Set(media.map(({ preferredPayloadType }) => preferredPayloadType));
  const kinds = new Set(media.map(({ kind }) => kind));
  const repairs = codecs.filter(({ mimeType, parameters }) => isRepair(mimeType) && types.has(Number(parameters?.apt)));
  return {
    codecs: [...media, ...repairs],
    headerExtensions: headerExtensions?.filter(({ kind }) => kinds.has(kind)),
  };
}

function isRepair(mimeType: string): boolean {
  return /\/rtx$/i.test(mimeType);
}
