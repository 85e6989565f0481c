/** Owns visits: somebody comes to see, and has seen something once a whole frame is there. */
import { setTimeout } from 'node:timers/promises';
import { now } from '../../support/endpoint/clock.ts';
import { Member, type MemberOptions } from '../../support/endpoint/Member.ts';
import type { Track } from '../../support/endpoint/Track.ts';

/** The moments are noted as packets come; how soon we look does not change them. Milliseconds. */
const LOOK = 20;

export interface Visit {
  readonly member: Member;
  /** Milliseconds until a whole frame, which is a key frame, as the server begins with one. */
  readonly time: number;
}

export interface VisitTimes {
  /** How long there may be nothing to see, in milliseconds. */
  readonly patience: number;
  /** Since when time runs, in milliseconds since 1970; since the socket begins to open unless told. */
  readonly since?: number;
}

/** @throws {Error} when there is nothing to see in time, and why the server does not let them in */
export async function visit(options: MemberOptions, { patience, since }: VisitTimes): Promise<Visit> {
  const { member, ready } = await Member.join(options);
  try {
    await ready;
    const from = since ?? member.moments.began;
    for (;;) {
      const seen = member.media.all.map(({ firstFrameAt }) => firstFrameAt).find((moment) => moment > 0);
      if (seen !== undefined) return { member, time: seen - from };
      if (now() - from > patience) throw new Error('No picture came.');
      await setTimeout(LOOK);
    }
  } catch (error) {
    member.leave();
    throw error;
  }
}

/** How often a key frame was asked for since `asked` was noted, of the layer that was asked most often. */
export function mostAsked(tracks: readonly Pick<Track, 'keyFrameRequests'>[], asked: readonly number[]): number {
  return Math.max(0, ...tracks.map(({ keyFrameRequests }, layer) => keyFrameRequests - (asked[layer] ?? 0)));
}

/** When each of so many is to come within a time, evenly; milliseconds from the first one. */
export function evenly(count: number, within: number): number[] {
  return Array.from({ length: count }, (_, index) => (index * within) / count);
}
