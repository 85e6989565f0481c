/** Measures joins of headless viewers: a join is complete once a whole frame has arrived. */
import { setTimeout } from 'node:timers/promises';
import { now } from '../../support/endpoint/clock.ts';
import { Member, type MemberOptions } from '../../support/endpoint/Member.ts';
import type { Track } from '../../support/endpoint/Track.ts';

/** Poll interval in milliseconds. Timestamps are taken when packets arrive, so it does not affect them. */
const POLL_INTERVAL = 20;

export interface TimedJoin {
  readonly member: Member;
  /** Milliseconds until the first whole frame, which is a key frame, as the server starts with one. */
  readonly time: number;
}

export interface TimedJoinOptions {
  /** Timeout of the first frame, in milliseconds. */
  readonly timeout: number;
  /** Start of the measurement, in milliseconds since 1970; default: when the socket begins to open. */
  readonly since?: number;
}

/** @throws {Error} when no frame arrives in time, or why the server refuses the join */
export async function timeJoin(options: MemberOptions, { timeout, since }: TimedJoinOptions): Promise<TimedJoin> {
  const { member, ready } = await Member.join(options);
  try {
    await ready;
    const from = since ?? member.moments.began;
    for (;;) {
      const seen = member.media.all.map(({ firstFrameAt }) => firstFrameAt).find((moment) => moment > 0);
      if (seen !== undefined) return { member, time: seen - from };
      if (now() - from > timeout) throw new Error('No picture came.');
      await setTimeout(POLL_INTERVAL);
    }
  } catch (error) {
    member.leave();
    throw error;
  }
}

/** Key-frame requests since `asked` was recorded, of the layer that was requested most often. */
export function mostRequested(
  tracks: readonly Pick<Track, 'keyFrameRequests'>[],
  requestsBefore: readonly number[],
): number {
  return Math.max(0, ...tracks.map(({ keyFrameRequests }, layer) => keyFrameRequests - (requestsBefore[layer] ?? 0)));
}

/** Evenly spaced start times of `count` joins within a time; milliseconds from the first one. */
export function evenly(count: number, within: number): number[] {
  return Array.from({ length: count }, (_, index) => (index * within) / count);
}
