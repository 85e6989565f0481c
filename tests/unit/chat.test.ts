/** Tests of the server's part of the chat: who may write, see and change what, the limits, and what is kept. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { grantsOf, normalizeGrants } from '../../server/auth/grants.ts';
import { Chat, type ChatSettings, type ChatSnapshot } from '../../server/room/Chat.ts';
import { ChatHistory } from '../../server/room/ChatHistory.ts';
import type { EventSink } from '../../server/room/EventSink.ts';
import { Notifier } from '../../server/room/Notifier.ts';
import type { Participant } from '../../server/room/Participant.ts';
import { RoomEvents } from '../../server/room/RoomEvents.ts';
import {
  type ChatMessageInfo,
  ChatText,
  chatText,
  type Grants,
  type Role,
  type RoomKind,
  type ServerEvents,
} from '../../shared/protocol.ts';
import { validationSentence } from '../../shared/validation.ts';

/** A participant that records the chat events that it is sent. */
class Writer implements Participant, EventSink {
  readonly id: string;
  readonly identity: string;
  grants: Grants;
  readonly received: ChatMessageInfo[] = [];
  readonly states: ServerEvents['chatStateChanged'][] = [];

  constructor(id: string, identity: string, grants: Grants) {
    this.id = id;
    this.identity = identity;
    this.grants = grants;
  }

  get info() {
    const { id: peerId, identity } = this;
    return {
      peerId,
      identity,
      name: `Name of ${identity}`,
      sources: {},
      hand: false,
      away: false,
      canExchangeData: true,
    };
  }

  setGrants(grants: Grants): void {
    this.grants = grants;
  }

  notify<E extends keyof ServerEvents>(event: E, data: ServerEvents[E]): void;
  notify(...[event, data]: { [E in keyof ServerEvents]: [E, ServerEvents[E]] }[keyof ServerEvents]): void {
    if (event === 'chatMessages') this.received.push(...data.messages);
    if (event === 'chatStateChanged') this.states.push(data);
  }

  close(): void {}
  onEnd(): void {}
}

const usual: ChatSettings = { history: 500, slowMode: 5000, viewersMayWrite: true };

function open(kind: RoomKind = 'call', settings: Partial<ChatSettings> = {}, snapshot?: ChatSnapshot) {
  const participants = new Map<string, Writer>();
  const events = new RoomEvents(pino({ level: 'silent' }));
  const notifier = new Notifier(events);
  const chat = new Chat({ kind, settings: { ...usual, ...settings }, events, participants, snapshot });
  return {
    chat,
    /** One more joins, with that identity. */
    enter(id: string, role: Role = 'speaker', identity = id): Writer {
      const writer = new Writer(id, identity, normalizeGrants(kind, grantsOf(role)));
      participants.set(id, writer);
      notifier.add(writer, writer);
      return writer;
    },
    leave: ({ id }: Writer) => participants.delete(id),
    setGrants(participant: Writer, grants: Partial<Grants>) {
      const before = participant.grants;
      participant.setGrants(normalizeGrants(kind, { ...before, ...grants }));
      events.emit('grantsChanged', { participant, before });
    },
    textsFor: (who: Writer, after = 0) => chat.page(who, after).messages.map(({ text }) => text),
  };
}

const refusal = (code: string, message: unknown = expect.any(String)) => expect.objectContaining({ code, message });

describe('the text of a message', () => {
  test.each([
    ['  spaces \n\n', 'spaces'],
    ['a\r\nb\rc\u2028d', 'a\nb\nc\nd'],
    ['tab\there', 'tab\there'],
    ['a\u0000b\u001b[31mc\u009fd\u007f', 'ab[31mcd'],
    ['\u202egpj.exe\u2066x\u2069', 'gpj.exex'],
    ['שלום\u200f עולם', 'שלום\u200f עולם'],
    ['👩‍👩‍👧', '👩‍👩‍👧'],
    ['<b>&amp;', '<b>&amp;'],
    ['\u200b\u2800\u3164 \u00ad', ''],
    ['\u202e', ''],
  ])('%j is sent as %j', (raw, sent) => {
    expect(chatText(raw)).toBe(sent);
    // A second time changes nothing.
    expect(chatText(sent)).toBe(sent);
  });

  test('has at most 4000 code points, in whole characters, and something visible', () => {
    expect(ChatText.parse('😀'.repeat(4000))).toHaveLength(8000);
    const words = (raw: unknown) => {
      const { error } = ChatText.safeParse(raw);
      return error && validationSentence(error, 'The message');
    };
    expect(words('😀'.repeat(4001))).toBe('A message may have up to 4000 characters.');
    expect(words('x'.repeat(1_000_000))).toBe('A message may have up to 4000 characters.');
    expect(words(' \n ')).toBe('A message needs a visible letter, digit or symbol.');
    expect(words('\ud800 x')).toBe('A message must not contain lone surrogates.');
    expect(words(7)).toBe('The message is not a string.');
  });
});

