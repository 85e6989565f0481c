/** The media of one headless member: its two transports, tracks, receivers, and the RTCP of both directions. */
import { randomInt } from 'node:crypto';
import {
  GenericNack,
  PictureLossIndication,
  ReceiverEstimatedMaxBitrate,
  type RtcpPacket,
  RtcpPayloadSpecificFeedback,
  RtcpReceiverInfo,
  RtcpRrPacket,
  RtcpSrPacket,
  RtcpTransportLayerFeedback,
} from 'werift';
import { ClientTransport } from '../../../server/ice/probe/ClientTransport.ts';
import { openUdpPath } from '../../../server/ice/probe/UdpPath.ts';
import type { DtlsParameters, RtpParameters, Source, TransportInfo } from '../../../shared/media.ts';
import type { ConsumerInfo } from '../../../shared/protocol.ts';
import type { Stream } from '../media/Stream.ts';
import { now } from './clock.ts';
import { sendParameters } from './parameters.ts';
import { Receiver } from './Receiver.ts';
import { Ticker, type Ticking } from './Ticker.ts';
import { Track } from './Track.ts';

const ticker = new Ticker(now);

/** The bandwidth estimate that a member reports: 100 Mbit/s, more than any test sends. */
const ESTIMATE = { mantissa: 0x1_7d78, exponent: 10 };
/** Reports that fit into one RTCP packet. */
const MOST_REPORTS = 31;

export interface MediaOptions {
  /** Whether it decrypts every packet instead of reading headers only. */
  readonly decrypts?: boolean;
  /**
   * Called for each received packet: bytes, one-way latency (milliseconds) if the packet carries its time, and
   * receiver.
   */
  onPacket?(bytes: number, latency: number | undefined, receiver: Receiver): void;
}

export class MemberMedia implements Ticking {
  readonly receivers = new Map<number, Receiver>();
  /** Receivers of closed consumers: their counts stay, and packets in flight still count. */
  readonly pastReceivers = new Map<number, Receiver>();
  readonly tracks = new Map<Source, Track[]>();
  undecryptable = 0;
  /** RTP packets of unannounced streams. */
  unasked = 0;
  readonly #options: MediaOptions;
  readonly #ssrc = randomInt(1, 0xffff_ffff);
  #send: ClientTransport | undefined;
  #recv: ClientTransport | undefined;
  #sending = false;
  #reports = 0;
  #closed = false;

  constructor(options: MediaOptions = {}) {
    this.#options = options;
    ticker.add(this);
  }

  /** The negotiated SRTP suite; empty before the handshake. */
  get srtp(): string {
    return this.#recv?.srtp || this.#send?.srtp || '';
  }

  get all(): Receiver[] {
    return [...this.pastReceivers.values(), ...this.receivers.values()];
  }

