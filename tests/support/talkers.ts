/** Speakers and listeners for tests of audio slots: real RTP over UDP, frame by frame with a fake clock. */
import type { Socket } from 'node:dgram';
import type { Consumer, PlainTransport, Producer, Router, RtpParameters } from 'mediasoup/types';
import { vi } from 'vitest';
import { extensionOf, markerOf, payloadStart, sequenceOf, ssrcOf, timestampOf } from '../../server/media/audio/rtp.ts';
import type { Lease } from '../../server/media/RoomRouters.ts';
import { openUdp, opusParameters } from './rtp.ts';

const LEVEL_URI = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level';
const CAPTURE_URI = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';
/** Extension ids of senders, which differ from mediasoup's and the slots'. */
const IDS = { level: 3, captureTime: 8 } as const;

export interface VoicePacket {
  readonly ssrc: number;
  readonly sequence: number;
  /** Default: 20 ms a packet. */
  readonly timestamp?: number;
  /** Audio level, -127 to 0 dBov; without it there is no extension. */
  readonly level?: number;
  readonly voice?: boolean;
  /** NTP time in 64 bits. */
  readonly captureTime?: bigint;
  readonly payload?: Buffer;
  readonly payloadType?: number;
}

/** An Opus packet with a browser's header extensions in one-byte elements; the payload is SSRC and sequence number. */
export function voicePacket(packet: VoicePacket): Buffer {
  const { ssrc, sequence, timestamp = sequence * 960, level, captureTime, payloadType = 100 } = packet;
  const elements: number[] = [];
  if (level !== undefined) elements.push((IDS.level << 4) | 0, (packet.voice ? 0x80 : 0) | -level);
  if (captureTime !== undefined) {
    const value = Buffer.alloc(8);
    value.writeBigUInt64BE(captureTime);
    elements.push((IDS.captureTime << 4) | 7, ...value);
  }
  while (elements.length % 4) elements.push(0);
  const header = Buffer.alloc(12);
  header[0] = elements.length ? 0x90 : 0x80;
  header[1] = payloadType;
  header.writeUInt16BE(sequence & 0xffff, 2);
  header.writeUInt32BE(timestamp >>> 0, 4);
  header.writeUInt32BE(ssrc, 8);
  const block = Buffer.from([0xbe, 0xde, 0, elements.length / 4, ...elements]);
  const payload = Buffer.alloc(40);
  payload.writeUInt32BE(ssrc, 0);
  payload.writeUInt32BE(sequence, 4);
  return Buffer.concat([header, ...(elements.length ? [block] : []), packet.payload ?? payload]);
}

/** Extension ids used by `voicePacket`. */
export const voiceExtensions = IDS;

/** A clock in frames of 20 ms that the test advances; it counts its readings, one for each received packet. */
export class FrameClock {
  /** Milliseconds. */
  at = 0;
  asked = 0;
  readonly now = (): number => {
    this.asked += 1;
    return this.at;
  };

  /**
   * Runs that many frames, in each of which every talker sends a packet; waits until all have been received.
   * @param levels audio level of each talker in dBov; default: silence
   */
  async run(
    frames: number,
    talkers: readonly Talker[],
    levels: ReadonlyMap<Talker, number> = new Map(),
  ): Promise<void> {
    for (let frame = 0; frame < frames; frame += 1) {
      this.at += 20;
      const until = this.asked + talkers.length;
      for (const talker of talkers) talker.send(levels.get(talker) ?? -127);
      await vi.waitUntil(() => this.asked >= until, { interval: 1, timeout: 5000 });
    }
  }
}

export class Talker {
  readonly id: string;
  readonly ssrc: number;
  readonly router: Router;
  readonly producer: Producer;
  readonly #transport: PlainTransport;
  readonly #socket: Socket;
  /** Sequence number of the next packet. */
  sequence = 1;

  private constructor(id: string, ssrc: number, router: Router, parts: TalkerParts) {
    this.id = id;
    this.ssrc = ssrc;
    this.router = router;
    this.producer = parts.producer;
    this.#transport = parts.transport;
    this.#socket = parts.socket;
  }

