/** The audio of a player of WHEP: one consumer, whatever its media worker could not do at first. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PlayedAudio } from '../../server/gateways/playback/PlayedAudio.ts';
import { FakeOpener, FakeSlots } from '../support/FakeWorker.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp() {
  const opener = new FakeOpener();
  const audio = new PlayedAudio({ opener, slots: new FakeSlots('room', 1) });
  return { opener, worker: opener.worker, audio };
}

test('is opened once, and paused while nothing is to be heard', async () => {
  const { opener, worker, audio } = setUp();
  audio.setAudible(true);
  audio.setAudible(true);
  expect(await worker.answerAll()).toEqual(['slots of room', 'open room 0', 'resume room 0#1']);
  audio.setAudible(true);
  expect(worker.pending).toEqual([]);
  audio.setAudible(false);
  await worker.answerAll();
  expect(opener.consumer('room 0#1').paused).toBe(true);
  audio.close();
  expect(opener.openConsumers).toEqual([]);
});

test('is tried again with the next track after all retries have failed, and not while one is due', async () => {
  const { opener, worker, audio } = setUp();
  audio.setAudible(true);
  for (const delay of [250, 500, 1000, 2000, 4000, 8000]) {
    await worker.fail('slots of room');
    // Another track: a retry is due, or this was the last one.
    if (delay <= 4000) audio.setAudible(true);
    expect(worker.pending).toEqual([]);
    await vi.advanceTimersByTimeAsync(delay);
  }
  expect(worker.pending).toEqual([]);
  audio.setAudible(true);
  await worker.answerAll();
  expect(opener.consumer('room 0#1').paused).toBe(false);
  audio.close();
});
