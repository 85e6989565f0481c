/** Tests of the client's part of the chat: messages in order and each once, whatever is lost, repeated or late. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WeirError } from '../../shared/errors.ts';
import type { ChatInfo, ChatMessageInfo } from '../../shared/protocol.ts';
import { Chat } from '../../web/client/Chat.ts';
import type { ChatLogOptions } from '../../web/client/chat/ChatLog.ts';
import type { RoomClientEvents } from '../../web/client/events.ts';
import { settled } from '../support/roomClient.ts';

interface Asked {
  readonly method: string;
  readonly data: unknown;
  resolve(reply: unknown): void;
  reject(error: WeirError): void;
}

const me = { peerId: 'me', identity: 'my identity', name: 'Me' };
const bob = { peerId: 'bob', identity: 'identity of bob', name: 'Bob' };

function info(seq: number, text: string, rest: Partial<ChatMessageInfo> = {}): ChatMessageInfo {
  return { id: `id ${seq}`, seq, changedSeq: seq, at: 1000 + seq, from: bob, text, ...rest };
}

/** A chat whose requests the test answers. */
function setUp(Implementation = Chat) {
  const asked: Asked[] = [];
  const events: string[] = [];
  const listeners: { [E in keyof RoomClientEvents]?: (data: RoomClientEvents[E]) => void } = {
    chatMessage: ({ message, isHistory }) => events.push(`${isHistory ? 'history' : 'new'} ${message.text}`),
    chatChanged: ({ text, state, deleted }) => events.push(`changed ${deleted ? 'deleted' : text} ${state}`),
  };
  const options: ChatLogOptions = {
    request: (method, data) => new Promise((resolve, reject) => asked.push({ method, data, resolve, reject })),
    notify: (event, data) => listeners[event]?.(data),
    self: () => me,
    peer: (peerId) => (peerId === 'bob' ? bob : undefined),
  };
  const chat = new Implementation(options);
  return {
    chat,
    asked,
    events,
    texts: () => chat.messages.map(({ text }) => text),
    /** The request that was sent last of that method. */
    last(method: string): Asked {
      const found = asked.findLast((one) => one.method === method);
      if (!found) throw new Error(`${method} was not sent.`);
      return found;
    },
    receive: (...messages: ChatMessageInfo[]) => chat.listeners.chatMessages({ messages }),
    /** A connection begins. */
    sync: (seq: number, chatId = 'room') => {
      const snapshot: ChatInfo = { chatId, seq, enabled: true, slowSeconds: 0 };
      chat.sync(snapshot);
    },
  };
}

const page = (messages: ChatMessageInfo[], seq: number, rest = {}) => ({
  messages,
  seq,
  more: false,
  truncated: false,
  ...rest,
});

/** Waits for the log to be loaded, and for all replies to be handled. */
async function idle() {
  await import('../../web/client/chat/ChatLog.ts');
  await settled();
  await settled();
}

afterEach(() => {
  vi.useRealTimers();
});

