/** Owns how a consumer is made: with as little of a device's capabilities as it takes, and told in the protocol's form. */
import { errors } from 'mediasoup';
import type { Consumer, RtpParameters as MediasoupRtpParameters, Producer, WebRtcTransport } from 'mediasoup/types';
import { isKnownExtension, type RtpCapabilities, type RtpParameters } from '../../shared/media.ts';
import type { Track } from './Track.ts';

/** The codecs of each producer by name; they never change. */
const codecsOf = new WeakMap<Producer, string>();

/**
 * What a device can receive. mediasoup copies and checks the capabilities that it is given for every single consumer, all
 * codecs and extensions of them; handed only those that can matter, it is done several times sooner.
 */
export class ConsumerFactory {
  readonly #capabilities: RtpCapabilities;
  /** By the names of a producer's codecs; undefined where the device knows none of them. */
  readonly #parts = new Map<string, RtpCapabilities | undefined>();

  constructor(capabilities: RtpCapabilities) {
    this.#capabilities = capabilities;
  }

  /**
   * A paused consumer of `producer`, or undefined where this device cannot decode it.
   * @param spatialLayer the highest layer that is of use, from 0; all of them where it is not given
   * @throws what mediasoup throws, such as when transport or producer have ended
   */
  async consume(transport: WebRtcTransport, producer: Producer, spatialLayer?: number): Promise<Consumer | undefined> {
    const rtpCapabilities = this.#partFor(codecNames(producer));
    if (!rtpCapabilities) return undefined;
    try {
      return await transport.consume({
        producerId: producer.id,
        rtpCapabilities,
        paused: true,
        ...(spatialLayer !== undefined && { preferredLayers: { spatialLayer } }),
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

/** Parameters of a consumer as clients are told. */
export function consumerParameters(consumer: Consumer): RtpParameters {
  const {
    mid,
    codecs,
    headerExtensions = [],
    encodings = [],
    rtcp,
    msid,
  }: MediasoupRtpParameters = consumer.rtpParameters;
  return {
    mid,
    codecs: codecs.map(({ parameters, ...codec }) => ({ ...codec, parameters: simple(parameters) })),
    headerExtensions: headerExtensions.flatMap(({ uri, id, encrypt }) =>
      isKnownExtension(uri) ? { uri, id, encrypt } : [],
    ),
    encodings,
    rtcp: rtcp && { cname: rtcp.cname, reducedSize: rtcp.reducedSize },
    msid,
  };
}

/** Parameters of codecs are texts, numbers and flags; mediasoup's types let them be anything. */
function simple(parameters: Record<string, unknown> = {}): Record<string, string | number | boolean> {
  const kept: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(parameters)) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') kept[name] = value;
  }
  return kept;
}

/**
 * mediasoup reads these parameters three times a consumer, and each time copies all of them: a third of what a consumer
 * costs. They never change, so that one copy serves everybody; frozen, because nobody may change it.
 */
function shareParameters(producer: Producer): void {
  Object.defineProperty(producer, 'consumableRtpParameters', { value: frozen(producer.consumableRtpParameters) });
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

function codecNames(producer: Producer): string {
  const known = codecsOf.get(producer);
  if (known !== undefined) return known;
  shareParameters(producer);
  const names = namesOf(producer.rtpParameters.codecs.map(({ mimeType }) => mimeType));
  codecsOf.set(producer, names);
  return names;
}

/** One text for any list of the same codecs. */
function namesOf(mimeTypes: readonly string[]): string {
  return [...new Set(mimeTypes.map((mimeType) => mimeType.toLowerCase()))].sort().join(' ');
}

/** Of all capabilities those codecs, what repairs them, and the extensions of their kind. */
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
