/** Tests of the chat's parts that need no page: addresses in texts, and the window over many messages. */
import { describe, expect, test } from 'vitest';
import { hiddenHost, withoutPunctuation } from '../../web/view/chat/links.ts';
import { MessageWindow } from '../../web/view/chat/MessageWindow.ts';

describe('an address', () => {
  test.each([
    ['https://example.com/.', 'https://example.com/'],
    ['https://example.com/a,', 'https://example.com/a'],
    ['https://example.com/?!…', 'https://example.com/'],
    ['https://example.com/a)', 'https://example.com/a'],
    ['https://example.com/a_(b)', 'https://example.com/a_(b)'],
    ['https://example.com/a_(b)).', 'https://example.com/a_(b)'],
    ['https://example.com/[1]', 'https://example.com/[1]'],
    ['https://example.com/a」。', 'https://example.com/a'],
    ['https://example.com/a"', 'https://example.com/a'],
    ['https://example.com/a/', 'https://example.com/a/'],
    ['https://example.com/a-', 'https://example.com/a-'],
  ])('%s ends where its sentence ends', (found, written) => {
    expect(withoutPunctuation(found)).toBe(written);
  });

  test.each([
    ['https://example.com/', undefined],
    ['HTTPS://EXAMPLE.COM/x', undefined],
    ['http://127.0.0.1:3000/', undefined],
    ['http://[::1]:3000/', undefined],
    ['mailto:ada@example.com', undefined],
    ['https://пример.com/', undefined],
    ['https://한국.kr/', undefined],
    ['https://日本語.jp/', undefined],
    ['https://münchen.de/', undefined],
    // A Cyrillic а among Latin letters, and a host of Cyrillic letters that look like Latin ones.
    ['https://аpple.com/', 'xn--pple-43d.com'],
    ['https://сосо.com/', 'xn--n1aahb.com'],
    ['https://%65xample.com/', 'example.com'],
    ['http://2130706433/', '127.0.0.1'],
  ])('%s shows where it leads if it hides that', (written, host) => {
    expect(hiddenHost(written, new URL(written))).toBe(host);
  });
});

describe('a window over many messages', () => {
  const many = (count: number, from = 0) => Array.from({ length: count }, (_, index) => ({ id: `${from + index}` }));
  const edges = (window: MessageWindow<{ id: string }>) => [window.shown[0]?.id, window.shown.at(-1)?.id];

  test('follows the end, and shows no more than a hundred there', () => {
    const window = new MessageWindow<{ id: string }>();
    window.update(many(3));
    expect(edges(window)).toEqual(['0', '2']);
    window.update(many(1000));
    expect(edges(window)).toEqual(['900', '999']);
    expect(window.later).toBe(0);
  });

  test('stays where one reads while others come, and goes on from there', () => {
    const window = new MessageWindow<{ id: string }>();
    window.update(many(1000));
    expect(window.showEarlier()).toBe(true);
    expect(edges(window)).toEqual(['840', '999']);
    window.update(many(1010));
    expect(edges(window)).toEqual(['840', '999']);
    expect([window.following, window.later]).toEqual([false, 10]);
    while (window.showEarlier());
    expect(edges(window)).toEqual(['0', '239']);
    expect(window.hasEarlier).toBe(false);
    while (window.showLater());
    expect(edges(window)).toEqual(['770', '1009']);
    window.follow();
    expect(edges(window)).toEqual(['910', '1009']);
  });

  test('keeps its place when the oldest are dropped, and takes the nearest when its own are', () => {
    const window = new MessageWindow<{ id: string }>();
    window.update(many(500));
    window.showEarlier();
    window.update(many(500, 100));
    expect(edges(window)).toEqual(['340', '499']);
    window.update(many(500, 400));
    expect(edges(window)).toEqual(['400', '499']);
    window.update(many(500, 5000));
    expect(edges(window)).toEqual(['5000', '5099']);
    window.update([]);
    expect(window.shown).toEqual([]);
  });
});