  static async open(id: string, ssrc: number, router: Router): Promise<Talker> {
    const socket = await openUdp();
    const transport = await router.createPlainTransport({
      listenInfo: { protocol: 'udp', ip: '127.0.0.1' },
      rtcpMux: true,
      comedia: true,
    });
    const rtpParameters: RtpParameters = {
      ...opusParameters(ssrc),
      headerExtensions: [
        { uri: LEVEL_URI, id: IDS.level },
        { uri: CAPTURE_URI, id: IDS.captureTime },
      ],
    };
    const producer = await transport.produce({ kind: 'audio', rtpParameters });
    return new Talker(id, ssrc, router, { socket, transport, producer });
  }

  /** Its microphone, as a room acquires it. */
  get microphone(): Lease {
    return { producer: this.producer, router: this.router, [Symbol.dispose]: () => {} };
  }

  /** Sends one packet of 20 ms. */
  send(level: number, captureTime?: bigint): void {
    const packet = voicePacket({ ssrc: this.ssrc, sequence: this.sequence, level, captureTime });
    this.sequence += 1;
    this.#socket.send(packet, this.#transport.tuple.localPort, '127.0.0.1');
  }

  close(): void {
    this.#transport.close();
    this.#socket.close();
  }
}

interface TalkerParts {
  readonly socket: Socket;
  readonly transport: PlainTransport;
  readonly producer: Producer;
}

/** A packet received by a listener. */
export interface HeardPacket {
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
  /** From the payload: the talker's SSRC and sequence number. */
  readonly talker: number;
  readonly number: number;
  readonly level: number | undefined;
  readonly captureTime: bigint | undefined;
}

/** A receiver of all slots over UDP. */
export class Listener {
  readonly consumers: readonly Consumer[];
  /** Received packets by slot. */
  readonly heard: readonly HeardPacket[][];
  readonly #transport: PlainTransport;
  readonly #socket: Socket;

  private constructor(transport: PlainTransport, socket: Socket, consumers: readonly Consumer[]) {
    this.#transport = transport;
    this.#socket = socket;
    this.consumers = consumers;
    this.heard = consumers.map(() => []);
    const slots = new Map(consumers.map((consumer, slot) => [consumer.rtpParameters.encodings?.[0]?.ssrc, slot]));
    socket.on('message', (packet) => {
      // RTCP shares the port (RFC 5761).
      if ((packet[1] ?? 0) >= 192 && (packet[1] ?? 0) <= 223) return;
      const slot = slots.get(ssrcOf(packet));
      const consumer = consumers[slot ?? -1];
      if (slot === undefined || !consumer) throw new Error(`a stream that nobody asked for: ${ssrcOf(packet)}`);
      this.heard[slot]?.push(read(packet, consumer));
    });
  }

  static async open(router: Router, producers: readonly { readonly id: string }[]): Promise<Listener> {
    const socket = await openUdp();
    const transport = await router.createPlainTransport({
      listenInfo: { protocol: 'udp', ip: '127.0.0.1' },
      rtcpMux: true,
      comedia: false,
    });
    await transport.connect({ ip: '127.0.0.1', port: socket.address().port });
    const { rtpCapabilities } = router;
    const consumers = await Promise.all(
      producers.map(({ id }) => transport.consume({ producerId: id, rtpCapabilities, paused: true })),
    );
    const listener = new Listener(transport, socket, consumers);
    await Promise.all(consumers.map((consumer) => consumer.resume()));
    return listener;
  }

  /** Sequence numbers of a talker's packets in a slot, in order of arrival. */
  numbers(slot: number, talker: Talker): number[] {
    return (this.heard[slot] ?? []).filter((packet) => packet.talker === talker.ssrc).map(({ number }) => number);
  }

  close(): void {
    this.#transport.close();
    this.#socket.close();
  }
}

function read(packet: Buffer, consumer: Consumer): HeardPacket {
  const start = payloadStart(packet);
  const value = (uri: string) => {
    const id = consumer.rtpParameters.headerExtensions?.find((extension) => extension.uri === uri)?.id;
    return id === undefined ? undefined : extensionOf(packet, id);
  };
  const level = value(LEVEL_URI)?.[0];
  return {
    sequence: sequenceOf(packet),
    timestamp: timestampOf(packet),
    marker: markerOf(packet),
    talker: packet.readUInt32BE(start),
    number: packet.readUInt32BE(start + 4),
    level: level === undefined ? undefined : -(level & 0x7f),
    captureTime: value(CAPTURE_URI)?.readBigUInt64BE(),
  };
}
