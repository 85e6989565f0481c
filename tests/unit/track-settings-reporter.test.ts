/** Tests of TrackSettingsReporter: which changes of visible sizes are sent to the server, and when. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WeirError } from '../../shared/errors.ts';
import type { TrackSettings } from '../../shared/protocol.ts';
import { TrackSettingsReporter } from '../../web/client/sfu/TrackSettingsReporter.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const turn = () => vi.advanceTimersByTimeAsync(0);

/** A reporter with all that it sends; `reply` is the server's reply to each request. */
function setUp(reply: () => Promise<unknown> = async () => ({})) {
  const requests: TrackSettings[][] = [];
  const signalling = { held: false };
  const reporter = new TrackSettingsReporter({
    send: (request) => {
      requests.push(request);
      return reply();
    },
    held: () => signalling.held,
  });
  return { reporter, requests, signalling };
}

test('the first changes are sent together at the end of the turn; the next ones 250 ms later, as they are then', async () => {
  const { reporter, requests } = setUp();
  reporter.set('ann', 'camera', { width: 640, height: 360 });
  reporter.set('bob', 'camera', { width: 320, height: 176, priority: 'high' });
  expect(requests).toEqual([]);
  await turn();
  expect(requests).toEqual([
    [
      { peerId: 'ann', source: 'camera', width: 640, height: 368 },
      { peerId: 'bob', source: 'camera', width: 320, height: 176, priority: 'high' },
    ],
  ]);
  reporter.set('ann', 'camera', { width: 960, height: 540 });
  await vi.advanceTimersByTimeAsync(100);
  reporter.set('ann', 'camera', { width: 1280, height: 720 });
  await vi.advanceTimersByTimeAsync(149);
  expect(requests.length).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(requests.slice(1)).toEqual([[{ peerId: 'ann', source: 'camera', width: 1280, height: 720 }]]);
});

test('small or reverted changes are not sent; becoming hidden always is', async () => {
  const { reporter, requests } = setUp();
  reporter.set('ann', 'camera', { width: 641, height: 361 });
  await turn();
  reporter.set('ann', 'camera', { width: 650, height: 365 });
  await vi.advanceTimersByTimeAsync(1000);
  reporter.set('ann', 'camera', undefined);
  reporter.set('ann', 'camera', { width: 656, height: 368, priority: 'normal' });
  await vi.advanceTimersByTimeAsync(1000);
  expect(requests.length).toBe(1);
  expect(reporter.isVisible('ann', 'camera')).toBe(true);
  reporter.set('ann', 'camera', { width: 3, height: 0 });
  await vi.advanceTimersByTimeAsync(1000);
  expect(requests.slice(1)).toEqual([[{ peerId: 'ann', source: 'camera', width: 0, height: 0 }]]);
  expect(reporter.isVisible('ann', 'camera')).toBe(false);
  expect(reporter.isVisible('bob', 'camera')).toBe(true);
});

test('hiding one track waits a moment for another to become visible', async () => {
  const { reporter, requests } = setUp();
  reporter.set('ann', 'camera', undefined);
  await vi.advanceTimersByTimeAsync(20);
  expect(requests).toEqual([]);
  reporter.set('bob', 'camera', { width: 640, height: 368 });
  await turn();
  expect(requests.map((request) => request.map(({ peerId }) => peerId))).toEqual([['ann', 'bob']]);
  await vi.advanceTimersByTimeAsync(300);
  reporter.set('bob', 'camera', undefined);
  await vi.advanceTimersByTimeAsync(50);
  expect(requests.length).toBe(2);
});

test('continuous changes are sent every 250 ms, also while sizes shrink', async () => {
  const { reporter, requests } = setUp();
  for (let at = 0; at < 2000; at += 20) {
    reporter.set('ann', 'camera', { width: 1600 - at / 2, height: 900 });
    await vi.advanceTimersByTimeAsync(20);
  }
  expect(requests.length).toBeGreaterThanOrEqual(7);
  expect(requests.length).toBeLessThanOrEqual(9);
});

test('a change that was reverted before it was sent does not delay others', async () => {
  const { reporter, requests } = setUp();
  reporter.set('ann', 'camera', { width: 640, height: 368 });
  await vi.advanceTimersByTimeAsync(1000);
  reporter.set('ann', 'camera', undefined);
  reporter.set('ann', 'camera', { width: 640, height: 368 });
  await vi.advanceTimersByTimeAsync(60);
  reporter.set('ann', 'camera', { width: 1280, height: 720 });
  await turn();
  expect(requests.length).toBe(2);
});

test('after close nothing is sent', async () => {
  const { reporter, requests } = setUp();
  reporter.set('ann', 'camera', { width: 640, height: 368 });
  reporter.close();
  reporter.set('bob', 'camera', { width: 640, height: 368 });
  await vi.advanceTimersByTimeAsync(1000);
  expect(requests).toEqual([]);
});

test('more than 256 are split; peers that have left are not named', async () => {
  const { reporter, requests } = setUp();
  for (let peer = 0; peer < 300; peer += 1) reporter.set(`p${peer}`, 'camera', { width: 160, height: 96 });
  reporter.set('p7', 'screen', { width: 160, height: 96 });
  reporter.removePeer('p7');
  await turn();
  expect(requests.map(({ length }) => length)).toEqual([256, 43]);
  expect(requests.flat().some(({ peerId }) => peerId === 'p7')).toBe(false);
});

test('rejected settings are sent again: automatically if the rejection is temporary, otherwise with the next change', async () => {
  let refusal: WeirError | undefined = new WeirError('rateLimited');
  const { reporter, requests } = setUp(() => (refusal ? Promise.reject(refusal) : Promise.resolve({})));
  reporter.set('ann', 'camera', { width: 160, height: 96 });
  await turn();
  refusal = new WeirError('badRequest');
  await vi.advanceTimersByTimeAsync(1000);
  expect(requests.length).toBe(2);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(requests.length).toBe(2);
  refusal = undefined;
  reporter.set('bob', 'camera', { width: 160, height: 96 });
  await turn();
  expect(requests.at(-1)?.map(({ peerId }) => peerId)).toEqual(['ann', 'bob']);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(requests.length).toBe(3);
});

test('while disconnected nothing is sent, and afterwards the current settings are', async () => {
  const { reporter, requests, signalling } = setUp();
  signalling.held = true;
  reporter.set('ann', 'camera', { width: 160, height: 96 });
  await vi.advanceTimersByTimeAsync(5000);
  reporter.set('ann', 'camera', { width: 320, height: 176 });
  expect(requests).toEqual([]);
  signalling.held = false;
  reporter.resume();
  await turn();
  expect(requests).toEqual([[{ peerId: 'ann', source: 'camera', width: 320, height: 176 }]]);
});
