/** Owns the pipes between the routers of a room: a producer comes to each further router once, as long as it is taken there. */
import type { Consumer, Producer } from 'mediasoup/types';
import { WeirError } from '../../shared/errors.ts';
import { available } from './available.ts';
import type { Hub } from './Hub.ts';

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
  readonly forget: () => void;
  leases: number;
  ending: NodeJS.Timeout | undefined;
}

export class Pipes {
  /** By producer, then by the router that it was brought to. */
  readonly #pipes = new Map<Producer, Map<Hub, Pipe>>();

  /**
   * The producer on the router of `to`; the same pipe for all who ask, opened for the first of them.
   * @throws {WeirError} `unavailable` when a worker fails meanwhile, `closed` when the producer ends
   */
  async reach(producer: Producer, from: Hub, to: Hub): Promise<Lease> {
    if (from === to) return { producer, [Symbol.dispose]: () => {} };
    const pipe = this.#obtain(producer, from, to);
    pipe.leases += 1;
    clearTimeout(pipe.ending);
    let given = false;
    const giveBack = () => {
      if (given) return;
      given = true;
      pipe.leases -= 1;
      if (pipe.leases === 0) this.#endSoon(pipe);
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
    for (const pipes of this.#pipes.values()) for (const { ending } of pipes.values()) clearTimeout(ending);
    this.#pipes.clear();
  }

  #obtain(producer: Producer, from: Hub, to: Hub): Pipe {
    const pipes = this.#pipes.get(producer) ?? new Map<Hub, Pipe>();
    this.#pipes.set(producer, pipes);
    const known = pipes.get(to);
    if (known) return known;
    const forget = () => {
      clearTimeout(pipe.ending);
      if (pipes.get(to) === pipe) pipes.delete(to);
      if (pipes.size === 0 && this.#pipes.get(producer) === pipes) this.#pipes.delete(producer);
    };
    const pipe: Pipe = { opening: open(producer, from, to), forget, leases: 0, ending: undefined };
    pipes.set(to, pipe);
    pipe.opening.then(({ producer: piped }) => {
      if (piped.closed) forget();
      else piped.observer.once('close', forget);
    }, forget);
    return pipe;
  }

  #endSoon(pipe: Pipe): void {
    clearTimeout(pipe.ending);
    pipe.ending = setTimeout(() => {
      // Closing it closes the producer at the other end, too; the transports of the two routers stay.
      pipe.opening.then(
        ({ consumer }) => {
          if (pipe.leases > 0) return;
          // The producer at the other end goes a moment later: nobody may be given that meanwhile.
          pipe.forget();
          consumer.close();
        },
        () => {},
      );
    }, LINGER);
  }
}

async function open(producer: Producer, from: Hub, to: Hub): Promise<{ consumer: Consumer; producer: Producer }> {
  const { pipeConsumer, pipeProducer } = await available(
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
