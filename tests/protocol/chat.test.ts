/** Tests of the chat over sockets: who is sent what, bad data, sessions that are resumed, large rooms and broadcasts. */
import { describe, expect, test } from 'vitest';
import type { ChatMessageInfo } from '../../shared/protocol.ts';
import { withoutRequestId } from '../support/client.ts';
import { type Joined, useServer, withTokens } from '../support/weir.ts';

/** What a client has been sent by events: all that was sent before has arrived. */
async function received({ client }: Pick<Joined, 'client'>): Promise<ChatMessageInfo[]> {
  await client.request('ping', {});
  await client.request('ping', {});
  return client.unreadEvents('chatMessages').flatMap(({ messages }) => messages);
}

const texts = async (joined: Pick<Joined, 'client'>) => (await received(joined)).map(({ text }) => text);

const history = async ({ client }: Pick<Joined, 'client'>, after = 0) => {
  const { messages } = await client.request('getChat', { after });
  return messages.map(({ text }) => text);
};

/** Data that requests refuse, and what the error mentions. */
const malformed: [method: string, data: unknown, words: string][] = [
  ['sendChat', {}, '"text" is missing'],
  ['sendChat', { text: '' }, 'visible'],
  ['sendChat', { text: '\u0000\u200b\n' }, 'visible'],
  ['sendChat', { text: 'x'.repeat(4001) }, '4000'],
  ['sendChat', { text: '\ud83d' }, 'surrogate'],
  ['sendChat', { text: ['a'] }, '"text" is not a string'],
  ['sendChat', { text: { toString: 'x' } }, '"text" is not a string'],
  ['sendChat', { text: 'x', to: '' }, '"to"'],
  ['sendChat', { text: 'x', to: null }, '"to"'],
  ['sendChat', { text: 'x', to: ['a', 'b'] }, '"to"'],
  ['sendChat', { text: 'x', nonce: 'n'.repeat(65) }, '"nonce"'],
  ['sendChat', { text: 'x', nonce: 7 }, '"nonce"'],
  ['sendChat', { text: 'x', from: { peerId: 'somebody' } }, '"from"'],
  ['sendChat', { text: 'x', seq: 1 }, '"seq"'],
  ['editChat', { text: 'x' }, '"id"'],
  ['editChat', { id: '__proto__' }, '"text"'],
  ['deleteChat', { id: 7 }, '"id"'],
  ['deleteChat', { id: 'x'.repeat(257) }, '"id"'],
  ['getChat', {}, '"after"'],
  ['getChat', { after: -1 }, '"after"'],
  ['getChat', { after: 0.5 }, '"after"'],
  ['getChat', { after: 1e300 }, '"after"'],
  ['getChat', { after: 0, limit: 1e9 }, '"limit"'],
];

