/** Owns the pipes between the routers of a room: a producer comes to each further router once, as long as it is taken there. */
import type { Consumer, Producer } from 'mediasoup/types';
import { WeirError } from '../../shared/errors.ts';
import type { RoomRouter } from './RoomRouter.ts';
import { rethrowUnavailable } from './rethrowUnavailable.ts';

/** A producer as it is to be had on one router; whoever takes it gives it back. */
export interface Lease extends Disposable {
  readonly producer: Producer;
}

/** A pipe that nobody takes anything from is kept for so long, in milliseconds: who turns a page turns back. */
const LINGER = 2000;
/** What the kernel may hold for a pipe, in bytes: a key frame of everyone at once. It gives as much as it is allowed to. */
const SOCKET_BUFFER = 4 * 1024 * 1024;

interface Pipe {
  readonly opening: Promise<{ consumer: Consumer; producer: Producer }>;
  /** It is not handed out any more. */
  readonly remove: () => void;
  leases: number;
  lingerTimer: NodeJS.Timeout | undefined;
}

export class ProducerPipes {
  /** By producer, then by the router that it was brought to. */
  readonly #pipes = new Map<Producer, Map<RoomRouter, Pipe>>();

  /**
   * The producer on the router of `to`; the same pipe for all who ask, opened for the first of them.
   * @throws {WeirError} `unavailable` when a worker fails meanwhile, `closed` when the producer ends
   */
  async acquire(producer: Producer, from: RoomRouter, to: RoomRouter): Promise<Lease> {
    if (from === to) return { producer, [Symbol.dispose]: () => {} };
    const pipe = this.#obtain(producer, from, to);
    pipe.leases += 1;
    clearTimeout(pipe.lingerTimer);
    let given = false;
    const giveBack = () => {
      if (given) return;
      given = true;
      pipe.leases -= 1;
      if (pipe.leases === 0) this.#closeLater(pipe);
    };
    try {
      const { producer: piped } = await pipe.opening;
      if (piped.closed) throw new WeirError('closed');
      return { producer: piped, [Symbol.dispose]: giveBack };
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  close(): void {
    // The pipes themselves end with the routers.
    for (const pipes of this.#pipes.values()) for (const { lingerTimer } of pipes.values()) clearTimeout(lingerTimer);
    this.#pipes.clear();
  }

  #obtain(producer: Producer, from: RoomRouter, to: RoomRouter): Pipe {
    const pipes = this.#pipes.get(producer) ?? new Map<RoomRouter, Pipe>();
    this.#pipes.set(producer, pipes);
    const known = pipes.get(to);
    if (known) return known;
    const remove = () => {
      clearTimeout(pipe.lingerTimer);
      if (pipes.get(to) === pipe) pipes.delete(to);
      if (pipes.size === 0 && this.#pipes.get(producer) === pipes) this.#pipes.delete(producer);
    };
    const pipe: Pipe = { opening: open(producer, from, to), remove, leases: 0, lingerTimer: undefined };
    pipes.set(to, pipe);
    pipe.opening.then(({ producer: piped }) => {
      if (piped.closed) remove();
      else piped.observer.once('close', remove);
    }, remove);
    return pipe;
  }

  #closeLater(pipe: Pipe): void {
    clearTimeout(pipe.lingerTimer);
    pipe.lingerTimer = setTimeout(() => {
      // Closing it closes the producer at the other end, too; the transports of the two routers stay.
      pipe.opening.then(
        ({ consumer }) => {
          if (pipe.leases > 0) return;
          // The producer at the other end goes a moment later: nobody may be given that meanwhile.
          pipe.remove();
          consumer.close();
        },
        () => {},
      );
    }, LINGER);
  }
}

async function open(
  producer: Producer,
  from: RoomRouter,
  to: RoomRouter,
): Promise<{ consumer: Consumer; producer: Producer }> {
  const { pipeConsumer, pipeProducer } = await rethrowUnavailable(
    from.router.pipeToRouter({
      producerId: producer.id,
      router: to.router,
      enableRtx: true,
      enableSctp: false,
      listenInfo: {
        protocol: 'udp',
        ip: '127.0.0.1',
        sendBufferSize: SOCKET_BUFFER,
        recvBufferSize: SOCKET_BUFFER,
      },
    }),
  );
  if (!pipeConsumer || !pipeProducer) throw new WeirError('unavailable');
  return { consumer: pipeConsumer, producer: pipeProducer };
}
