/** Tests of the detection of lost media: one end sends and the other receives nothing, whatever other streams do. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MediaPath } from '../../web/client/sfu/MediaPath.ts';
import { SendFeedback } from '../../web/client/sfu/SendFeedback.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A link between two ends that send at these rates (each 10 ms), with the share that arrives, 0 to 1. */
class Link {
  readonly local = { sent: 0, received: 0 };
  readonly remote = { sent: 0, received: 0 };
  readonly rates = { up: 1, down: 1000 };
  readonly through = { up: 1, down: 1 };
  readonly changes: boolean[] = [];
  /** Requests to the server. */
  asked = 0;
  cut = false;
  readonly path = new MediaPath({
    local: async () => ({ ...this.local }),
    remote: async () => {
      this.asked += 1;
      if (this.cut) throw new Error('cut');
      return { ...this.remote };
    },
    onChange: () => this.changes.push(this.path.lost),
  });

  constructor() {
    setInterval(() => {
      const { rates, through, local, remote } = this;
      local.sent += rates.up;
      remote.received += rates.up * through.up;
      remote.sent += rates.down;
      local.received += rates.down * through.down;
    }, 10);
  }
}

describe('media path', () => {
  test.each([
    ['both ways', { up: 0, down: 0 }],
    ['what we send', { up: 0, down: 1 }],
    ['what we receive', { up: 1, down: 0 }],
  ])('%s lost: detected after 300 ms, and so is the recovery', async (_, through) => {
    const link = new Link();
    Object.assign(link.through, through);
    void link.path.check();
    await vi.advanceTimersByTimeAsync(350);
    expect(link.path.lost).toBe(true);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(link.path.lost).toBe(true);
    Object.assign(link.through, { up: 1, down: 1 });
    await vi.advanceTimersByTimeAsync(650);
    expect(link.changes).toEqual([true, false]);
    // No further requests.
    const { asked } = link;
    await vi.advanceTimersByTimeAsync(5000);
    expect(link.asked).toBe(asked);
  });

  test('a link that loses nine packets of ten is not lost', async () => {
    const link = new Link();
    Object.assign(link.through, { up: 0.1, down: 0.1 });
    void link.path.check();
    await vi.advanceTimersByTimeAsync(3000);
    expect(link.changes).toEqual([]);
  });

  test('runs one check at a time, however many hints of a loss there are', async () => {
    const link = new Link();
    for (let sign = 0; sign < 10; sign += 1) void link.path.check();
    await vi.advanceTimersByTimeAsync(0);
    expect(link.asked).toBe(1);
  });

  test('a remote end that sends nothing is not a loss of ours', async () => {
    const link = new Link();
    Object.assign(link.rates, { up: 0, down: 0 });
    void link.path.check();
    await vi.advanceTimersByTimeAsync(3000);
    expect(link.changes).toEqual([]);
    const { asked } = link;
    await vi.advanceTimersByTimeAsync(3000);
    expect(link.asked).toBe(asked);
  });

  test('a loss that can no longer be observed is no longer reported', async () => {
    const link = new Link();
    link.through.down = 0;
    void link.path.check();
    await vi.advanceTimersByTimeAsync(350);
    expect(link.path.lost).toBe(true);
    link.rates.down = 0;
    await vi.advanceTimersByTimeAsync(2000);
    expect(link.path.lost).toBe(true);
    await vi.advanceTimersByTimeAsync(2000);
    expect(link.changes).toEqual([true, false]);
  });

  test('without signalling the state is unknown, and a later check starts anew', async () => {
    const link = new Link();
    link.through.down = 0;
    link.cut = true;
    await link.path.check();
    expect(link.changes).toEqual([]);
    link.cut = false;
    void link.path.check();
    void link.path.check();
    await vi.advanceTimersByTimeAsync(350);
    expect(link.changes).toEqual([true]);
    link.cut = true;
    await vi.advanceTimersByTimeAsync(350);
    expect(link.changes).toEqual([true, false]);
    link.path.close();
  });
});

describe('reports of sent packets', () => {
  /** A transport that sends `packets` each 100 ms. */
  function sender(packets: number) {
    const state = { sent: 0, received: 0, bytesReceived: 0, packets, reports: true };
    setInterval(() => {
      state.sent += state.packets;
      if (state.reports) state.bytesReceived += 60;
    }, 100);
    const feedback = new SendFeedback(async () => ({ ...state }));
    let age: number | undefined;
    setInterval(() => {
      age = feedback.poll();
    }, 300);
    return { state, age: () => age };
  }

  test('are recent while packets are sent, and age when they stop', async () => {
    const { state, age } = sender(3);
    await vi.advanceTimersByTimeAsync(2000);
    expect(age()).toBeLessThanOrEqual(300);
    state.reports = false;
    await vi.advanceTimersByTimeAsync(1500);
    expect(age()).toBeGreaterThan(600);
    state.reports = true;
    await vi.advanceTimersByTimeAsync(900);
    expect(age()).toBeLessThanOrEqual(300);
  });

  test('of a slow transport are requested one at a time', async () => {
    const answers: (() => void)[] = [];
    const feedback = new SendFeedback(
      () => new Promise((resolve) => answers.push(() => resolve({ sent: 0, received: 0, bytesReceived: 0 }))),
    );
    feedback.poll();
    feedback.poll();
    expect(answers).toHaveLength(1);
    answers[0]?.();
    await vi.advanceTimersByTimeAsync(0);
    feedback.poll();
    expect(answers).toHaveLength(2);
  });

  test.each([
    ['what sends nothing any more', 0],
    ['a voice that pauses', 1],
  ])('are not expected of %s', async (_, packets) => {
    const { state, age } = sender(3);
    await vi.advanceTimersByTimeAsync(2000);
    expect(age()).toBeLessThanOrEqual(300);
    Object.assign(state, { packets, reports: false });
    await vi.advanceTimersByTimeAsync(3000);
    expect(age()).toBeUndefined();
  });
});
