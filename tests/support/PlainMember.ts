/** The roles of a room without a browser: plain RTP over UDP, through real transports of a worker. */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:dgram';
import { setTimeout } from 'node:timers/promises';
import type { Consumer, PlainTransport, Producer } from 'mediasoup/types';
import { grantsOf } from '../../server/auth/grants.ts';
import { Lifetime } from '../../server/common/Lifetime.ts';
import type { Placement } from '../../server/media/RoomRouters.ts';
import type { EventSink } from '../../server/room/EventSink.ts';
import type { Participant } from '../../server/room/Participant.ts';
import type { Publication } from '../../server/room/Publication.ts';
import { PublishedTrack } from '../../server/room/PublishedTrack.ts';
import type { Room } from '../../server/room/Room.ts';
import type { Subscriber } from '../../server/room/Subscriber.ts';
import type { CloseReason } from '../../shared/closeReasons.ts';
import type { Grants, PeerInfo, ServerEvents } from '../../shared/protocol.ts';
import { openUdp, opusParameters, RtpCounter, rtpPacket } from './rtp.ts';

/** A UDP socket, and the transport that it is connected to. */
interface Endpoint {
  readonly room: Room;
  readonly placement: Placement;
  readonly socket: Socket;
  readonly transport: PlainTransport;
}

async function openEndpoint(room: Room): Promise<Endpoint> {
  const socket = await openUdp();
  const placement = await room.routers.place();
  const transport = await placement.router.router.createPlainTransport({
    listenInfo: { protocol: 'udp', ip: '127.0.0.1' },
    rtcpMux: true,
    comedia: false,
  });
  await transport.connect({ ip: '127.0.0.1', port: socket.address().port });
  return { room, placement, socket, transport };
}

function closeEndpoint({ socket, transport, placement }: Endpoint): void {
  transport.close();
  socket.close();
  placement[Symbol.dispose]();
}

/** A participant only: it publishes a microphone and receives nothing, as a WHIP publisher. */
export class PlainPublisher implements Participant {
  readonly id = randomUUID();
  readonly identity: string;
  grants: Grants;
  producer: Producer | undefined;
  readonly #lifetime = new Lifetime<CloseReason>();
  readonly #endpoint: Endpoint;
  #sequence = 0;
  #ssrc = 0;

  constructor(identity: string, endpoint: Endpoint, grants: Grants = grantsOf('speaker')) {
    this.identity = identity;
    this.grants = grants;
    this.#endpoint = endpoint;
    endpoint.transport.once('routerclose', () => this.close('mediaLost'));
    this.#lifetime.defer(() => closeEndpoint(endpoint));
  }

  static async join(room: Room, identity: string): Promise<PlainPublisher> {
    const publisher = new PlainPublisher(identity, await openEndpoint(room));
    await room.join(publisher);
    return publisher;
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
      canExchangeData: true,
    };
  }

  async publish(ssrc: number): Promise<Producer> {
    const { room, transport, placement } = this.#endpoint;
    this.#ssrc = ssrc;
    const producer = await transport.produce({ kind: 'audio', rtpParameters: opusParameters(ssrc) });
    this.producer = producer;
    const options = { peerId: this.id, source: 'microphone', producer, router: placement.router } as const;
    room.publish(new PublishedTrack(options).publication);
    return producer;
  }

  /** Sends `packets` distinct packets, at about 5000 a second. */
  async send(packets: number): Promise<void> {
    const { transport, socket } = this.#endpoint;
    const port = transport.tuple.localPort;
    for (let left = packets; left > 0; left -= 1) {
      const packet = rtpPacket(this.#ssrc, this.#sequence++);
      // A socket's buffer holds some 200 unread packets: pause for the worker.
      if (left % 10 === 0) await setTimeout(2);
      await new Promise<void>((resolve, reject) => {
        socket.send(packet, port, '127.0.0.1', (error) => (error ? reject(error) : resolve()));
      });
    }
  }

  setGrants(grants: Grants): void {
    this.grants = grants;
    if (!grants.canPublish) this.producer?.close();
  }

  close(reason: CloseReason): void {
    this.#lifetime.end(reason);
  }

  onEnd(listener: (reason: CloseReason) => void): void {
    this.#lifetime.defer(listener);
  }
}

/** A subscriber only: it receives all publications, as a recorder. */
export class PlainSubscriber implements Subscriber {
  readonly consumers: Consumer[] = [];
  readonly counter: RtpCounter;
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    this.counter = new RtpCounter(endpoint.socket);
  }

  static async open(room: Room): Promise<PlainSubscriber> {
    return new PlainSubscriber(await openEndpoint(room));
  }

  async subscribe({ track }: Publication): Promise<void> {
    const { room, transport, placement } = this.#endpoint;
    const { rtpCapabilities } = placement.router.router;
    const lease = await room.routers.acquire(track, placement.router);
    const consumer = await transport.consume({ producerId: lease.producer.id, rtpCapabilities });
    consumer.observer.once('close', () => lease[Symbol.dispose]());
    this.consumers.push(consumer);
    consumer.observer.once('close', () => this.consumers.splice(this.consumers.indexOf(consumer), 1));
  }

  unsubscribeAll(): void {
    for (const consumer of [...this.consumers]) consumer.close();
  }

  async subscribeSlots(): Promise<void> {}

  async unsubscribeSlots(): Promise<void> {}

  removePeer(): void {}

  close(): void {
    closeEndpoint(this.#endpoint);
  }
}

/** An event sink only: it records the events sent to it. */
export class EventLog implements EventSink {
  readonly events: { event: keyof ServerEvents; data: unknown }[] = [];

  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void {
    this.events.push({ event, data });
  }
}

/** All three roles, as a browser's peer has them. */
export class PlainMember extends PlainPublisher {
  readonly subscriber: PlainSubscriber;
  readonly sink = new EventLog();

  constructor(identity: string, endpoint: Endpoint, grants?: Grants) {
    super(identity, endpoint, grants);
    this.subscriber = new PlainSubscriber(endpoint);
  }

  static override async join(room: Room, identity: string, grants?: Grants): Promise<PlainMember> {
    const member = new PlainMember(identity, await openEndpoint(room), grants);
    await room.join(member, member);
    return member;
  }

  get consumers(): readonly Consumer[] {
    return this.subscriber.consumers;
  }

  get counter(): RtpCounter {
    return this.subscriber.counter;
  }
}

/** The SSRC of a consumer's packets. */
export function ssrcOf(consumer: Consumer | undefined): number {
  const ssrc = consumer?.rtpParameters.encodings?.[0]?.ssrc;
  if (ssrc === undefined) throw new Error('there is no such consumer');
  return ssrc;
}