describe('a message', () => {
  test('has the next number, and goes to all others; so do its edits and its deletion', () => {
    const { chat, enter } = open();
    const [ada, bob, eve] = [enter('ada'), enter('bob'), enter('eve')];
    const one = chat.send(ada, { text: 'one' });
    const two = chat.send(bob, { text: 'two' });
    const edited = chat.edit(ada, one.id, 'one!');
    const deleted = chat.delete(bob, two.id);
    expect([one, two, edited, deleted].map(({ seq, changedSeq }) => [seq, changedSeq])).toEqual([
      [1, 1],
      [2, 2],
      [1, 3],
      [2, 4],
    ]);
    expect(edited).toEqual({ ...one, changedSeq: 3, text: 'one!', edited: true });
    expect(deleted).toEqual({ ...two, changedSeq: 4, text: '', deleted: true });
    expect(eve.received).toEqual([one, two, edited, deleted]);
    expect(ada.received).toEqual([two, deleted]);
    expect(bob.received).toEqual([one, edited]);
    expect(one.from).toEqual({ peerId: 'ada', identity: 'ada', name: 'Name of ada' });
    expect(chat.infoFor(eve)).toMatchObject({ seq: 4 });
  });

  test('is changed by its author only, in a later session too, and deleted by administrators as well', () => {
    const { chat, enter, leave } = open();
    const [ada, bob, admin] = [enter('ada'), enter('bob'), enter('admin', 'host')];
    const { id } = chat.send(ada, { text: 'one' });
    expect(() => chat.edit(bob, id, 'mine')).toThrow(refusal('forbidden', 'Only its author can edit a message.'));
    expect(() => chat.edit(admin, id, 'mine')).toThrow(refusal('forbidden'));
    expect(() => chat.delete(bob, id)).toThrow(refusal('forbidden'));
    leave(ada);
    const again = enter('ada2', 'speaker', 'ada');
    expect(chat.edit(again, id, 'two').text).toBe('two');
    expect(chat.delete(admin, id)).toMatchObject({ text: '', deleted: true });
    expect(chat.delete(admin, id)).toMatchObject({ changedSeq: 3 });
    expect(() => chat.edit(again, id, 'three')).toThrow(refusal('notFound'));
    expect(() => chat.edit(again, 'nothing', 'three')).toThrow(refusal('notFound'));
  });

  test('of the same nonce is the one of the first time, for its author', () => {
    const { chat, enter } = open();
    const [ada, bob] = [enter('ada'), enter('bob')];
    const first = chat.send(ada, { text: 'one', nonce: 'n' });
    expect(chat.send(enter('ada2', 'speaker', 'ada'), { text: 'one', nonce: 'n' })).toEqual(first);
    expect(chat.send(bob, { text: 'one', nonce: 'n' })).toMatchObject({ seq: 2 });
    expect(bob.received).toEqual([first]);
    const edited = chat.edit(ada, first.id, 'two');
    expect(chat.send(ada, { text: 'one', nonce: 'n' })).toEqual(edited);
  });
});

