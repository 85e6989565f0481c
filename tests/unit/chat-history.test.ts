/** Tests of what the server keeps of a chat, and how it sends that to those who join. */
import { describe, expect, test } from 'vitest';
import { ChatHistory } from '../../server/room/ChatHistory.ts';
import type { ChatMessageInfo } from '../../shared/protocol.ts';
import { openChat, refusal } from '../support/chatRoom.ts';

describe('the history', () => {
  test('has the latest messages, and says that earlier ones are gone', () => {
    const { chat, enter, textsFor } = openChat('call', { history: 3 });
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
    const { chat, enter, textsFor } = openChat('call', { history: 0 });
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
    const first = openChat('broadcast');
    const host = first.enter('host', 'host');
    const { id } = first.chat.send(host, { text: 'one', nonce: 'n' });
    const second = openChat('broadcast', {}, first.chat.snapshot);
    const again = second.enter('host2', 'host', 'host');
    expect(second.chat.infoFor(again).chatId).toBe(first.chat.infoFor(host).chatId);
    expect(second.chat.send(again, { text: 'one', nonce: 'n' }).id).toBe(id);
    expect(second.chat.send(again, { text: 'two' }).seq).toBe(2);
    expect(openChat().chat.infoFor(host).chatId).not.toBe(first.chat.infoFor(host).chatId);
  });
});
