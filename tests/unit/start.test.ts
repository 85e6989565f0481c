/** Tests of the start page: suggested names, parsing of destinations, recent rooms. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { destinationOf } from '../../web/view/start/destination.ts';
import { recentRooms } from '../../web/view/start/recentRooms.ts';
import { adjectives, nouns, SUGGESTION_BITS, suggestRoom } from '../../web/view/start/suggestRoom.ts';

describe('suggested names', () => {
  test('are pronounceable, unique and not guessable', () => {
    const names = Array.from({ length: 1000 }, suggestRoom);
    for (const name of names) expect(name).toMatch(/^[a-z]{2,9}-[a-z]{2,9}-\d{4}-\d{4}$/);
    expect(new Set(names).size).toBe(names.length);
    expect(SUGGESTION_BITS).toBeGreaterThan(40);
  });

  test('consist of different words', () => {
    for (const words of [adjectives, nouns]) {
      expect(new Set(words).size).toBe(words.length);
      expect(words.length).toBe(128);
    }
  });
});

describe('a destination', () => {
  const host = 'weir.example';
  const path = (typed: string, kind: 'call' | 'broadcast' = 'call') => destinationOf(typed, kind, host);
  const ending = (end: string) => ({ path: expect.stringMatching(new RegExp(`${end}$`)) });

  test.each([
    [' Coffee ', '/r/coffee'],
    ['https://weir.example/b/hall?role=host#token=abc', '/b/hall\\?role=host#token=abc'],
    ['weir.example/r/coffee', '/r/coffee'],
  ])('"%s" is recognised', (typed, end) => {
    expect(path(typed)).toEqual(ending(end));
  });

  test('by name has the selected kind', () => {
    expect(path('hall', 'broadcast')).toEqual(ending('/b/hall'));
  });

  test.each([
    ['', 'roomMissing'],
    ['a/b', 'roomInvalid'],
    ['..', 'roomInvalid'],
    ['https://weir.example/about', 'linkInvalid'],
    ['https://other.example/r/a', 'linkElsewhere'],
    ['other.example/r/a', 'linkElsewhere'],
    ['javascript:alert(1)//r/a', 'roomInvalid'],
  ])('"%s" is rejected: %s', (typed, problem) => {
    expect(path(typed)).toMatchObject({ problem });
  });
});

describe('recent rooms', () => {
  const stored = new Map<string, string>();
  beforeEach(() => {
    Object.defineProperty(globalThis, 'localStorage', {
      configurable: true,
      value: {
        getItem: (key: string) => stored.get(key) ?? null,
        setItem: (key: string, value: string) => stored.set(key, value),
      },
    });
  });
  afterEach(() => {
    stored.clear();
    Reflect.deleteProperty(globalThis, 'localStorage');
  });

  test('are the latest eight, without duplicates, latest first', () => {
    for (let index = 0; index < 10; index += 1) recentRooms.add({ kind: 'call', room: `room ${index}` });
    recentRooms.add({ kind: 'call', room: 'room 5' });
    recentRooms.add({ kind: 'broadcast', room: 'room 5', role: 'host' });
    expect(recentRooms.get().map(({ room }) => room)).toEqual([5, 5, 9, 8, 7, 6, 4, 3].map((index) => `room ${index}`));
    recentRooms.remove({ kind: 'broadcast', room: 'room 5' });
    expect(recentRooms.get()[0]).toEqual({ kind: 'call', room: 'room 5' });
    recentRooms.clear();
    expect(recentRooms.get()).toEqual([]);
  });

  test('may have a name of one letter, and no empty name', () => {
    recentRooms.add({ kind: 'call', room: 'a' });
    expect(recentRooms.get()).toEqual([{ kind: 'call', room: 'a' }]);
    stored.set('weir.rooms', '[{"kind":"call","room":""}]');
    expect(recentRooms.get()).toEqual([]);
  });

  test.each(['nonsense', '{"a":1}', '[{"kind":"call"},{"kind":"call","room":"kept"},7]'])(
    'in a storage that holds %s are those that can be parsed',
    (text) => {
      stored.set('weir.rooms', text);
      expect(recentRooms.get()).toEqual(text.includes('kept') ? [{ kind: 'call', room: 'kept' }] : []);
    },
  );
});