describe('a private message', () => {
  test('is for two identities only: no event, no history, no change and no removal by anybody else', () => {
    const { chat, enter, leave, textsFor } = open();
    const [ada, bob, admin] = [enter('ada'), enter('bob'), enter('admin', 'host')];
    const { id, to } = chat.send(ada, { text: 'secret', to: 'bob' });
    expect(to).toEqual({ peerId: 'bob', identity: 'bob', name: 'Name of bob' });
    expect(bob.received.map(({ text }) => text)).toEqual(['secret']);
    expect(() => chat.delete(admin, id)).toThrow(refusal('notFound'));
    expect(() => chat.delete(bob, id)).toThrow(refusal('forbidden'));
    chat.edit(ada, id, 'secret!');
    chat.send(bob, { text: 'public' });
    expect(admin.received.map(({ text, seq }) => [text, seq])).toEqual([['public', 3]]);
    expect(textsFor(admin)).toEqual(['public']);
    expect(chat.page(admin, 0).seq).toBe(3);
    leave(bob);
    const again = enter('bob2', 'speaker', 'bob');
    expect(textsFor(again)).toEqual(['secret!', 'public']);
    chat.delete(ada, id);
    expect(again.received.at(-1)).toMatchObject({ id, deleted: true });
    expect(admin.received.length).toBe(1);
  });

  test('needs somebody else who is there', () => {
    const { chat, enter, leave } = open();
    const [ada, bob] = [enter('ada'), enter('bob')];
    expect(() => chat.send(ada, { text: 'x', to: 'ada' })).toThrow(refusal('badRequest'));
    expect(() => chat.send(ada, { text: 'x', to: 'nobody' })).toThrow(refusal('notFound'));
    leave(bob);
    expect(() => chat.send(ada, { text: 'x', to: 'bob' })).toThrow(refusal('notFound'));
  });

  test('of a viewer reaches the stage, not another viewer; the stage reaches viewers', () => {
    const { chat, enter } = open('broadcast');
    const [host, one, two] = [enter('host', 'host'), enter('one', 'viewer'), enter('two', 'viewer')];
    expect(() => chat.send(one, { text: 'x', to: 'two' })).toThrow(refusal('notFound'));
    chat.send(one, { text: 'question', to: 'host' });
    chat.send(host, { text: 'answer', to: 'one' });
    expect(host.received.map(({ text }) => text)).toEqual(['question']);
    expect(one.received.map(({ text }) => text)).toEqual(['answer']);
    expect(two.received).toEqual([]);
  });
});

