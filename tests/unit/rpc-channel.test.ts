/** Covers RpcChannel: two of them connected in memory, or one with raw messages. */
import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { WeirError } from '../../shared/errors.ts';
import { type Handlers, RpcChannel, type RpcChannelOptions } from '../../shared/RpcChannel.ts';
import { fakeOwnTimers } from '../support/fakeOwnTimers.ts';

const Text = z.object({ text: z.string() });
const table = {
  requests: {
    echo: { about: 'Says it again.', request: z.strictObject({ text: z.string() }), reply: Text },
    wait: { about: 'Says it later.', request: z.strictObject({ text: z.string() }), reply: Text },
    fail: { about: 'Fails.', request: z.strictObject({}), reply: z.object({}) },
  },
  events: { news: { about: 'Something new.', data: Text } },
} as const;
const nothing = { requests: {}, events: {} } as const;
type Table = typeof table;
type Nothing = typeof nothing;

const handlers: Handlers<Table> = {
  echo: ({ text }) => ({ text }),
  wait: async ({ text }) => ({ text }),
  fail: () => {
    throw new WeirError('forbidden', 'No.');
  },
};

/** Two connected channels. Each message arrives in a turn of its own, as on a network. */
function wire(
  answerer: Partial<RpcChannelOptions<Nothing, Table>> = {},
  caller: Partial<RpcChannelOptions<Table, Nothing>> = {},
) {
  const there: RpcChannel<Nothing, Table> = new RpcChannel<Nothing, Table>({
    outgoing: nothing,
    incoming: table,
    handlers,
    send: (message) => setImmediate(() => here.receive(message)),
    ...answerer,
  });
  const here: RpcChannel<Table, Nothing> = new RpcChannel<Table, Nothing>({
    outgoing: table,
    incoming: nothing,
    handlers: {},
    send: (message) => setImmediate(() => there.receive(message)),
    ...caller,
  });
  return { here, there };
}

/** One channel, and the messages that it has sent. */
function lone(options: Partial<RpcChannelOptions<Table, Table>> = {}) {
  const sent: unknown[] = [];
  const channel = new RpcChannel<Table, Table>({
    outgoing: table,
    incoming: table,
    handlers,
    send: (message) => void sent.push(JSON.parse(message)),
    ...options,
  });
  return { channel, sent };
}

describe('a request', () => {
  test('gets its reply', async () => {
    await expect(wire().here.request('echo', { text: 'hi' })).resolves.toEqual({ text: 'hi' });
  });

  test('gets its own reply, among many', async () => {
    const { here } = wire();
    const texts = Array.from({ length: 50 }, (_, index) => String(index));
    const replies = await Promise.all(texts.map((text) => here.request('echo', { text })));
    expect(replies.map(({ text }) => text)).toEqual(texts);
  });

  test('fails with the code and message of a public error', async () => {
    await expect(wire().here.request('fail', {})).rejects.toMatchObject({ code: 'forbidden', message: 'No.' });
  });

  test('fails with internal when the handler throws another error, whose details are not sent', async () => {
    const onFailure = vi.fn();
    const secret = new Error('the password is 1234');
    const { here } = wire({ onFailure, handlers: { ...handlers, echo: () => Promise.reject(secret) } });
    const failure = await here.request('echo', { text: '' }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'internal' });
    expect(inspect(failure)).not.toContain('1234');
    expect(onFailure).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'internal', cause: secret }), {
      method: 'echo',
      requestId: undefined,
    });
  });

  test('that fails has the id that the other side has given it, in every kind of error', async () => {
    const onFailure = vi.fn();
    const { channel, sent } = lone({ handlers, onFailure, requestId: (id) => `a-${id}` });
    channel.receive('{"id":1,"method":"fail","data":{}}');
    channel.receive('{"id":2,"method":"nothing","data":{}}');
    channel.receive('{"id":3,"method":"echo","data":{"text":"x"}}', new WeirError('rateLimited'));
    await expect.poll(() => sent.length).toBe(3);
    const errors = [1, 2, 3].map((id) => ({ id, error: expect.objectContaining({ requestId: `a-${id}` }) }));
    expect(sent).toEqual(expect.arrayContaining(errors));
    expect(onFailure.mock.calls.map(([, request]) => request)).toEqual([
      { method: 'fail', requestId: 'a-1' },
      { method: 'nothing', requestId: 'a-2' },
    ]);
    expect(WeirError.fromWire({ code: 'busy', message: '', requestId: 'a-1' }).requestId).toBe('a-1');
  });

  test('whose handler throws a public error with a cause is reported too', async () => {
    const onFailure = vi.fn();
    const cause = new Error('refused by the worker');
    const fail = () => {
      throw new WeirError('badRequest', 'No.', { cause });
    };
    const { here } = wire({ onFailure, handlers: { ...handlers, fail } });
    await expect(here.request('fail', {})).rejects.toMatchObject({ code: 'badRequest', message: 'No.' });
    expect(onFailure).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ cause }), expect.anything());
  });

  test('with malformed data fails with badRequest, which names the field; its handler does not run', async () => {
    const echo = vi.fn(handlers.echo);
    const { channel, sent } = lone({ handlers: { ...handlers, echo } });
    channel.receive('{"id":1,"method":"echo","data":{"text":7}}');
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]).toMatchObject({ id: 1, error: { code: 'badRequest', message: '"text" is not a string.' } });
    expect(echo).not.toHaveBeenCalled();
  });

  test.each(['nothing', '__proto__', 'constructor', 'toString'])(
    'of the unknown method %s is answered so',
    async (method) => {
      const { channel, sent } = lone();
      channel.receive(JSON.stringify({ id: 1, method, data: {} }));
      await vi.waitFor(() => expect(sent).toMatchObject([{ id: 1, error: { code: 'unknownMethod' } }]));
    },
  );

  test('with a reply that is malformed fails with badMessage', async () => {
    const { channel, sent } = lone();
    const asked = channel.request('echo', { text: 'hi' });
    expect(sent).toEqual([{ id: 1, method: 'echo', data: { text: 'hi' } }]);
    channel.receive('{"id":1,"data":{"text":7}}');
    await expect(asked).rejects.toMatchObject({ code: 'badMessage' });
  });

  test('with an unknown error code, from a newer side, fails with internal', async () => {
    const { channel } = lone();
    const asked = channel.request('echo', { text: 'hi' });
    channel.receive('{"id":1,"error":{"code":"overcaffeinated","message":"Too much."}}');
    await expect(asked).rejects.toMatchObject({ code: 'internal', message: 'Too much.' });
  });

  test('that is refused does not run', async () => {
    const echo = vi.fn(handlers.echo);
    const { channel, sent } = lone({ handlers: { ...handlers, echo } });
    channel.receive('{"id":1,"method":"echo","data":{"text":"hi"}}', new WeirError('rateLimited'));
    expect(sent).toMatchObject([{ id: 1, error: { code: 'rateLimited' } }]);
    expect(echo).not.toHaveBeenCalled();
  });
});