describe('in a call', () => {
  const weir = useServer();

  test('a message goes to all others in order, its sender has it as the reply, and latecomers the history', async () => {
    const enter = () => weir.join({ room: 'call' });
    const [ada, bob, eve] = [await enter(), await enter(), await enter()];
    const stranger = await weir.join({ room: 'other' });
    const first = await ada.client.request('sendChat', { text: ' one\r\ntwo\u202e ' });
    const second = await bob.client.request('sendChat', { text: 'three' });
    expect(first).toMatchObject({ seq: 1, changedSeq: 1, text: 'one\ntwo', from: { peerId: ada.reply.peerId } });
    expect(Math.abs(first.at - Date.now())).toBeLessThan(5000);
    const edited = await ada.client.request('editChat', { id: first.id, text: 'one' });
    const deleted = await bob.client.request('deleteChat', { id: second.id });
    expect(await received(eve)).toEqual([first, second, edited, deleted]);
    expect(await received(ada)).toEqual([second, deleted]);
    expect(await received(bob)).toEqual([first, edited]);
    expect(await received(stranger)).toEqual([]);
    const late = await enter();
    expect(late.reply.chat).toEqual({ chatId: ada.reply.chat?.chatId, seq: 4, enabled: true, slowSeconds: 0 });
    expect(late.reply.chat?.chatId).not.toBe(stranger.reply.chat?.chatId);
    const page = { messages: [edited, deleted], seq: 4, more: false, truncated: false };
    expect(await late.client.request('getChat', { after: 0 })).toEqual(page);
    expect(await late.client.request('getChat', { after: 3 })).toEqual({ ...page, messages: [deleted] });
    expect(await history(late, 99)).toEqual([]);
    expect(await history(stranger)).toEqual([]);
  });

  test('a private message is for two: nobody else can read, change or find it', async () => {
    const enter = () => weir.join({ room: 'private' });
    const [ada, bob, eve] = [await enter(), await enter(), await weir.join({ room: 'private', role: 'host' })];
    const secret = await ada.client.request('sendChat', { text: 'secret', to: bob.reply.peerId });
    await ada.client.request('editChat', { id: secret.id, text: 'secret!' });
    expect(await texts(bob)).toEqual(['secret', 'secret!']);
    expect(await texts(eve)).toEqual([]);
    expect(await history(eve)).toEqual([]);
    expect(await history(bob)).toEqual(['secret!']);
    const unknown = await eve.client.requestRaw('deleteChat', { id: 'unknown' });
    expect(unknown).toMatchObject({ error: { code: 'notFound' } });
    const theirs = [
      await eve.client.requestRaw('deleteChat', { id: secret.id }),
      await eve.client.requestRaw('editChat', { id: secret.id, text: 'x' }),
    ];
    for (const one of theirs) expect(withoutRequestId(one)).toEqual(withoutRequestId(unknown));
  });

  test('bad data is refused in words, and nothing is sent', async () => {
    const ada = await weir.join({ room: 'bad' });
    for (const [method, data, words] of malformed) {
      const error = withoutRequestId(await ada.client.requestRaw(method, data));
      expect([method, data, error]).toEqual([
        method,
        data,
        { code: 'badRequest', message: expect.stringContaining(words) },
      ]);
    }
    expect(ada.client.open).toBe(true);
    expect(await history(ada)).toEqual([]);
  });

  test.each(['__proto__', 'constructor', 'toString', ''])('a nonce or id like %j is nothing special', async (name) => {
    const [ada, bob] = [await weir.join({ room: 'names' }), await weir.join({ room: 'names' })];
    const first = await ada.client.request('sendChat', { text: 'one', nonce: name });
    expect(await ada.client.request('sendChat', { text: 'one', nonce: name })).toEqual(first);
    expect(await texts(bob)).toEqual(['one']);
    expect((await ada.client.requestRaw('deleteChat', { id: name || 'x' })).error?.code).toBe('notFound');
  });

  test('who writes too fast is told for how long to wait, and others are not affected', async () => {
    const [ada, bob] = [await weir.join({ room: 'fast' }), await weir.join({ room: 'fast' })];
    const replies = await Promise.all(
      Array.from({ length: 15 }, (_, index) => ada.client.requestRaw('sendChat', { text: `${index}` })),
    );
    const errors = replies.flatMap((reply) => withoutRequestId(reply) ?? []);
    expect(errors.length).toBe(5);
    expect(errors[0]).toEqual({
      code: 'rateLimited',
      message: 'You have written a lot in a short time: wait 10 seconds.',
      retryAfter: expect.closeTo(10, 0),
    });
    expect((await texts(bob)).length).toBe(10);
    await bob.client.request('sendChat', { text: 'calm' });
    expect(await texts(ada)).toEqual(['calm']);
  });

  test('who asks for the history in a loop is refused, and gets it later', async () => {
    const ada = await weir.join({ room: 'loop' });
    const replies = await Promise.all(Array.from({ length: 80 }, () => ada.client.requestRaw('getChat', { after: 0 })));
    const refused = replies.flatMap(({ error }) => error ?? []);
    expect(refused.length).toBeGreaterThan(20);
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['rateLimited']));
    const asked = () => ada.client.requestRaw('getChat', { after: 0 });
    await expect.poll(async () => (await asked()).error, { timeout: 5000, interval: 100 }).toBeUndefined();
  });

  test('requires a join', async () => {
    const client = await weir.connect();
    for (const [method, data] of Object.entries({ sendChat: { text: 'x' }, getChat: { after: 0 } })) {
      expect((await client.requestRaw(method, data)).error?.code).toBe('notJoined');
    }
  });
});

