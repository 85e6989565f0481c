/** Sends prepared streams as plain RTP, as an encoder does, with a key frame when the receiver requests one by RTCP. */

import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { PictureLossIndication, RtcpPacketConverter, RtcpPayloadSpecificFeedback, RtpPacket } from 'werift';
import { now } from '../../support/endpoint/clock.ts';
import { Ticker, type Ticking } from '../../support/endpoint/Ticker.ts';
import { Track } from '../../support/endpoint/Track.ts';
import type { Stream } from '../../support/media/Stream.ts';

/** Where a receiver takes a stream, and the RTCP of its sender. */
export interface PlainPorts {
  readonly rtp: number;
  readonly rtcp: number;
}

export interface PlainOutput {
  readonly stream: Stream;
  readonly ports: PlainPorts;
}

interface Sending {
  readonly track: Track;
  readonly ports: PlainPorts;
  /** RTCP leaves from the socket that takes the receiver's: receivers reply to where it came from. */
  readonly rtcp: Socket;
}

export class PlainSender implements Ticking, Disposable {
  readonly #address: string;
  readonly #rtp: Socket;
  readonly #sending: readonly Sending[];
  readonly #ticker = new Ticker(now);

  private constructor(address: string, rtp: Socket, sending: readonly Sending[]) {
    this.#address = address;
    this.#rtp = rtp;
    this.#sending = sending;
    this.#ticker.add(this);
  }

  /** Begins to send. @param address of the receiver, IPv4 */
  static async start(address: string, outputs: readonly PlainOutput[]): Promise<PlainSender> {
    using opening = new DisposableStack();
    const open = async () => {
      const socket = opening.adopt(createSocket('udp4'), (opened) => opened.close());
      socket.bind(0);
      await once(socket, 'listening');
      return socket;
    };
    const rtp = await open();
    const sending: Sending[] = [];
    for (const { stream, ports } of outputs) {
      const transport = {
        protect: (header: RtpPacket['header'], payload: Buffer) => new RtpPacket(header, payload).serialize(),
        send: (packet: Buffer) => rtp.send(packet, ports.rtp, address),
      };
      const track = new Track(transport, stream, randomInt(1, 0xffff_ffff), String(sending.length));
      const rtcp = await open();
      rtcp.on('message', (packet) => {
        if (requestsKeyFrame(packet)) track.requestKeyFrame();
      });
      sending.push({ track, ports, rtcp });
    }
    opening.move();
    return new PlainSender(address, rtp, sending);
  }

  /** Key frames that the receiver has requested. */
  get keyFrameRequests(): number {
    return this.#sending.reduce((sum, { track }) => sum + track.keyFrameRequests, 0);
  }

  turn(time: number): void {
    for (const { track } of this.#sending) track.run(time);
  }

  /** Plain RTP has no retransmission. */
  repair(): void {}

  report(): void {
    for (const { track, ports, rtcp } of this.#sending) {
      rtcp.send(track.senderReport().serialize(), ports.rtcp, this.#address);
    }
  }

  [Symbol.dispose](): void {
    this.#ticker.delete(this);
    this.#rtp.close();
    for (const { rtcp } of this.#sending) rtcp.close();
  }
}

function requestsKeyFrame(packet: Buffer): boolean {
  return RtcpPacketConverter.deSerialize(packet).some(
    (rtcp) =>
      rtcp instanceof RtcpPayloadSpecificFeedback &&
      (rtcp.feedback instanceof PictureLossIndication || 'fir' in rtcp.feedback),
  );
}
