/** Tests of how fast one, a viewer, and all viewers together may write in a chat. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openChat, refusal } from '../support/chatRoom.ts';

describe('the rate', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('of one is ten messages and changes in ten seconds, and others are not affected', () => {
    const { chat, enter } = openChat();
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
    const { chat, enter } = openChat('broadcast');
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
    const fast = openChat('broadcast', { slowMode: 0 });
    const quick = fast.enter('quick', 'viewer');
    expect([1, 2, 3].map((text) => fast.chat.send(quick, { text: `${text}` }).seq)).toEqual([1, 2, 3]);
  });

  test('of all viewers together is fifty in a second; the stage is not affected', () => {
    const { chat, enter } = openChat('broadcast');
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
    const { chat, enter } = openChat('broadcast', { slowMode: 60_000 });
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