describe('a session that is resumed', () => {
  const weir = useServer({ WEIR_RESUME_SECONDS: '30' });

  test('gets the number of the last change, and asks for what it has missed; a repeated request runs once', async () => {
    const [ada, bob] = [await weir.join({ room: 'resume' }), await weir.join({ room: 'resume' })];
    const { id } = await bob.client.request('sendChat', { text: 'before' });
    expect(await texts(ada)).toEqual(['before']);
    ada.client.send(JSON.stringify({ id: 500, method: 'sendChat', data: { text: 'twice?' } }));
    await bob.client.event('chatMessages');
    ada.client.cut();
    await ada.client.closed;
    await bob.client.request('sendChat', { text: 'missed' });
    await bob.client.request('sendChat', { text: 'private', to: ada.reply.peerId });
    await bob.client.request('editChat', { id, text: 'before!' });
    const client = await weir.connect({ firstId: 1000 });
    const { chat } = await client.request('resume', { key: ada.reply.resumeKey });
    expect(chat).toEqual({ ...ada.reply.chat, seq: 5 });
    client.send(JSON.stringify({ id: 500, method: 'sendChat', data: { text: 'twice?' } }));
    expect(await history({ client }, 2)).toEqual(['missed', 'private', 'before!']);
    expect(await history({ client })).toEqual(['twice?', 'missed', 'private', 'before!']);
    expect(await received({ client })).toEqual([]);
    await bob.client.request('sendChat', { text: 'after' });
    expect(await texts({ client })).toEqual(['after']);
  });
});

describe('by grants', () => {
  const weir = useServer(withTokens);

  test('canPublishData is needed to write, not to read, and an administrator takes and gives it', async () => {
    const admin = await weir.enter('room', 'admin', { roomAdmin: true });
    const ada = await weir.enter('room', 'ada', { canPublishData: false });
    expect(ada.reply.chat).toMatchObject({ enabled: false });
    expect((await ada.client.requestRaw('sendChat', { text: 'x' })).error?.code).toBe('forbidden');
    const { id } = await admin.client.request('sendChat', { text: 'hello' });
    expect(await texts(ada)).toEqual(['hello']);
    expect((await ada.client.requestRaw('deleteChat', { id })).error?.code).toBe('forbidden');
    await admin.client.request('setGrants', { peerId: ada.reply.peerId, grants: { canPublishData: true } });
    expect(await ada.client.event('chatStateChanged')).toEqual({ enabled: true, slowSeconds: 0 });
    const mine = await ada.client.request('sendChat', { text: 'mine' });
    await admin.client.request('deleteChat', { id: mine.id });
    expect((await received(ada)).at(-1)).toMatchObject({ id: mine.id, text: '', deleted: true });
    // Somebody with the same identity is the same author, in a later session as well.
    ada.client.cut();
    const again = await weir.enter('room', 'ada');
    expect(await history(again)).toEqual(['hello', '']);
  });
});

