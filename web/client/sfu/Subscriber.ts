/** Receives the tracks of peers: makes the mediasoup consumers in batches, and reads audio levels and ages of their packets. */
import type { types } from 'mediasoup-client';
import type { ConsumerInfo } from '../../../shared/protocol.ts';
import type { Request } from '../Signalling.ts';
import type { TrackReport } from '../stats.ts';
import { lastPacketOf, levelOf } from './lastPacket.ts';

type Consumer = types.Consumer;

export interface SubscriberOptions {
  readonly request: Request;
  onTrack(info: ConsumerInfo, track: MediaStreamTrack): void;
  onTrackEnded(info: ConsumerInfo, track: MediaStreamTrack): void;
  /** An SDP negotiation failed, after which none on this transport can succeed. */
  onFailed(): void;
}

export class Subscriber {
  readonly #options: SubscriberOptions;
  readonly #consumers = new Map<string, { info: ConsumerInfo; consumer: Consumer }>();
  /** Pending consumers that the server has closed meanwhile. */
  readonly #closedEarly = new Set<string>();
  /** Consumers that are being negotiated. */
  readonly #pending = new Set<string>();
  /** Consumers that wait for a transport. */
  readonly #waiting = new Map<string, ConsumerInfo>();
  #transport: types.Transport | undefined;
  #playoutDelay = 0;

  constructor(options: SubscriberOptions) {
    this.#options = options;
  }

  /** Receives over this transport from now on, beginning with the consumers that wait for one. */
  attach(transport: types.Transport | undefined): void {
    this.#transport = transport;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    if (transport) void this.consume(waiting);
  }

  /** Plays everything at least so many milliseconds after it arrives, where the browser can. */
  setPlayoutDelay(delay: number): void {
    this.#playoutDelay = delay;
    for (const { consumer } of this.#consumers.values()) this.#applyPlayoutDelay(consumer);
  }

  /** Makes all of these consumers in one SDP negotiation, then resumes them; without a transport they wait for one. */
  async consume(infos: readonly ConsumerInfo[]): Promise<void> {
    const { request, onTrack, onFailed } = this.#options;
    const transport = this.#transport;
    if (!transport) for (const info of infos) this.#waiting.set(info.consumerId, info);
    if (!transport || infos.length === 0) return;
    for (const { consumerId } of infos) this.#pending.add(consumerId);
    const results = await Promise.allSettled(infos.map((info) => transport.consume(toConsumerOptions(info))));
    const ready: string[] = [];
    results.forEach((result, index) => {
      const info = infos[index];
      if (!info) return;
      this.#pending.delete(info.consumerId);
      if (result.status === 'rejected') {
        this.#closedEarly.delete(info.consumerId);
        if (!transport.closed) onFailed();
        return;
      }
      const consumer = result.value;
      if (this.#closedEarly.delete(info.consumerId)) {
        consumer.close();
        return;
      }
      this.#consumers.set(info.consumerId, { info, consumer });
      this.#applyPlayoutDelay(consumer);
      ready.push(info.consumerId);
      onTrack(info, consumer.track);
    });
    if (ready.length === 0 || transport.closed) return;
    // `notFound` means that one was closed meanwhile; its `consumersClosed` follows.
    request('resumeConsumers', { consumerIds: ready }).catch(() => {});
  }

  /** The server has closed these consumers. */
  closeConsumers(consumerIds: readonly string[]): void {
    for (const id of consumerIds) {
      this.#waiting.delete(id);
      const known = this.#consumers.get(id);
      this.#consumers.delete(id);
      if (known) {
        this.#options.onTrackEnded(known.info, known.consumer.track);
        // A page may copy the last frame in this turn of the event loop: it turns black when the consumer is closed.
        setTimeout(() => known.consumer.close());
      } else if (this.#pending.has(id)) this.#closedEarly.add(id);
    }
  }

  /** Makes the consumers the same as those that the server has. */
  sync(infos: readonly ConsumerInfo[]): void {
    const current = new Set(infos.map(({ consumerId }) => consumerId));
    const known = [...this.#consumers.keys(), ...this.#pending, ...this.#waiting.keys()];
    this.closeConsumers(known.filter((id) => !current.has(id)));
    void this.consume(
      infos.filter(({ consumerId }) => !this.#consumers.has(consumerId) && !this.#pending.has(consumerId)),
    );
  }

  /**
   * The audio level of a peer's microphone, 0 to 1, from the header of its last packet (RFC 6464).
   * @param slot the audio slot that carries it, if any
   */
  audioLevel(peerId: string, slot: number | undefined): number {
    for (const { info, consumer } of this.#consumers.values()) {
      const isWanted = slot === undefined ? info.peerId === peerId && info.source === 'microphone' : info.slot === slot;
      if (!isWanted) continue;
      return levelOf(consumer.rtpReceiver);
    }
    return 0;
  }

  /** The age of the last packet of expected media, in milliseconds; undefined if none is expected, or none has ever arrived. */
  lastPacketAge(isExpected: (info: ConsumerInfo) => boolean): number | undefined {
    const expected = [...this.#consumers.values()].filter(({ info }) => isExpected(info));
    const ages = expected.flatMap(({ consumer }) => lastPacketOf(consumer.rtpReceiver)?.age ?? []);
    return ages.length > 0 ? Math.min(...ages) : undefined;
  }

  /** How much later than it arrives everything is played, in milliseconds. */
  get playoutDelay(): number {
    return this.#playoutDelay;
  }

  /** What is received, by the id of its track. */
  get infoByTrack(): ReadonlyMap<string, ConsumerInfo> {
    return new Map([...this.#consumers.values()].map(({ info, consumer }) => [consumer.track.id, info]));
  }

  /** Every receiver with its statistics. */
  async stats(): Promise<TrackReport[]> {
    const reports = [...this.#consumers.values()].map(
      async ({ info: { source, peerId, slot, rtpParameters }, consumer }) => {
        // A consumer that closes meanwhile rejects.
        const report = await consumer.getStats().catch(() => undefined);
        const scalabilityMode = rtpParameters.encodings[0]?.scalabilityMode;
        return report ? [{ source, peerId, slot, scalabilityMode, report }] : [];
      },
    );
    return (await Promise.all(reports)).flat();
  }

  close(): void {
    this.#consumers.clear();
  }

  /** Does nothing in browsers without `jitterBufferTarget`. */
  #applyPlayoutDelay({ rtpReceiver }: Consumer): void {
    if (!rtpReceiver || !('jitterBufferTarget' in rtpReceiver)) return;
    rtpReceiver.jitterBufferTarget = this.#playoutDelay > 0 ? this.#playoutDelay : null;
  }
}

/**
 * Browsers synchronise the tracks of one stream: camera with microphone, screen with its sound. An audio slot carries many
 * peers and has a stream of its own.
 */
function toConsumerOptions({ consumerId, producerId, peerId, slot, source, kind, rtpParameters }: ConsumerInfo) {
  const stream = source === 'screen' || source === 'screenAudio' ? 'screen' : 'camera';
  const streamId = slot === undefined ? `${peerId}-${stream}` : `slot-${slot}`;
  return { id: consumerId, producerId, kind, rtpParameters, streamId };
}