describe('the history', () => {
  test('has the latest messages, and says that earlier ones are gone', () => {
    const { chat, enter, textsFor } = open('call', { history: 3 });
    const ada = enter('ada');
    const ids = ['1', '2', '3', '4', '5'].map((text) => chat.send(ada, { text }).id);
    expect(textsFor(ada)).toEqual(['3', '4', '5']);
    expect(chat.page(ada, 0).truncated).toBe(true);
    expect(chat.page(ada, 2)).toMatchObject({ truncated: false, seq: 5, more: false });
    expect(textsFor(ada, 4)).toEqual(['5']);
    chat.edit(ada, ids[2] ?? '', '3!');
    expect(textsFor(ada, 5)).toEqual(['3!']);
    expect(() => chat.edit(ada, ids[0] ?? '', '1!')).toThrow(refusal('notFound'));
    expect(chat.send(ada, { text: '6', nonce: 'n' })).toMatchObject({ seq: 7 });
  });

  test('can be off', () => {
    const { chat, enter, textsFor } = open('call', { history: 0 });
    const [ada, bob] = [enter('ada'), enter('bob')];
    const { id } = chat.send(ada, { text: 'one' });
    expect(bob.received.length).toBe(1);
    expect(textsFor(bob)).toEqual([]);
    expect(chat.page(bob, 0).truncated).toBe(true);
    expect(() => chat.delete(ada, id)).toThrow(refusal('notFound'));
  });

  const from = { peerId: 'p', identity: 'i', name: 'n' };
  const message = (seq: number, text: string): ChatMessageInfo => ({
    id: `m${seq}`,
    seq,
    changedSeq: seq,
    at: 0,
    from,
    text,
  });

  test('is limited in bytes, and an edit counts its new size', () => {
    const history = new ChatHistory({ messages: 100, bytes: 11_000 });
    for (let seq = 1; seq <= 5; seq += 1) history.set({ message: message(seq, '한'.repeat(1000)), nonce: undefined });
    expect(history.get('m2')).toBeUndefined();
    expect(history.get('m3')).toBeDefined();
    history.set({ message: { ...message(3, 'short'), changedSeq: 6 }, nonce: undefined });
    history.set({ message: message(7, 'x'), nonce: undefined });
    expect([3, 4, 5, 7].filter((seq) => !history.get(`m${seq}`))).toEqual([]);
    expect(history.page(3, 7, () => true)).toMatchObject({ truncated: false });
    expect(history.page(1, 7, () => true)).toMatchObject({ truncated: true });
  });

  test('is sent in pages, in the order of the last change, without what is for others', () => {
    const history = new ChatHistory({ messages: 1000, bytes: 10_000_000 });
    for (let seq = 1; seq <= 450; seq += 1) {
      history.set({ message: message(seq, seq > 440 ? 'x'.repeat(16_000) : `${seq}`), nonce: undefined });
    }
    history.set({ message: { ...message(1, 'changed'), changedSeq: 451 }, nonce: undefined });
    const seen: number[] = [];
    let after = 0;
    const sizes: number[] = [];
    for (let more = true; more; ) {
      const page = history.page(after, 460, ({ seq }) => seq % 10 !== 0);
      seen.push(...page.messages.map(({ changedSeq }) => changedSeq));
      sizes.push(Buffer.byteLength(JSON.stringify(page)));
      expect(page.seq).toBeGreaterThan(after);
      ({ seq: after, more } = page);
    }
    expect(after).toBe(460);
    expect(sizes.length).toBeGreaterThan(3);
    expect(Math.max(...sizes)).toBeLessThan(68_000);
    const all = Array.from({ length: 450 }, (_, index) => index + 2);
    expect(seen).toEqual(all.filter((seq) => seq % 10 !== 0));
  });

  test('of a broadcast continues where it was left', () => {
    const first = open('broadcast');
    const host = first.enter('host', 'host');
    const { id } = first.chat.send(host, { text: 'one', nonce: 'n' });
    const second = open('broadcast', {}, first.chat.snapshot);
    const again = second.enter('host2', 'host', 'host');
    expect(second.chat.infoFor(again).chatId).toBe(first.chat.infoFor(host).chatId);
    expect(second.chat.send(again, { text: 'one', nonce: 'n' }).id).toBe(id);
    expect(second.chat.send(again, { text: 'two' }).seq).toBe(2);
    expect(open().chat.infoFor(host).chatId).not.toBe(first.chat.infoFor(host).chatId);
  });
});

describe('who may write', () => {
  test('in a call: whoever has canPublishData, and is told when that changes', () => {
    const { chat, enter, setGrants, textsFor } = open();
    const [ada, admin] = [enter('ada'), enter('admin', 'host')];
    const { id } = chat.send(ada, { text: 'one' });
    setGrants(ada, { canPublishData: false });
    expect(ada.states).toEqual([{ enabled: false, slowSeconds: 0 }]);
    expect(() => chat.send(ada, { text: 'x' })).toThrow(refusal('forbidden'));
    expect(() => chat.edit(ada, id, 'x')).toThrow(refusal('forbidden'));
    expect(textsFor(ada)).toEqual(['one']);
    setGrants(ada, { roomAdmin: true });
    expect(ada.states.length).toBe(1);
    setGrants(ada, { canPublishData: true });
    expect(ada.states[1]).toEqual({ enabled: true, slowSeconds: 0 });
    expect(admin.states).toEqual([]);
  });

  test('of the viewers of a broadcast: all or none, in slow mode until they are on the stage', () => {
    const { chat, enter, setGrants } = open('broadcast');
    const viewer = enter('viewer', 'viewer');
    setGrants(viewer, { canPublishData: false });
    expect(chat.infoFor(viewer)).toMatchObject({ enabled: true, slowSeconds: 5 });
    setGrants(viewer, { canPublish: true, canPublishData: true });
    expect(viewer.states).toEqual([{ enabled: true, slowSeconds: 0 }]);
    const silent = open('broadcast', { viewersMayWrite: false });
    const [mute, host] = [silent.enter('mute', 'viewer'), silent.enter('host', 'host')];
    expect(silent.chat.infoFor(mute).enabled).toBe(false);
    expect(() => silent.chat.send(mute, { text: 'x' })).toThrow(refusal('forbidden'));
    expect(silent.chat.send(host, { text: 'x' }).seq).toBe(1);
  });

  test('nobody in a diagnosis', () => {
    const { chat, enter } = open('diagnosis');
    expect(() => chat.send(enter('ada'), { text: 'x' })).toThrow(refusal('forbidden'));
  });
});