describe('in a broadcast', () => {
  const weir = useServer({ WEIR_CHAT_SLOW_SECONDS: '1' });
  const enter = (room: string, role: 'host' | 'viewer' = 'viewer') => weir.join({ room, kind: 'broadcast', role });

  test('viewers write in slow mode, and ask the stage in private', async () => {
    const host = await enter('slow', 'host');
    const [one, two] = [await enter('slow'), await enter('slow')];
    expect(one.reply.chat).toMatchObject({ enabled: true, slowSeconds: 1 });
    await one.client.request('sendChat', { text: 'hello' });
    const { error } = await one.client.requestRaw('sendChat', { text: 'again' });
    expect(error).toMatchObject({ code: 'rateLimited', message: 'Slow mode is on: wait 1 second.' });
    const question = await two.client.request('sendChat', { text: 'question', to: host.reply.peerId });
    const { reply } = two;
    expect(question.from.peerId).toBe(reply.peerId);
    await host.client.request('sendChat', { text: 'answer', to: reply.peerId });
    expect(await texts(host)).toEqual(['hello', 'question']);
    expect(await texts(one)).toEqual([]);
    expect(await texts(two)).toEqual(['hello', 'answer']);
    const [, { id } = { id: '' }] = await received(host);
    await host.client.request('deleteChat', { id });
    expect((await received(two)).at(-1)).toMatchObject({ id, deleted: true });
  });

  test('its history outlives an empty room while it is live, and ends with it', async () => {
    const reopened = async () => {
      await expect.poll(() => weir.app.rooms.find('left', 'broadcast'), { interval: 5 }).toBeUndefined();
      return enter('left', 'host');
    };
    const host = await enter('left', 'host');
    await host.client.request('setBroadcast', { live: true });
    await host.client.request('sendChat', { text: 'live' });
    host.client.cut();
    const again = await reopened();
    expect(again.reply.chat).toMatchObject({ chatId: host.reply.chat?.chatId, seq: 1 });
    expect(await history(again)).toEqual(['live']);
    await again.client.request('setBroadcast', { live: false });
    again.client.cut();
    const after = await reopened();
    expect(after.reply.broadcast?.state).toBe('ended');
    expect(after.reply.chat?.chatId).not.toBe(host.reply.chat?.chatId);
    expect(await history(after)).toEqual([]);
  });

  test('in a large room messages come in batches: few frames, all messages, in order', async () => {
    const host = await enter('large', 'host');
    const viewers: Joined[] = [];
    for (let index = 0; index < 40; index += 1) viewers.push(await enter('large'));
    await Promise.all(viewers.map(({ client }, index) => client.request('sendChat', { text: `${index}` })));
    const [first] = viewers;
    if (!first) throw new Error('There are no viewers.');
    const all = () => host.client.unreadEvents('chatMessages').flatMap(({ messages }) => messages);
    await expect.poll(() => all().length, { timeout: 5000, interval: 10 }).toBe(40);
    expect(host.client.unreadEvents('chatMessages').length).toBeLessThan(8);
    expect(all().map(({ seq }) => seq)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
    // One that is edited before the batch is sent is in it once.
    const { id } = await host.client.request('sendChat', { text: 'draft' });
    await host.client.request('editChat', { id, text: 'final' });
    const last = () => first.client.unreadEvents('chatMessages').at(-1)?.messages ?? [];
    await expect.poll(() => last().map(({ text }) => text), { timeout: 5000, interval: 10 }).toContain('final');
    expect(last().filter((message) => message.id === id)).toMatchObject([{ text: 'final', edited: true }]);
  });
});

describe('without viewers', () => {
  const weir = useServer({ WEIR_CHAT_VIEWERS: 'false' });

  test('only the stage writes', async () => {
    const host = await weir.join({ room: 'quiet', kind: 'broadcast', role: 'host' });
    const viewer = await weir.join({ room: 'quiet', kind: 'broadcast' });
    expect(viewer.reply.chat).toMatchObject({ enabled: false });
    expect((await viewer.client.requestRaw('sendChat', { text: 'x' })).error?.code).toBe('forbidden');
    await host.client.request('sendChat', { text: 'welcome' });
    expect(await texts(viewer)).toEqual(['welcome']);
  });
});
