/** Tests of a session's request queue over several connections, with handlers that finish when the test says so. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { randomFrom } from '../../scripts/support/random.ts';
import { RequestQueue } from '../../shared/RequestQueue.ts';
import { RpcChannel } from '../../shared/RpcChannel.ts';

const Name = z.strictObject({ name: z.string() });
const incoming = {
  requests: {
    run: { about: 'Answered by the test.', request: Name, reply: Name },
    fail: { about: 'Fails at once.', request: z.strictObject({}), reply: z.object({}) },
    attach: { about: 'Attaches its connection to the session.', request: z.strictObject({}), reply: z.object({}) },
    join: { about: 'Attaches its connection, and is answered by the test.', request: Name, reply: Name },
    ping: { about: 'Does not wait.', request: z.strictObject({}), reply: z.object({}) },
  },
  events: {},
} as const;
const outgoing = { requests: {}, events: {} } as const;

const microtasks = () => new Promise((resolve) => setImmediate(resolve));

/** A session with `run` requests whose handlers the test finishes. */
class Session {
  readonly queue = new RequestQueue();
  /** In the order in which handlers started. */
  readonly begun: string[] = [];
  readonly #unanswered = new Map<string, () => void>();

  /** Names of requests with a running handler. */
  get running(): string[] {
    return [...this.#unanswered.keys()];
  }

  async answer(name: string): Promise<void> {
    const end = this.#unanswered.get(name);
    if (!end) throw new Error(`${name} is not running.`);
    this.#unanswered.delete(name);
    end();
    await microtasks();
  }

  /** A new connection. It has a queue of its own until it sends `attach`. */
  connect() {
    const replies: { id: number; data?: unknown; error?: { code: string } }[] = [];
    const channel: RpcChannel<typeof outgoing, typeof incoming> = new RpcChannel({
      outgoing,
      incoming,
      unordered: ['ping'],
      handlers: {
        run: ({ name }) => this.#begin(name),
        join: ({ name }) => {
          channel.useQueue(this.queue);
          return this.#begin(name);
        },
        fail: () => {
          throw new Error('This one always fails.');
        },
        attach: () => {
          channel.useQueue(this.queue);
          return {};
        },
        ping: () => ({}),
      },
      send: (message) => void replies.push(JSON.parse(message)),
    });
    const send = (id: number, method: string, data: unknown = {}) =>
      channel.receive(JSON.stringify({ id, method, data }));
    return {
      replies,
      ids: () => replies.map(({ id }) => id),
      send,
      run: (id: number, name = `request ${id}`) => send(id, 'run', { name }),
      /** Loses the connection. */
      cut: () => channel.close(),
    };
  }

  #begin(name: string): Promise<{ name: string }> {
    this.begun.push(name);
    return new Promise((resolve) => this.#unanswered.set(name, () => resolve({ name })));
  }

  /** A new connection that is attached to the session. */
  async attach() {
    const connection = this.connect();
    connection.send(0xffff_0000, 'attach');
    await microtasks();
    connection.replies.length = 0;
    return connection;
  }
}

describe('requests of one connection', () => {
  test('run in order, each after the reply to the one before', async () => {
    const session = new Session();
    const connection = await session.attach();
    for (const id of [1, 2, 3]) connection.run(id);
    await microtasks();
    expect(session.begun).toEqual(['request 1']);
    await session.answer('request 1');
    expect(session.begun).toEqual(['request 1', 'request 2']);
    await session.answer('request 2');
    await session.answer('request 3');
    expect(connection.ids()).toEqual([1, 2, 3]);
  });

  test('continue after one that failed', async () => {
    const session = new Session();
    const connection = await session.attach();
    connection.send(1, 'fail');
    connection.run(2);
    await microtasks();
    expect(session.running).toEqual(['request 2']);
    expect(connection.replies).toMatchObject([{ id: 1, error: { code: 'internal' } }]);
  });

  test('that are unordered do not wait for the running one', async () => {
    const session = new Session();
    const connection = await session.attach();
    connection.run(1);
    connection.run(2);
    connection.send(3, 'ping');
    await microtasks();
    expect(connection.replies).toEqual([{ id: 3, data: {} }]);
    expect(session.begun).toEqual(['request 1']);
  });

  test('sent right after `attach` run after its reply, in order', async () => {
    const session = new Session();
    const connection = session.connect();
    connection.send(1, 'join', { name: 'join' });
    connection.run(2);
    await microtasks();
    connection.run(3);
    await microtasks();
    expect(session.begun).toEqual(['join']);
    await session.answer('join');
    expect(connection.ids()).toEqual([1]);
    expect(session.running).toEqual(['request 2']);
    await session.answer('request 2');
    expect(session.running).toEqual(['request 3']);
  });
});

describe('a connection that takes over', () => {
  test('during a request: no other request starts before that has finished', async () => {
    const session = new Session();
    const first = await session.attach();
    first.run(1);
    await microtasks();
    const second = session.connect();
    second.send(100, 'attach');
    second.run(2);
    await microtasks();
    first.cut();
    // Attaching itself does not wait: a frozen worker must not keep a client from resuming.
    expect(second.ids()).toEqual([100]);
    expect(session.begun).toEqual(['request 1']);
    await session.answer('request 1');
    expect(session.begun).toEqual(['request 1', 'request 2']);
  });

  test('twice during a request: still no other request starts', async () => {
    const session = new Session();
    const first = await session.attach();
    first.run(1);
    await microtasks();
    first.cut();
    const second = await session.attach();
    second.run(2);
    second.cut();
    const third = await session.attach();
    third.run(2);
    third.run(3);
    await microtasks();
    expect(session.running).toEqual(['request 1']);
    await session.answer('request 1');
    expect(session.begun).toEqual(['request 1', 'request 2']);
    await session.answer('request 2');
    expect(third.ids()).toEqual([2]);
  });

  test('gets the reply of a request that is running or done, which does not run again', async () => {
    const session = new Session();
    const first = await session.attach();
    first.run(1);
    first.run(2);
    await microtasks();
    await session.answer('request 1');
    first.cut();
    const second = await session.attach();
    second.run(1);
    second.run(2);
    await microtasks();
    await session.answer('request 2');
    expect(session.begun).toEqual(['request 1', 'request 2']);
    expect(second.replies).toEqual([
      { id: 1, data: { name: 'request 1' } },
      { id: 2, data: { name: 'request 2' } },
    ]);
    expect(first.ids()).toEqual([1]);
  });

  test('gets the same error again', async () => {
    const session = new Session();
    const first = await session.attach();
    first.send(1, 'fail');
    await microtasks();
    first.cut();
    const second = await session.attach();
    second.send(1, 'fail');
    await microtasks();
    expect(second.replies).toEqual(first.replies);
  });

  test('runs no request of a connection that closes before the end of the turn in which it came', async () => {
    const session = new Session();
    const first = await session.attach();
    first.run(1);
    first.cut();
    await microtasks();
    expect(session.begun).toEqual([]);
    const second = await session.attach();
    second.run(1);
    await microtasks();
    expect(session.begun).toEqual(['request 1']);
  });

  test('runs a request that was only queued on the lost connection, once it is sent again', async () => {
    const session = new Session();
    const first = await session.attach();
    for (const id of [1, 2, 3]) first.run(id);
    await microtasks();
    first.cut();
    await session.answer('request 1');
    expect(session.begun).toEqual(['request 1']);
    const second = await session.attach();
    second.run(3);
    await microtasks();
    expect(session.begun).toEqual(['request 1', 'request 3']);
  });

  test("has requests of its own before it is attached, whose ids are separate from the session's", async () => {
    const session = new Session();
    const first = await session.attach();
    first.run(1, 'of the session');
    await microtasks();
    await session.answer('of the session');
    first.cut();
    const second = session.connect();
    second.run(1, 'before attaching');
    await microtasks();
    await session.answer('before attaching');
    second.send(2, 'attach');
    await microtasks();
    second.run(1);
    await microtasks();
    expect(second.replies.at(-1)).toEqual({ id: 1, data: { name: 'of the session' } });
  });
});

describe('the limit', () => {
  test('counts the running request and the queued ones; one more is rejected at once, and may be sent again', async () => {
    const session = new Session();
    const connection = await session.attach();
    for (let id = 1; id <= 258; id += 1) connection.run(id);
    await microtasks();
    expect(connection.replies).toMatchObject([257, 258].map((id) => ({ id, error: { code: 'rateLimited' } })));
    await session.answer('request 1');
    connection.run(257);
    await microtasks();
    expect(connection.ids()).toEqual([257, 258, 1]);
  });

  test('does not count requests queued on a lost connection', async () => {
    const session = new Session();
    const first = await session.attach();
    for (let id = 1; id <= 256; id += 1) first.run(id);
    await microtasks();
    first.cut();
    const second = await session.attach();
    for (let id = 1; id <= 256; id += 1) second.run(id);
    await microtasks();
    // The running request counts twice: its repetition waits for its reply.
    expect(second.replies).toMatchObject([{ id: 256, error: { code: 'rateLimited' } }]);
  });

  test('also bounds the kept replies, to the latest ones', async () => {
    const session = new Session();
    const connection = await session.attach();
    for (let id = 0; id < 1000; id += 1) {
      connection.run(id * 7919);
      await microtasks();
      await session.answer(`request ${id * 7919}`);
    }
    expect(session.queue.replies).toBe(256);
    connection.run(744 * 7919);
    await microtasks();
    expect(session.running).toEqual([]);
    connection.run(743 * 7919);
    await microtasks();
    expect(session.running).toEqual([`request ${743 * 7919}`]);
  });
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'in any interleaving, each request runs once, alone and in order (seed %i)',
  async (seed) => {
    const random = randomFrom(seed);
    const session = new Session();
    let connection = await session.attach();
    const answered = new Set<number>();
    const total = 60;
    let sent = 0;
    const record = () => {
      for (const { id, data } of connection.replies.splice(0)) {
        expect(data).toEqual({ name: `request ${id}` });
        answered.add(id);
      }
    };
    while (answered.size < total) {
      const choice = random.int(10);
      if (choice < 5 && sent < total) {
        sent += 1;
        connection.run(sent);
      } else if (choice < 6) {
        // As the client does: unanswered requests are sent again in order.
        if (random.int(2) === 0) connection.cut();
        const former = connection;
        connection = await session.attach();
        former.cut();
        for (let id = 1; id <= sent; id += 1) if (!answered.has(id)) connection.run(id);
      } else {
        await microtasks();
        expect(session.running.length).toBeLessThanOrEqual(1);
        const [name] = session.running;
        if (name !== undefined) await session.answer(name);
        record();
      }
    }
    expect(session.begun).toEqual(Array.from({ length: total }, (_, index) => `request ${index + 1}`));
  },
);
