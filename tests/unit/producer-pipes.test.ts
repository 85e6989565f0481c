/**
 * Tests of pipes between routers, in every order in which a worker can reply: leases share a pipe, which closes after
 * the last one.
 */
import { EventEmitter } from 'node:events';
import { expect, test, vi } from 'vitest';
import { type PipeEnds, ProducerPipes } from '../../server/media/ProducerPipes.ts';
import { WeirError } from '../../shared/errors.ts';
import { fakeOwnTimers } from '../support/fakeOwnTimers.ts';

class FakeProducer {
  readonly observer = new EventEmitter<{ close: [] }>();
  closed = false;

  close(): void {
    this.closed = true;
    this.observer.emit('close');
  }
}

/** A pipe that has been requested from the worker; it opens when the test says so. */
class Opening {
  readonly #answer = Promise.withResolvers<PipeEnds<FakeProducer>>();
  readonly answer = this.#answer.promise;
  readonly producer = new FakeProducer();
  consumerClosed = false;

  open(): void {
    const consumer = {
      close: () => {
        this.consumerClosed = true;
      },
    };
    this.#answer.resolve({ consumer, producer: this.producer });
  }

  fail(): void {
    this.#answer.reject(new WeirError('unavailable'));
  }
}

const LINGER = 1000;

fakeOwnTimers();

function setUp() {
  const openings: Opening[] = [];
  const pipes = new ProducerPipes<FakeProducer, string>({
    open: () => {
      const opening = new Opening();
      openings.push(opening);
      return opening.answer;
    },
    linger: LINGER,
  });
  const producer = new FakeProducer();
  return {
    pipes,
    producer,
    acquire: (to = 'far') => pipes.acquire(producer, 'near', to),
    /** The nth requested pipe, from 0. */
    opening(index: number): Opening {
      const opening = openings[index];
      if (!opening) throw new Error(`Only ${openings.length} pipes were asked for.`);
      return opening;
    },
    get requested() {
      return openings.length;
    },
    pass: (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds),
  };
}

test('on its own router a producer needs no pipe', async () => {
  const scene = setUp();
  const lease = await scene.acquire('near');
  expect(lease.producer).toBe(scene.producer);
  expect(scene.requested).toBe(0);
});

test('concurrent leases share the pipe that is opening, and each further router has its own', async () => {
  const scene = setUp();
  const acquiring = [scene.acquire(), scene.acquire(), scene.acquire('further')];
  expect(scene.requested).toBe(2);
  scene.opening(1).open();
  scene.opening(0).open();
  const leases = await Promise.all(acquiring);
  const [first, further] = [scene.opening(0).producer, scene.opening(1).producer];
  expect(leases.map(({ producer }) => producer)).toEqual([first, first, further]);
});

test('a pipe closes some time after its last lease was released', async () => {
  const scene = setUp();
  const acquiring = [scene.acquire(), scene.acquire()];
  scene.opening(0).open();
  const [one, other] = await Promise.all(acquiring);
  one?.[Symbol.dispose]();
  one?.[Symbol.dispose]();
  await scene.pass(2 * LINGER);
  expect(scene.opening(0).consumerClosed).toBe(false);
  other?.[Symbol.dispose]();
  await scene.pass(LINGER - 1);
  expect(scene.opening(0).consumerClosed).toBe(false);
  await scene.pass(1);
  expect(scene.opening(0).consumerClosed).toBe(true);
});

test('a lease that is acquired while the pipe lingers keeps it', async () => {
  const scene = setUp();
  const acquiring = scene.acquire();
  scene.opening(0).open();
  (await acquiring)[Symbol.dispose]();
  await scene.pass(LINGER - 1);
  await scene.acquire();
  await scene.pass(2 * LINGER);
  expect(scene.opening(0).consumerClosed).toBe(false);
  expect(scene.requested).toBe(1);
});

test('a closing pipe is not reused: the next lease opens another', async () => {
  const scene = setUp();
  const acquiring = scene.acquire();
  scene.opening(0).open();
  (await acquiring)[Symbol.dispose]();
  await scene.pass(LINGER);
  // The piped producer has not closed yet.
  expect(scene.opening(0).producer.closed).toBe(false);
  const next = scene.acquire();
  expect(scene.requested).toBe(2);
  // Its late close event must not remove the pipe that has replaced it.
  scene.opening(0).producer.close();
  scene.opening(1).open();
  expect((await next).producer).toBe(scene.opening(1).producer);
  expect((await scene.acquire()).producer).toBe(scene.opening(1).producer);
});

test('leases waiting while the producer ends reject with `closed`, and the next one opens another pipe', async () => {
  const scene = setUp();
  const acquiring = Promise.allSettled([scene.acquire(), scene.acquire()]);
  scene.opening(0).producer.close();
  scene.opening(0).open();
  const results = await acquiring;
  expect(results).toMatchObject([{ reason: { code: 'closed' } }, { reason: { code: 'closed' } }]);
  void scene.acquire().catch(() => {});
  expect(scene.requested).toBe(2);
});

test('a pipe that fails to open rejects all leases waiting for it, and the next one tries again', async () => {
  const scene = setUp();
  const acquiring = Promise.allSettled([scene.acquire(), scene.acquire()]);
  scene.opening(0).fail();
  expect(await acquiring).toMatchObject([{ reason: { code: 'unavailable' } }, { reason: { code: 'unavailable' } }]);
  const next = scene.acquire();
  scene.opening(1).open();
  expect((await next).producer).toBe(scene.opening(1).producer);
  await scene.pass(2 * LINGER);
  expect(scene.opening(1).consumerClosed).toBe(false);
});

test('a release while another lease waits for the same pipe does not close it', async () => {
  const scene = setUp();
  const first = scene.acquire().then((lease) => lease[Symbol.dispose]());
  const second = scene.acquire();
  scene.opening(0).open();
  await first;
  await second;
  await scene.pass(2 * LINGER);
  expect(scene.opening(0).consumerClosed).toBe(false);
});

test('after the end nothing is closed: pipes end with their routers', async () => {
  const scene = setUp();
  const acquiring = scene.acquire();
  scene.opening(0).open();
  (await acquiring)[Symbol.dispose]();
  scene.pipes.close();
  await scene.pass(2 * LINGER);
  expect(scene.opening(0).consumerClosed).toBe(false);
});

test('a lease that is released after the end, or whose pipe has not opened, starts no timer', async () => {
  const scene = setUp();
  const failing = scene.acquire();
  scene.opening(0).fail();
  await expect(failing).rejects.toThrow();
  expect(vi.getTimerCount()).toBe(0);
  const acquiring = scene.acquire();
  scene.opening(1).open();
  const lease = await acquiring;
  const opening = scene.acquire('elsewhere');
  scene.pipes.close();
  lease[Symbol.dispose]();
  scene.opening(2).fail();
  await expect(opening).rejects.toThrow();
  expect(vi.getTimerCount()).toBe(0);
});