describe('messages of others', () => {
  test('come by events once the history is there, and nothing is asked in an empty room', async () => {
    const { sync, receive, texts, events, asked } = setUp();
    sync(0);
    receive(info(1, 'one'));
    receive(info(2, 'two'), info(2, 'two'));
    await idle();
    expect(asked).toEqual([]);
    expect(texts()).toEqual(['one', 'two']);
    expect(events).toEqual(['new one', 'new two']);
  });

  test('of the history are marked, come in pages, and do not repeat what has come meanwhile', async () => {
    const { chat, sync, receive, texts, events, last, asked } = setUp();
    sync(3);
    receive(info(4, 'four'));
    await idle();
    expect(last('getChat').data).toEqual({ after: 0 });
    last('getChat').resolve(page([info(1, 'one'), info(2, 'two')], 2, { more: true, truncated: true }));
    await idle();
    expect(last('getChat').data).toEqual({ after: 2 });
    receive(info(5, 'five'));
    last('getChat').resolve(page([info(3, 'three'), info(4, 'four')], 4));
    await idle();
    expect(texts()).toEqual(['one', 'two', 'three', 'four', 'five']);
    expect(events).toEqual(['new four', 'history one', 'history two', 'new five', 'history three']);
    expect(chat.truncated).toBe(true);
    expect(asked.length).toBe(2);
  });

  test('that were missed are asked for after the last one that is complete', async () => {
    const { chat, sync, receive, texts, events, last, asked } = setUp();
    sync(0);
    receive(info(1, 'one'));
    await idle();
    chat.pause();
    // An event of the new connection that is faster than its snapshot.
    receive(info(4, 'four'));
    sync(3);
    await idle();
    expect(last('getChat').data).toEqual({ after: 1 });
    last('getChat').resolve(
      page([info(2, 'two'), info(3, 'three'), info(1, 'one!', { changedSeq: 5, edited: true })], 5),
    );
    await idle();
    expect(texts()).toEqual(['one!', 'two', 'three', 'four']);
    expect(events.slice(2)).toEqual(['new two', 'new three', 'changed one! sent']);
    // Nothing is missing any more: a gap between numbers is somebody else's message.
    receive(info(9, 'nine'));
    chat.pause();
    sync(9);
    await idle();
    expect(asked.length).toBe(1);
  });

  test('are asked for again when the connection is lost before the reply, or the server refuses', async () => {
    vi.useFakeTimers();
    const { chat, sync, receive, texts, asked, events } = setUp();
    sync(2);
    await vi.advanceTimersByTimeAsync(10);
    chat.pause();
    sync(3);
    await vi.advanceTimersByTimeAsync(10);
    expect(asked.map(({ data }) => data)).toEqual([{ after: 0 }, { after: 0 }]);
    // The reply of the first time: it may be older than what was missed since.
    asked[0]?.resolve(page([info(1, 'one')], 2));
    receive(info(9, 'nine'));
    asked[1]?.reject(new WeirError('rateLimited'));
    await vi.advanceTimersByTimeAsync(2100);
    expect(asked.map(({ data }) => data)).toEqual([{ after: 0 }, { after: 0 }, { after: 0 }]);
    asked[2]?.resolve(page([info(1, 'one'), info(3, 'three')], 3));
    await vi.advanceTimersByTimeAsync(10);
    expect(texts()).toEqual(['one', 'three', 'nine']);
    // The third one was written after the join.
    expect(events).toEqual(['new nine', 'history one', 'new three']);
    chat.pause();
    sync(10);
    await vi.advanceTimersByTimeAsync(10);
    expect(asked[3]?.data).toEqual({ after: 9 });
  });

  test('change once for each change, and an older state is ignored', async () => {
    const { sync, receive, chat, events } = setUp();
    sync(0);
    receive(info(1, 'one'), info(2, 'two'));
    receive(info(1, 'one!!', { changedSeq: 5, edited: true }));
    receive(info(1, 'one!', { changedSeq: 4, edited: true }), info(2, '', { changedSeq: 6, deleted: true }));
    // Nobody here has seen this one; its older state is late.
    receive(info(3, '', { changedSeq: 7, deleted: true }));
    receive(info(3, 'three'));
    await idle();
    expect(chat.messages.map(({ text, edited, deleted }) => [text, edited, deleted])).toEqual([
      ['one!!', true, false],
      ['', false, true],
    ]);
    expect(events.slice(2)).toEqual(['changed one!! sent', 'changed deleted sent']);
  });

  test('are 2000 at most, and one that was dropped does not come back', async () => {
    const { sync, receive, chat, texts, events } = setUp();
    sync(0);
    receive(...Array.from({ length: 2100 }, (_, index) => info(index + 1, `${index + 1}`)));
    receive(info(50, 'edited', { changedSeq: 2101, edited: true }));
    await idle();
    expect(chat.messages.length).toBe(2000);
    expect([texts()[0], texts().at(-1)]).toEqual(['101', '2100']);
    expect(events.at(-1)).toBe('new 2100');
  });
});

describe('our messages', () => {
  let room: ReturnType<typeof setUp>;
  beforeEach(async () => {
    room = setUp();
    room.sync(0);
    await idle();
  });

  test('are shown at once, and in their place when the server has them, under the same id', async () => {
    const { chat, texts, last, receive, events } = room;
    const sent = chat.send(' mine ');
    await idle();
    const [{ id, state, own } = {}] = chat.messages;
    expect({ state, own }).toEqual({ state: 'pending', own: true });
    receive(info(1, 'earlier'), info(3, 'later'));
    await idle();
    expect(texts()).toEqual(['earlier', 'later', 'mine']);
    expect(last('sendChat').data).toEqual({ text: 'mine', nonce: id });
    last('sendChat').resolve(info(2, 'mine', { id: 'server id', from: me }));
    await sent;
    expect(chat.messages.map((message) => [message.id, message.text, message.state])).toEqual([
      ['id 1', 'earlier', 'sent'],
      [id, 'mine', 'sent'],
      ['id 3', 'later', 'sent'],
    ]);
    expect(events).toEqual(['new mine', 'new earlier', 'new later', 'changed mine sent']);
    // The history of a later connection has it as well.
    receive(info(2, 'mine', { id: 'server id', from: me }));
    void chat.edit(id ?? '', 'mine!');
    await idle();
    expect(last('editChat').data).toEqual({ id: 'server id', text: 'mine!' });
    last('editChat').resolve(info(2, 'mine!', { id: 'server id', from: me, changedSeq: 4, edited: true }));
    await idle();
    expect(texts()).toEqual(['earlier', 'mine!', 'later']);
    void chat.remove(id ?? '');
    await idle();
    last('deleteChat').resolve(info(2, '', { id: 'server id', from: me, changedSeq: 5, deleted: true }));
    await idle();
    expect(chat.messages[1]).toMatchObject({ id, text: '', deleted: true });
  });

  test('that the server refuses have failed, and can be sent again or removed', async () => {
    const { chat, last, asked, events } = room;
    const refused = new WeirError('rateLimited', 'Slow mode is on.', { retryAfter: 3 });
    const first = chat.send('one', { to: 'bob' });
    await idle();
    last('sendChat').reject(refused);
    await expect(first).rejects.toBe(refused);
    const [{ id = '', ...failed } = {}] = chat.messages;
    expect(failed).toMatchObject({ state: 'failed', error: refused, to: bob });
    chat.retry(id).catch(() => {});
    await idle();
    expect(chat.messages).toMatchObject([{ id, state: 'pending' }]);
    expect(chat.messages[0]?.error).toBeUndefined();
    expect(last('sendChat').data).toEqual({ text: 'one', nonce: id, to: 'bob' });
    last('sendChat').reject(refused);
    await idle();
    await chat.remove(id);
    expect(chat.messages).toEqual([]);
    expect(asked.map(({ method }) => method)).toEqual(['sendChat', 'sendChat']);
    expect(events).toEqual([
      'new one',
      'changed one failed',
      'changed one pending',
      'changed one failed',
      'changed deleted failed',
    ]);
    await expect(chat.retry(id)).rejects.toMatchObject({ code: 'notFound' });
    await expect(chat.remove(id)).rejects.toMatchObject({ code: 'notFound' });
  });

  test('that cannot be sent are refused before they are shown', async () => {
    const { chat, asked } = room;
    await expect(chat.send(' \u200b')).rejects.toMatchObject({
      code: 'badRequest',
      message: 'A message needs a visible letter, digit or symbol.',
    });
    await expect(chat.send('x'.repeat(4001))).rejects.toMatchObject({ code: 'badRequest' });
    expect([chat.messages, asked]).toEqual([[], []]);
  });
});

