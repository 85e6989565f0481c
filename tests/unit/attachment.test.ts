/** Covers which connection is attached to a session, and when a peer without one counts as away, or its session expires. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type AttachableConnection, Attachment } from '../../server/signalling/Attachment.ts';
import type { CloseReason } from '../../shared/closeReasons.ts';
import { fakeOwnTimers } from '../support/fakeOwnTimers.ts';

const WINDOW = 30_000;

fakeOwnTimers();
afterEach(() => expect(vi.getTimerCount()).toBe(0));

class FakeConnection implements AttachableConnection {
  readonly address: string;
  readonly goingAway: boolean;
  closed: CloseReason | undefined;

  constructor({ address = '203.0.113.1', goingAway = false } = {}) {
    this.address = address;
    this.goingAway = goingAway;
  }

  close(reason: CloseReason): void {
    this.closed ??= reason;
  }
}

/** An attachment, its events in order, and how many reservations it has. */
function setUp({ window = WINDOW, places = 1 } = {}) {
  const state = { events: [] as string[], reserved: 0 };
  const attachment = new Attachment<FakeConnection>({
    window,
    reserve: () => {
      if (state.reserved >= places) return undefined;
      state.reserved += 1;
      return {
        [Symbol.dispose]: () => {
          state.reserved -= 1;
        },
      };
    },
  });
  attachment.events.on('away', (away) => state.events.push(away ? 'away' : 'back'));
  attachment.events.on('expired', (reason) => {
    state.events.push(`expired: ${reason}`);
    attachment.close(reason);
  });
  return { attachment, state };
}

describe('a session without a connection', () => {
  test('is away after four seconds, and expires at the end of the window', () => {
    const { attachment, state } = setUp();
    attachment.attach(new FakeConnection());
    expect(attachment.detach('disconnected', true)).toBeUndefined();
    expect([attachment.connection, state.reserved]).toEqual([undefined, 1]);
    vi.advanceTimersByTime(3999);
    expect(state.events).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(state.events).toEqual(['away']);
    vi.advanceTimersByTime(WINDOW - 4001);
    expect(state.events).toEqual(['away']);
    vi.advanceTimersByTime(1);
    expect(state).toEqual({ events: ['away', 'expired: disconnected'], reserved: 0 });
  });

  test('is away at once after a heartbeat timeout', () => {
    const { attachment, state } = setUp();
    attachment.attach(new FakeConnection());
    attachment.detach('unresponsive', true);
    vi.advanceTimersByTime(0);
    expect(state.events).toEqual(['away']);
    attachment.close('left');
  });

  test('that is resumed before is neither, however often it happens', () => {
    const { attachment, state } = setUp();
    for (let round = 0; round < 5; round += 1) {
      attachment.attach(new FakeConnection());
      attachment.detach('disconnected', true);
      vi.advanceTimersByTime(3999);
    }
    const last = new FakeConnection({ address: '203.0.113.2' });
    attachment.attach(last);
    vi.advanceTimersByTime(2 * WINDOW);
    expect(state).toEqual({ events: [], reserved: 0 });
    expect([attachment.connection, attachment.lastAddress]).toEqual([last, '203.0.113.2']);
  });

  test('that is resumed while it is away is back', () => {
    const { attachment, state } = setUp();
    attachment.attach(new FakeConnection());
    attachment.detach('abandoned', true);
    vi.advanceTimersByTime(5000);
    attachment.attach(new FakeConnection());
    vi.advanceTimersByTime(2 * WINDOW);
    expect(state.events).toEqual(['away', 'back']);
  });

  test.each([
    [30_000, 3000],
    [4000, 1000],
  ])('whose client was going away expires earlier: of a window of %i ms, after %i', (window, expected) => {
    const { attachment, state } = setUp({ window });
    attachment.attach(new FakeConnection({ goingAway: true }));
    attachment.detach('disconnected', true);
    vi.advanceTimersByTime(expected - 1);
    expect(state.events).toEqual([]);
    vi.advanceTimersByTime(1);
    // A page that is gone has left on purpose.
    expect(state.events).toEqual(['expired: left']);
  });
});

describe('a session ends with its connection', () => {
  test.each(['left', 'kicked', 'protocolError', 'rateLimited', 'serverClosing', 'mediaFailed'] as const)(
    'that closes with %s',
    (reason) => {
      const { attachment, state } = setUp();
      attachment.attach(new FakeConnection());
      expect(attachment.detach(reason, true)).toBe(reason);
      expect(state.reserved).toBe(0);
    },
  );

  test('whose client cannot resume it, as it has not confirmed that it has the key', () => {
    const { attachment } = setUp();
    attachment.attach(new FakeConnection());
    expect(attachment.detach('disconnected', false)).toBe('disconnected');
  });

  test('where the window is 0', () => {
    const { attachment } = setUp({ window: 0 });
    attachment.attach(new FakeConnection());
    expect(attachment.detach('disconnected', true)).toBe('disconnected');
  });

  test('where too many sessions of that address have none', () => {
    const { attachment } = setUp({ places: 0 });
    attachment.attach(new FakeConnection({ goingAway: true }));
    expect(attachment.detach('disconnected', true)).toBe('left');
  });
});

test('a connection that takes over closes the former one, and its end is not the end of the session', () => {
  const { attachment, state } = setUp();
  const [first, second] = [new FakeConnection(), new FakeConnection()];
  attachment.attach(first);
  attachment.attach(second);
  expect([first.closed, second.closed]).toEqual(['resumed', undefined]);
  expect(attachment.connection).toBe(second);
  expect(state.events).toEqual([]);
});

test('closing closes the connection that is attached, and one that is waited for is waited for no longer', () => {
  const attached = setUp();
  const connection = new FakeConnection();
  attached.attachment.attach(connection);
  attached.attachment.close('kicked');
  expect(connection.closed).toBe('kicked');
  const waiting = setUp();
  waiting.attachment.attach(new FakeConnection());
  waiting.attachment.detach('disconnected', true);
  waiting.attachment.close('kicked');
  vi.advanceTimersByTime(2 * WINDOW);
  expect(waiting.state).toEqual({ events: [], reserved: 0 });
});