  /** Opens this end of a transport. @returns the DTLS parameters that the server needs before `connect` can finish */
  async open(direction: 'send' | 'recv'): Promise<DtlsParameters> {
    const transport =
      direction === 'send'
        ? await ClientTransport.create({ onRtcp: (packets) => this.#onRtcp(packets) })
        : await ClientTransport.create({
            onRtp: (packet) => this.#receive(packet),
            onRtcp: (packets) => this.#onRtp(packets),
          });
    if (this.#closed) transport.close();
    if (direction === 'send') this.#send = transport;
    else this.#recv = transport;
    return transport.dtlsParameters;
  }

  /** Connects an opened transport and starts its tracks. @throws {Error} when ICE or DTLS fails */
  async connect(direction: 'send' | 'recv', info: TransportInfo): Promise<void> {
    const transport = direction === 'send' ? this.#send : this.#recv;
    if (!transport) throw new Error('not open');
    const candidate = info.iceCandidates.find(({ protocol }) => protocol === 'udp');
    if (!candidate) throw new Error('The server offers no UDP candidate.');
    await transport.check(info.iceParameters, (events) => openUdpPath(candidate, events));
    await transport.shakeHands(info.dtlsParameters);
    if (direction === 'send') this.#sending = true;
  }

  /** Prepares a source for sending, layers lowest first. @returns its RTP parameters for the server */
  publish(source: Source, streams: readonly Stream[]): RtpParameters {
    const transport = this.#send;
    if (!transport) throw new Error('not open');
    const mid = String(this.tracks.size);
    const layers = streams.map((stream) => ({ stream, ssrc: randomInt(1, 0xffff_ffff) }));
    this.tracks.set(
      source,
      layers.map(({ stream, ssrc }) => new Track(transport, stream, ssrc, mid)),
    );
    return sendParameters(mid, layers);
  }

  /** Pauses the layers of `source` above `maxSpatialLayer`; all of them at -1. */
  setSubscribedLayers(source: Source, maxSpatialLayer: number): void {
    this.tracks.get(source)?.forEach((track, layer) => {
      track.setWatched(layer <= maxSpatialLayer);
    });
  }

  receive(infos: readonly ConsumerInfo[]): void {
    for (const info of infos) {
      const receiver = new Receiver(info);
      this.receivers.set(receiver.ssrc, receiver);
    }
  }

  forget(consumerIds: readonly string[]): void {
    for (const [ssrc, receiver] of this.receivers) {
      if (!consumerIds.includes(receiver.info.consumerId)) continue;
      this.receivers.delete(ssrc);
      this.pastReceivers.set(ssrc, receiver);
    }
  }

  close(): void {
    this.#closed = true;
    ticker.delete(this);
    this.#send?.close();
    this.#recv?.close();
  }

  turn(time: number): void {
    if (!this.#sending) return;
    for (const layers of this.tracks.values()) for (const track of layers) track.run(time);
  }

  repair(time: number): void {
    for (const receiver of this.receivers.values()) {
      const lost = receiver.wanted(time);
      if (lost.length === 0) continue;
      const feedback = new GenericNack({ senderSsrc: this.#ssrc, mediaSourceSsrc: receiver.ssrc, lost });
      this.#recv?.sendRtcp([new RtcpTransportLayerFeedback({ feedback })]);
    }
  }

  report(time: number): void {
    if (this.#sending) {
      const reports = [...this.tracks.values()].flat().map((track) => track.senderReport());
      if (reports.length > 0) this.#send?.sendRtcp(reports);
    }
    // Send sender reports often: mediasoup does not switch to a simulcast layer before its first one. Receiver reports
    // are not urgent.
    this.#reports += 1;
    const receivers = [...this.receivers.values()].filter(({ firstAt }) => firstAt > 0);
    if (receivers.length === 0 || this.#reports % 2 === 0) return;
    for (let from = 0; from < receivers.length; from += MOST_REPORTS) {
      const reports = receivers.slice(from, from + MOST_REPORTS).map((receiver) => infoOf(receiver, time));
      this.#recv?.sendRtcp([new RtcpRrPacket({ ssrc: this.#ssrc, reports })]);
    }
    const feedback = new ReceiverEstimatedMaxBitrate({
      senderSsrc: this.#ssrc,
      mediaSsrc: 0,
      ssrcNum: receivers.length,
      brExp: ESTIMATE.exponent,
      brMantissa: ESTIMATE.mantissa,
      ssrcFeedbacks: receivers.map(({ ssrc }) => ssrc),
    });
    this.#recv?.sendRtcp([new RtcpPayloadSpecificFeedback({ feedback })]);
  }

  #receive(packet: Buffer): void {
    if (packet.length < 12) return;
    const ssrc = packet.readUInt32BE(8);
    const receiver = this.receivers.get(ssrc) ?? this.pastReceivers.get(ssrc);
    if (!receiver) this.unasked += 1;
    if (!receiver || !this.#recv) return;
    const size = packet.length - this.#recv.tagBytes;
    const latency = receiver.take(packet, size, now());
    this.#options.onPacket?.(size, latency, receiver);
    if (this.#options.decrypts) this.#pollReceivers(packet);
  }

  #pollReceivers(packet: Buffer): void {
    try {
      this.#recv?.decrypt(packet);
    } catch {
      this.undecryptable += 1;
    }
  }

  /** RTCP of the receiving side: sender reports, whose times our reports echo. */
  #onRtp(packets: RtcpPacket[]): void {
    for (const packet of packets) {
      if (!(packet instanceof RtcpSrPacket)) continue;
      const receiver = this.receivers.get(packet.ssrc);
      if (!receiver) continue;
      receiver.lastReport = { ntp: Number((packet.senderInfo.ntpTimestamp >> 16n) & 0xffff_ffffn), at: now() };
    }
  }

  /** RTCP of the sending side: retransmission and key-frame requests. */
  #onRtcp(packets: RtcpPacket[]): void {
    for (const packet of packets) {
      if (packet instanceof RtcpTransportLayerFeedback && packet.feedback instanceof GenericNack) {
        this.#trackOf(packet.feedback.mediaSourceSsrc)?.repeat(packet.feedback.lost);
      } else if (packet instanceof RtcpPayloadSpecificFeedback) {
        const { feedback } = packet;
        if (feedback instanceof PictureLossIndication) this.#trackOf(feedback.mediaSsrc)?.requestKeyFrame();
        else if ('fir' in feedback) for (const { ssrc } of feedback.fir) this.#trackOf(ssrc)?.requestKeyFrame();
      }
    }
  }

  #trackOf(ssrc: number): Track | undefined {
    return [...this.tracks.values()].flat().find((track) => track.ssrc === ssrc);
  }
}

function infoOf(receiver: Receiver, time: number): RtcpReceiverInfo {
  const { fraction, lost } = receiver.report();
  const { ntp, at } = receiver.lastReport;
  return new RtcpReceiverInfo({
    ssrc: receiver.ssrc,
    fractionLost: fraction,
    packetsLost: lost,
    highestSequence: receiver.highest,
    jitter: Math.round(receiver.jitter),
    lsr: ntp,
    dlsr: ntp === 0 ? 0 : Math.round(((time - at) / 1000) * 65_536),
  });
}
