/** Owns a member without a browser: it sends and receives plain RTP over UDP, and is a room's member like any other. */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:dgram';
import { setTimeout } from 'node:timers/promises';
import type { Consumer, PlainTransport, Producer } from 'mediasoup/types';
import { grantsOf } from '../../server/auth/grants.ts';
import { Lifetime } from '../../server/Lifetime.ts';
import type { RoomRouter } from '../../server/media/RoomRouter.ts';
import type { Member } from '../../server/room/Member.ts';
import type { Publication } from '../../server/room/Publication.ts';
import { PublishedTrack } from '../../server/room/PublishedTrack.ts';
import type { Room } from '../../server/room/Room.ts';
import type { CloseReason } from '../../shared/closeReasons.ts';
import type { PeerInfo, ServerEvents } from '../../shared/protocol.ts';
import { openUdp, opusParameters, RtpCounter, rtpPacket } from './rtp.ts';

export class PlainMember implements Member {
  readonly id = randomUUID();
  readonly identity: string;
  readonly hidden = false;
  readonly isAdmin = false;
  readonly grants = grantsOf('speaker');
  readonly heard: { event: keyof ServerEvents; data: unknown }[] = [];
  readonly consumers: Consumer[] = [];
  readonly counter: RtpCounter;
  producer: Producer | undefined;
  readonly #lifetime = new Lifetime<CloseReason>();
  readonly #room: Room;
  readonly #hub: RoomRouter;
  readonly #socket: Socket;
  readonly #transport: PlainTransport;
  #sequence = 0;
  #ssrc = 0;

  private constructor(identity: string, room: Room, hub: RoomRouter, socket: Socket, transport: PlainTransport) {
    this.identity = identity;
    this.#room = room;
    this.#hub = hub;
    this.#socket = socket;
    this.#transport = transport;
    this.counter = new RtpCounter(socket);
    this.#lifetime.defer(() => socket.close());
    this.#lifetime.defer(() => transport.close());
  }

  static async enter(room: Room, identity: string): Promise<PlainMember> {
    const socket = await openUdp();
    const { router } = await room.routers.place();
    const transport = await router.router.createPlainTransport({
      listenInfo: { protocol: 'udp', ip: '127.0.0.1' },
      rtcpMux: true,
      comedia: false,
    });
    await transport.connect({ ip: '127.0.0.1', port: socket.address().port });
    transport.once('routerclose', () => member.close('mediaLost'));
    const member = new PlainMember(identity, room, router, socket, transport);
    await room.join(member);
    return member;
  }

  get info(): PeerInfo {
    const state = this.producer && !this.producer.closed ? (this.producer.paused ? 'paused' : 'live') : undefined;
    return {
      peerId: this.id,
      identity: this.identity,
      name: this.identity,
      sources: state ? { microphone: state } : {},
      hand: false,
      away: false,
    };
  }

  async publish(ssrc: number): Promise<Producer> {
    this.#ssrc = ssrc;
    const producer = await this.#transport.produce({ kind: 'audio', rtpParameters: opusParameters(ssrc) });
    this.producer = producer;
    const options = { peerId: this.id, source: 'microphone', producer, router: this.#hub } as const;
    this.#room.publish(new PublishedTrack(options).publication);
    return producer;
  }

  /** Sends so many packets, each once, at about 5000 a second. */
  async send(packets: number): Promise<void> {
    const port = this.#transport.tuple.localPort;
    for (let left = packets; left > 0; left -= 1) {
      const packet = rtpPacket(this.#ssrc, this.#sequence++);
      // A pace as a real sender has one: a socket's buffer holds some 200 packets that nobody has read yet.
      if (left % 10 === 0) await setTimeout(2);
      await new Promise<void>((resolve, reject) => {
        this.#socket.send(packet, port, '127.0.0.1', (error) => (error ? reject(error) : resolve()));
      });
    }
  }

  async subscribe({ track }: Publication): Promise<void> {
    const { rtpCapabilities } = this.#hub.router;
    const lease = await this.#room.routers.acquire(track, this.#hub);
    const consumer = await this.#transport.consume({ producerId: lease.producer.id, rtpCapabilities });
    consumer.observer.once('close', () => lease[Symbol.dispose]());
    this.consumers.push(consumer);
    consumer.observer.once('close', () => this.consumers.splice(this.consumers.indexOf(consumer), 1));
  }

  setGrants(): void {}

  unsubscribeAll(): void {
    for (const consumer of [...this.consumers]) consumer.close();
  }

  async subscribeSlots(): Promise<void> {}

  async unsubscribeSlots(): Promise<void> {}

  setOwnSlot(): void {}

  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    this.heard.push({ event, data });
  }

  close(reason: CloseReason): void {
    this.#lifetime.end(reason);
  }

  onEnd(listener: (reason: CloseReason) => void): void {
    this.#lifetime.defer(listener);
  }
}

/** The SSRC with which a consumer's media arrives. */
export function ssrcOf(consumer: Consumer | undefined): number {
  const ssrc = consumer?.rtpParameters.encodings?.[0]?.ssrc;
  if (ssrc === undefined) throw new Error('there is no such consumer');
  return ssrc;
}
