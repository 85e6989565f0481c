/** Tests of SendFeedback: the age of the RTCP reports on sent media. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SendFeedback } from '../../web/client/sfu/SendFeedback.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

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

test('reports are recent while packets are sent, and age when they stop', async () => {
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

test('reports of a slow transport are requested one at a time', async () => {
  const replies: (() => void)[] = [];
  const feedback = new SendFeedback(
    () => new Promise((resolve) => replies.push(() => resolve({ sent: 0, received: 0, bytesReceived: 0 }))),
  );
  feedback.poll();
  feedback.poll();
  expect(replies).toHaveLength(1);
  replies[0]?.();
  await vi.advanceTimersByTimeAsync(0);
  feedback.poll();
  expect(replies).toHaveLength(2);
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
