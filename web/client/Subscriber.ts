/** Owns what we receive: the consumers, made together, and what their last packets say of voices and of the line. */
import type { types } from 'mediasoup-client';
import type { Source } from '../../shared/media.ts';
import type { ConsumerInfo } from '../../shared/protocol.ts';
import type { Request } from './SignalSession.ts';

type Consumer = types.Consumer;

/** A level that is older than this says nothing of now, in milliseconds. */
const LEVEL_AGE = 500;

export interface SubscriberOptions {
  readonly request: Request;
  onTrack(info: ConsumerInfo, track: MediaStreamTrack): void;
  onTrackEnded(info: ConsumerInfo, track: MediaStreamTrack): void;
  /** An SDP exchange failed, which is in the way of every later one. */
  onFailed(): void;
}

export class Subscriber {
  readonly #options: SubscriberOptions;
  readonly #consumers = new Map<string, { info: ConsumerInfo; consumer: Consumer }>();
  /** Consumers that the server closed before they were made here. */
  readonly #closedEarly = new Set<string>();
  readonly #making = new Set<string>();
  /** Consumers that were announced while there was no transport to receive them over. */
  readonly #waiting = new Map<string, ConsumerInfo>();
  #transport: types.Transport | undefined;
  #delay = 0;

  constructor(options: SubscriberOptions) {
    this.#options = options;
  }

  /** Receives over this transport from now on, and what has been announced before it was there. */
  attach(transport: types.Transport | undefined): void {
    this.#transport = transport;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    if (transport) void this.consume(waiting);
  }

  /** Plays everything at least so much later than it comes, in milliseconds, where the browser can. */
  setDelay(delay: number): void {
    this.#delay = delay;
    for (const { consumer } of this.#consumers.values()) this.#delayOne(consumer);
  }

  /** Makes all of these consumers in one SDP exchange, then lets their media flow; once there is a transport for it. */
  async consume(infos: readonly ConsumerInfo[]): Promise<void> {
    const { request, onTrack, onFailed } = this.#options;
    const transport = this.#transport;
    if (!transport) for (const info of infos) this.#waiting.set(info.consumerId, info);
    if (!transport || infos.length === 0) return;
    for (const { consumerId } of infos) this.#making.add(consumerId);
    const made = await Promise.allSettled(infos.map((info) => transport.consume(toConsumerOptions(info))));
    const ready: string[] = [];
    made.forEach((result, index) => {
      const info = infos[index];
      if (!info) return;
      this.#making.delete(info.consumerId);
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
      this.#delayOne(consumer);
      ready.push(info.consumerId);
      onTrack(info, consumer.track);
    });
    if (ready.length === 0 || transport.closed) return;
    // `notFound` says that one closed on the way; its end is in the next event.
    request('resumeConsumers', { consumerIds: ready }).catch(() => {});
  }

  consumersClosed(consumerIds: readonly string[]): void {
    for (const id of consumerIds) {
      this.#waiting.delete(id);
      const known = this.#consumers.get(id);
      this.#consumers.delete(id);
      if (known) {
        this.#options.onTrackEnded(known.info, known.consumer.track);
        // Whoever shows it may keep its last picture, which turns black with the consumer: it has this turn for that.
        setTimeout(() => known.consumer.close());
      } else if (this.#making.has(id)) this.#closedEarly.add(id);
    }
  }

  /** Makes what is received the same as what the server says that there is. */
  sync(infos: readonly ConsumerInfo[]): void {
    const there = new Set(infos.map(({ consumerId }) => consumerId));
    const known = [...this.#consumers.keys(), ...this.#making, ...this.#waiting.keys()];
    this.consumersClosed(known.filter((id) => !there.has(id)));
    void this.consume(
      infos.filter(({ consumerId }) => !this.#consumers.has(consumerId) && !this.#making.has(consumerId)),
    );
  }

  /**
   * How loud the microphone of a peer is, 0 to 1, as its last packets say it (RFC 6464).
   * @param slot the slot that carries it, where one does
   */
  level(peerId: string, slot: number | undefined): number {
    for (const { info, consumer } of this.#consumers.values()) {
      const theirs = slot === undefined ? info.peerId === peerId && info.source === 'microphone' : info.slot === slot;
      if (!theirs) continue;
      const last = lastOf(consumer);
      // Who is muted sends nothing: what was heard before that must not ring on.
      return last && last.age < LEVEL_AGE ? last.level : 0;
    }
    return 0;
  }

  /** How long ago anything came of what is expected to, in milliseconds; undefined where nothing is, or nothing ever has. */
  lastPacketAt(isExpected: (info: ConsumerInfo) => boolean): number | undefined {
    const expected = [...this.#consumers.values()].filter(({ info }) => isExpected(info));
    const ages = expected.flatMap(({ consumer }) => lastOf(consumer)?.age ?? []);
    return ages.length > 0 ? Math.min(...ages) : undefined;
  }

  /** Every receiver with its statistics. */
  stats(): Promise<{ source: Source; peerId?: string; slot?: number; report: RTCStatsReport }[]> {
    const open = [...this.#consumers.values()].filter(({ consumer }) => !consumer.closed);
    return Promise.all(
      open.map(async ({ info: { source, peerId, slot }, consumer }) => ({
        source,
        peerId,
        slot,
        report: await consumer.getStats(),
      })),
    );
  }

  close(): void {
    this.#consumers.clear();
  }

  /** Browsers without it play as soon as they can. */
  #delayOne({ rtpReceiver }: Consumer): void {
    if (!rtpReceiver || !('jitterBufferTarget' in rtpReceiver)) return;
    rtpReceiver.jitterBufferTarget = this.#delay > 0 ? this.#delay : null;
  }
}

/** The last packet that a track was made of: its level, and how long ago it was, in milliseconds. */
function lastOf(consumer: Consumer): { level: number; age: number } | undefined {
  const [last] = consumer.rtpReceiver?.getSynchronizationSources() ?? [];
  if (!last) return undefined;
  // Browsers differ in whether this time counts from 1970 or from the page's beginning.
  const now = performance.now() + (last.timestamp > performance.timeOrigin ? performance.timeOrigin : 0);
  return { level: last.audioLevel ?? 0, age: now - last.timestamp };
}

/** Tracks of one stream are played in sync: a voice with its face, a screen with its sound. A slot has many owners. */
function toConsumerOptions({ consumerId, producerId, peerId, slot, source, kind, rtpParameters }: ConsumerInfo) {
  const stream = source === 'screen' || source === 'screenAudio' ? 'screen' : 'camera';
  const streamId = slot === undefined ? `${peerId}-${stream}` : `slot-${slot}`;
  return { id: consumerId, producerId, kind, rtpParameters, streamId };
}
