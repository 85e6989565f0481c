/** Tests of the server's part of the chat: the messages, and who may write, see and change what. */
import { describe, expect, test } from 'vitest';
import { ChatText, chatText } from '../../shared/protocol.ts';
import { validationSentence } from '../../shared/validation.ts';
import { openChat, refusal } from '../support/chatRoom.ts';

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
    const { chat, enter } = openChat();
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
    const { chat, enter, leave } = openChat();
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
    const { chat, enter } = openChat();
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
    const { chat, enter, leave, textsFor } = openChat();
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
    const { chat, enter, leave } = openChat();
    const [ada, bob] = [enter('ada'), enter('bob')];
    expect(() => chat.send(ada, { text: 'x', to: 'ada' })).toThrow(refusal('badRequest'));
    expect(() => chat.send(ada, { text: 'x', to: 'nobody' })).toThrow(refusal('notFound'));
    leave(bob);
    expect(() => chat.send(ada, { text: 'x', to: 'bob' })).toThrow(refusal('notFound'));
  });

  test('of a viewer reaches the stage, not another viewer; the stage reaches viewers', () => {
    const { chat, enter } = openChat('broadcast');
    const [host, one, two] = [enter('host', 'host'), enter('one', 'viewer'), enter('two', 'viewer')];
    expect(() => chat.send(one, { text: 'x', to: 'two' })).toThrow(refusal('notFound'));
    chat.send(one, { text: 'question', to: 'host' });
    chat.send(host, { text: 'answer', to: 'one' });
    expect(host.received.map(({ text }) => text)).toEqual(['question']);
    expect(one.received.map(({ text }) => text)).toEqual(['answer']);
    expect(two.received).toEqual([]);
  });
});

describe('who may write', () => {
  test('in a call: whoever has canPublishData, and is told when that changes', () => {
    const { chat, enter, setGrants, textsFor } = openChat();
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
    const { chat, enter, setGrants } = openChat('broadcast');
    const viewer = enter('viewer', 'viewer');
    setGrants(viewer, { canPublishData: false });
    expect(chat.infoFor(viewer)).toMatchObject({ enabled: true, slowSeconds: 5 });
    setGrants(viewer, { canPublish: true, canPublishData: true });
    expect(viewer.states).toEqual([{ enabled: true, slowSeconds: 0 }]);
    const silent = openChat('broadcast', { viewersMayWrite: false });
    const [mute, host] = [silent.enter('mute', 'viewer'), silent.enter('host', 'host')];
    expect(silent.chat.infoFor(mute).enabled).toBe(false);
    expect(() => silent.chat.send(mute, { text: 'x' })).toThrow(refusal('forbidden'));
    expect(silent.chat.send(host, { text: 'x' }).seq).toBe(1);
  });

  test('nobody in a diagnosis', () => {
    const { chat, enter } = openChat('diagnosis');
    expect(() => chat.send(enter('ada'), { text: 'x' })).toThrow(refusal('forbidden'));
  });
});