describe('the timeout', () => {
  fakeOwnTimers({ toFake: ['setTimeout', 'clearTimeout'] });

  test('fails the request; a late reply is ignored', async () => {
    const onBadMessage = vi.fn();
    const { channel } = lone({ requestTimeout: 1000, onBadMessage });
    const asked = channel.request('echo', { text: 'hi' });
    const outcome = expect(asked).rejects.toMatchObject({ code: 'timeout', message: expect.stringContaining('echo') });
    vi.advanceTimersByTime(999);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(1);
    await outcome;
    channel.receive('{"id":1,"data":{"text":"hi"}}');
    expect(onBadMessage).not.toHaveBeenCalled();
  });

  test('is cleared by the reply', async () => {
    const { channel } = lone();
    const asked = channel.request('echo', { text: 'hi' });
    channel.receive('{"id":1,"data":{"text":"hi"}}');
    await asked;
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('close', () => {
  test('fails pending requests, and later ones, with closed', async () => {
    const { channel, sent } = lone();
    const asked = [channel.request('echo', { text: '1' }), channel.request('echo', { text: '2' })];
    channel.close();
    channel.close();
    for (const one of asked) await expect(one).rejects.toMatchObject({ code: 'closed' });
    await expect(channel.request('echo', { text: '3' })).rejects.toMatchObject({ code: 'closed' });
    channel.notify('news', { text: 'late' });
    expect(sent).toHaveLength(2);
  });

  test('stops everything: nothing more is read, run or sent', async () => {
    const gate = Promise.withResolvers<void>();
    const echo = vi.fn(handlers.echo);
    const wait = async ({ text }: { text: string }) => {
      await gate.promise;
      return { text };
    };
    const { channel, sent } = lone({ handlers: { ...handlers, wait, echo } });
    channel.receive('{"id":1,"method":"wait","data":{"text":""}}');
    channel.receive('{"id":2,"method":"echo","data":{"text":""}}');
    channel.close();
    channel.receive('{"id":3,"method":"echo","data":{"text":""}}');
    gate.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(echo).not.toHaveBeenCalled();
    expect(sent).toEqual([]);
  });
});

describe('events', () => {
  test('reach their listener, parsed', () => {
    const news = vi.fn();
    const { channel } = lone({ listeners: { news } });
    channel.receive('{"event":"news","data":{"text":"hi","more":1}}');
    expect(news).toHaveBeenCalledExactlyOnceWith({ text: 'hi' });
  });

  test('without a listener are ignored', () => {
    const { channel, sent } = lone();
    channel.receive('{"event":"news","data":{"text":"hi"}}');
    expect(sent).toEqual([]);
  });

  test.each(['unheardOf', '__proto__', 'constructor'])(
    'that are unknown, like %s, are ignored with ignoreUnknown only',
    (event) => {
      const message = JSON.stringify({ event, data: {} });
      const lenient = lone({ ignoreUnknown: true });
      lenient.channel.receive(message);
      expect(lenient.sent).toEqual([]);
      const strict = lone();
      strict.channel.receive(message);
      expect(strict.sent).toMatchObject([{ error: { code: 'badMessage' } }]);
    },
  );

  test('with malformed data are bad messages, with ignoreUnknown too', () => {
    const news = vi.fn();
    const onBadMessage = vi.fn();
    const { channel } = lone({ ignoreUnknown: true, listeners: { news }, onBadMessage });
    channel.receive('{"event":"news","data":{"text":7}}');
    channel.receive('nonsense');
    expect(news).not.toHaveBeenCalled();
    expect(onBadMessage.mock.calls.map(([error, count]) => [error.code, count])).toEqual([
      ['badMessage', 1],
      ['badMessage', 2],
    ]);
  });
});