describe('after a rejoin', () => {
  /** A former session with a message of others, and one of ours whose reply was lost. */
  async function lost() {
    const former = setUp();
    former.sync(0);
    former.receive(info(1, 'one'));
    await idle();
    former.chat.send('unsure').catch(() => {});
    await idle();
    former.last('sendChat').reject(new WeirError('closed'));
    former.chat.pause();
    await idle();
    expect(former.chat.messages.map(({ state }) => state)).toEqual(['sent', 'failed']);
    const next = setUp();
    next.chat.continueFrom(former.chat);
    return { ...next, id: former.chat.messages[1]?.id };
  }

  test('in the same room: what was missed is added, and what was unsure is sent again, once', async () => {
    const { sync, asked, last, texts, events, id, chat } = await lost();
    sync(3);
    await idle();
    expect(asked.map(({ method, data }) => [method, data])).toEqual([
      ['sendChat', { text: 'unsure', nonce: id }],
      ['getChat', { after: 1 }],
    ]);
    // The server had it.
    last('sendChat').resolve(info(2, 'unsure', { from: me }));
    last('getChat').resolve(page([info(2, 'unsure', { from: me }), info(3, 'three')], 3));
    await idle();
    expect(texts()).toEqual(['one', 'unsure', 'three']);
    expect(events).toEqual(['changed unsure pending', 'changed unsure sent', 'new three']);
    expect(chat.messages[1]?.id).toBe(id);
  });

  test('a history that is faster than the reply leaves one message, too', async () => {
    const { sync, last, texts } = await lost();
    sync(2);
    await idle();
    last('getChat').resolve(page([info(2, 'unsure', { from: me })], 2));
    await idle();
    last('sendChat').resolve(info(2, 'unsure', { from: me }));
    await idle();
    expect(texts()).toEqual(['one', 'unsure']);
  });

  test('in a new room: the former messages remain before the new ones, and nothing is sent by itself', async () => {
    const { sync, receive, asked, last, texts, chat } = await lost();
    sync(1, 'another room');
    await idle();
    expect(asked.map(({ method, data }) => [method, data])).toEqual([['getChat', { after: 0 }]]);
    last('getChat').resolve(page([info(1, 'first of the new', { id: 'other' })], 1));
    await idle();
    receive(info(2, 'second of the new', { id: 'another' }));
    await idle();
    expect(texts()).toEqual(['one', 'first of the new', 'second of the new', 'unsure']);
    expect(chat.messages.at(-1)?.state).toBe('failed');
  });
});

describe('a log that cannot be loaded', () => {
  const path = '../../web/client/chat/ChatLog.ts';
  afterEach(() => {
    vi.doUnmock(path);
    vi.resetModules();
  });

  test('is tried again with the next message, and then has all', async () => {
    vi.resetModules();
    vi.doMock(path, () => {
      throw new Error('offline');
    });
    const { Chat: Unloaded } = await import('../../web/client/Chat.ts');
    const { chat, sync, receive, texts, last } = setUp(Unloaded);
    sync(2);
    await settled();
    await expect(chat.send('lost?')).rejects.toMatchObject({ code: 'internal' });
    expect(texts()).toEqual([]);
    vi.doUnmock(path);
    receive(info(3, 'three'));
    await vi.waitFor(() => expect(last('getChat').data).toEqual({ after: 0 }));
    last('getChat').resolve(page([info(1, 'one'), info(2, 'two')], 3));
    await vi.waitFor(() => expect(texts()).toEqual(['one', 'two', 'three']));
  });
});