describe('the rate', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('of one is ten messages and changes in ten seconds, and others are not affected', () => {
    const { chat, enter } = open();
    const [ada, bob, admin] = [enter('ada'), enter('bob'), enter('admin', 'host')];
    const { id } = chat.send(ada, { text: 'first' });
    for (let index = 0; index < 8; index += 1) chat.send(ada, { text: `${index}` });
    chat.edit(ada, id, 'edited');
    vi.advanceTimersByTime(8500);
    const late = refusal('rateLimited', 'You have written a lot in a short time: wait 2 seconds.');
    expect(() => chat.send(ada, { text: 'x' })).toThrow(late);
    expect(() => chat.edit(ada, id, 'x')).toThrow(expect.objectContaining({ code: 'rateLimited', retryAfter: 1.5 }));
    expect(() => chat.delete(ada, id)).toThrow(late);
    // A reload of the page helps nobody.
    expect(() => chat.send(enter('ada2', 'speaker', 'ada'), { text: 'x' })).toThrow(late);
    expect(chat.send(bob, { text: 'x' }).seq).toBe(11);
    for (let index = 0; index < 20; index += 1) chat.delete(admin, chat.send(enter(`p${index}`), { text: 'x' }).id);
    vi.advanceTimersByTime(1500);
    expect(chat.send(ada, { text: 'x' }).seq).toBe(52);
  });

  test('of a viewer is one in five seconds, in words', () => {
    const { chat, enter } = open('broadcast');
    const [host, viewer] = [enter('host', 'host'), enter('viewer', 'viewer')];
    const { id } = chat.send(viewer, { text: 'one' });
    vi.advanceTimersByTime(800);
    const slow = refusal('rateLimited', 'Slow mode is on: wait 5 seconds.');
    expect(() => chat.send(viewer, { text: 'two' })).toThrow(slow);
    expect(() => chat.send(enter('viewer2', 'viewer', 'viewer'), { text: 'two' })).toThrow(slow);
    expect(chat.edit(viewer, id, 'one!').text).toBe('one!');
    for (let index = 0; index < 5; index += 1) chat.send(host, { text: `${index}` });
    vi.advanceTimersByTime(4200);
    expect(chat.send(viewer, { text: 'two' }).seq).toBe(8);
    const fast = open('broadcast', { slowMode: 0 });
    const quick = fast.enter('quick', 'viewer');
    expect([1, 2, 3].map((text) => fast.chat.send(quick, { text: `${text}` }).seq)).toEqual([1, 2, 3]);
  });

  test('of all viewers together is fifty in a second; the stage is not affected', () => {
    const { chat, enter } = open('broadcast');
    const host = enter('host', 'host');
    for (let index = 0; index < 50; index += 1) chat.send(enter(`v${index}`, 'viewer'), { text: 'x' });
    const busy = refusal('rateLimited', 'Many are writing at the moment: wait 1 second.');
    const late = enter('late', 'viewer');
    expect(() => chat.send(late, { text: 'x' })).toThrow(busy);
    expect(chat.send(host, { text: 'x' }).seq).toBe(51);
    vi.advanceTimersByTime(1000);
    // Slow mode does not count what was refused.
    expect(chat.send(late, { text: 'x' }).seq).toBe(52);
  });

  test('is remembered for those who are limited, however many others write', () => {
    const { chat, enter } = open('broadcast', { slowMode: 60_000 });
    const first = enter('first', 'viewer');
    chat.send(first, { text: 'x' });
    for (let index = 0; index < 600; index += 1) {
      vi.advanceTimersByTime(50);
      chat.send(enter(`v${index}`, 'viewer'), { text: 'x' });
    }
    expect(() => chat.send(first, { text: 'x' })).toThrow(refusal('rateLimited'));
    vi.advanceTimersByTime(60_000);
    expect(chat.send(first, { text: 'x' }).seq).toBe(602);
  });
});
