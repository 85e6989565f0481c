/** Tests of the end of a viewer in a room in which nothing is published that it receives. */
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { endWhenIdle } from '../../server/gateways/playback/endWhenIdle.ts';
import type { Publication } from '../../server/room/Publication.ts';
import { RoomEvents } from '../../server/room/RoomEvents.ts';

const publication: Publication = Object.create({});
const minutes = (count: number) => vi.advanceTimersByTime(count * 60_000);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function playing(receives = () => true) {
  const events = new RoomEvents(pino({ level: 'silent' }));
  const room = { publications: [publication], events };
  const closed = vi.fn();
  let onEnd = () => {};
  endWhenIdle(room, { receives, close: closed, onEnd: (listener) => (onEnd = listener) });
  const setPublished = (published: boolean) => {
    room.publications = published ? [publication] : [];
    events.emit(published ? 'published' : 'unpublished', { publication });
  };
  return { closed, setPublished, end: () => onEnd() };
}

test('a player waits five minutes for the next publisher, each time anew', () => {
  const { closed, setPublished } = playing();
  minutes(60);
  setPublished(false);
  minutes(4);
  setPublished(true);
  minutes(60);
  setPublished(false);
  minutes(4);
  expect(closed).not.toHaveBeenCalled();
  minutes(1);
  expect(closed).toHaveBeenCalledExactlyOnceWith('left');
});

test('what it does not receive is nothing to wait for', () => {
  const { closed, setPublished } = playing(() => false);
  minutes(3);
  setPublished(false);
  setPublished(true);
  expect(closed).not.toHaveBeenCalled();
  minutes(2);
  expect(closed).toHaveBeenCalledExactlyOnceWith('left');
});

test('nothing is left of one that has ended', () => {
  const { closed, setPublished, end } = playing();
  setPublished(false);
  end();
  setPublished(false);
  expect(vi.getTimerCount()).toBe(0);
  minutes(10);
  expect(closed).not.toHaveBeenCalled();
});
