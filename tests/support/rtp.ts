/** RTP over plain UDP for tests: packets sent into a room, and counted at the receiver. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { RtpParameters } from 'mediasoup/types';

/** RTP parameters of an Opus stream with that SSRC. */
export function opusParameters(ssrc: number): RtpParameters {
  return {
    codecs: [{ mimeType: 'audio/opus', payloadType: 100, clockRate: 48_000, channels: 2 }],
    encodings: [{ ssrc }],
    rtcp: { cname: `test-${ssrc}` },
  };
}

/** Whether Weir takes that port for plain RTP of its own (`WEIR_RTP_PORTS`): it sends nothing to those. */
export const isWeirsPort = (port: number) => port >= 45_000 && port <= 45_999;

/** A UDP socket on loopback to which Weir may send. */
export async function openUdp(): Promise<Socket> {
  for (;;) {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    if (!isWeirsPort(socket.address().port)) return socket;
    socket.close();
  }
}

/** An RTP packet (RFC 3550, section 5.1) with the sequence number as its payload. */
export function rtpPacket(ssrc: number, sequence: number): Buffer {
  const packet = Buffer.alloc(12 + 4);
  packet[0] = 0x80;
  packet[1] = 100;
  packet.writeUInt16BE(sequence & 0xffff, 2);
  packet.writeUInt32BE((sequence * 960) >>> 0, 4);
  packet.writeUInt32BE(ssrc, 8);
  packet.writeUInt32BE(sequence, 12);
  return packet;
}

/** Records received payloads by the SFU's SSRC; ignores RTCP. */
export class RtpCounter {
  readonly payloads = new Map<number, Set<number>>();
  packets = 0;

  constructor(socket: Socket) {
    socket.on('message', (packet) => this.#take(packet));
  }

  /** Distinct payloads of one SSRC. */
  distinct(ssrc: number): number {
    return this.payloads.get(ssrc)?.size ?? 0;
  }

  #take(packet: Buffer): void {
    const type = packet[1] ?? 0;
    // RTCP packet types 192-223 share the port (RFC 5761).
    if (type >= 192 && type <= 223) return;
    this.packets += 1;
    const ssrc = packet.readUInt32BE(8);
    const set = this.payloads.get(ssrc) ?? new Set();
    this.payloads.set(ssrc, set);
    set.add(packet.readUInt32BE(packet.length - 4));
  }
}
