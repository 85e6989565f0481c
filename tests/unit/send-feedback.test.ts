/** Tests of SendFeedback: for how long sent media has had no RTCP report. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SendFeedback } from '../../web/client/sfu/SendFeedback.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A transport that sends `packets` each 100 ms. */
function sender(packets: number) {
  const state = { sent: 0, received: 0, bytesReceived: 0, packets, reports: true };
  setInterval(() => {
    state.sent += state.packets;
    if (state.reports && state.packets > 0) state.bytesReceived += 60;
  }, 100);
  const feedback = new SendFeedback(async () => ({ ...state }));
  let age: number | undefined;
  setInterval(() => {
    age = feedback.poll();
  }, 300);
  return { state, age: () => age };
}

test.each([
  ['audio and video', 30],
  ['a microphone during silence', 0.25],
])('reports on %s are recent, are missed when they stop, and are recent when they come back', async (_, packets) => {
  const { state, age } = sender(packets);
  await vi.advanceTimersByTimeAsync(2000);
  expect(age()).toBe(0);
  state.reports = false;
  await vi.advanceTimersByTimeAsync(1500);
  expect(age()).toBeGreaterThan(600);
  state.reports = true;
  await vi.advanceTimersByTimeAsync(900);
  expect(age()).toBe(0);
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

test('are not expected while nothing is sent, and are missed as soon as something is', async () => {
  const { state, age } = sender(3);
  await vi.advanceTimersByTimeAsync(2000);
  state.packets = 0;
  await vi.advanceTimersByTimeAsync(3000);
  expect(age()).toBe(0);
  Object.assign(state, { packets: 1, reports: false });
  await vi.advanceTimersByTimeAsync(1500);
  expect(age()).toBeGreaterThan(600);
});

test('are not expected of a transport on which none has arrived yet, nor of the next transport', async () => {
  const { state, age } = sender(3);
  state.reports = false;
  await vi.advanceTimersByTimeAsync(2000);
  expect(age()).toBeUndefined();
  state.reports = true;
  await vi.advanceTimersByTimeAsync(900);
  expect(age()).toBe(0);
  Object.assign(state, { sent: 0, bytesReceived: 0, reports: false });
  await vi.advanceTimersByTimeAsync(3000);
  expect(age()).toBeUndefined();
});

test('that were missing before a pause do not count as missing since then', async () => {
  const state = { sent: 0, received: 0, bytesReceived: 0 };
  const feedback = new SendFeedback(async () => ({ ...state }));
  const poll = async (sent: number, bytes: number) => {
    state.sent += sent;
    state.bytesReceived += bytes;
    const age = feedback.poll();
    await vi.advanceTimersByTimeAsync(300);
    return age;
  };
  await poll(10, 60);
  await poll(10, 60);
  // The report on these has not arrived yet.
  expect(await poll(2, 0)).toBe(0);
  feedback.pause();
  await vi.advanceTimersByTimeAsync(60_000);
  state.sent += 600;
  expect(await poll(10, 0)).toBe(0);
  expect(await poll(10, 60)).toBe(0);
  await poll(10, 0);
  expect(await poll(10, 0)).toBe(300);
});
