/** The order guarantees of a room's event stream, with listeners that interfere with one another. */
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { RoomEvents } from '../../server/room/RoomEvents.ts';

const silent = pino({ level: 'silent' });

test('listeners get the events that they have handlers for, and a listener for any event gets all', () => {
  const events = new RoomEvents(silent);
  const [draining, all] = [vi.fn(), vi.fn()];
  events.on({ draining });
  events.onAny(all);
  events.emit('draining', { seconds: 1 });
  events.emit('liveChanged', { live: true });
  expect(draining.mock.calls).toEqual([[{ seconds: 1 }]]);
  expect(all.mock.calls).toEqual([
    ['draining', { seconds: 1 }],
    ['liveChanged', { live: true }],
  ]);
});

test('an event that a listener causes comes after the current one for all listeners, whichever was added first', () => {
  const run = (causeFirst: boolean) => {
    const events = new RoomEvents(silent);
    const seen: string[] = [];
    const cause = () =>
      events.on({
        liveChanged: () => {
          events.emit('draining', { seconds: 1 });
          events.emit('draining', { seconds: 2 });
          seen.push('caused');
        },
      });
    const observe = () =>
      events.on({
        liveChanged: () => seen.push('live'),
        draining: ({ seconds }) => seen.push(`draining ${seconds}`),
      });
    for (const add of causeFirst ? [cause, observe] : [observe, cause]) add();
    events.emit('liveChanged', { live: true });
    seen.push('returned');
    return seen;
  };
  expect(run(true)).toEqual(['caused', 'live', 'draining 1', 'draining 2', 'returned']);
  expect(run(false)).toEqual(['live', 'caused', 'draining 1', 'draining 2', 'returned']);
});

test('a listener that is added during an event gets the next one, and one that is removed gets none any more', () => {
  const events = new RoomEvents(silent);
  const [added, removed] = [vi.fn(), vi.fn()];
  events.on({
    draining: ({ seconds }) => {
      if (seconds > 1) return;
      events.on({ draining: added });
      remove();
    },
  });
  const remove = events.on({ draining: removed });
  events.emit('draining', { seconds: 1 });
  events.emit('draining', { seconds: 2 });
  expect(added.mock.calls).toEqual([[{ seconds: 2 }]]);
  expect(removed).not.toHaveBeenCalled();
});

test('a listener that throws is logged, and neither the others nor the one who emits notice', () => {
  const lines: string[] = [];
  const events = new RoomEvents(pino({ level: 'error' }, { write: (line: string) => void lines.push(line) }));
  const other = vi.fn();
  events.on({
    draining: () => {
      throw new Error('out of order');
    },
  });
  events.on({ draining: other });
  events.emit('draining', { seconds: 1 });
  events.emit('draining', { seconds: 2 });
  expect(other).toHaveBeenCalledTimes(2);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { event: 'draining', msg: 'room event listener failed', err: { message: 'out of order' } },
    { event: 'draining' },
  ]);
});
