/**
 * Builds the schedule of a load test from the options and the seed, so that a run can be repeated: who joins when, and
 * does what.
 */
import { type Random, randomFrom } from '../support/random.ts';
import type { LoadOptions } from './options.ts';

/** One member of the test. Times are in milliseconds since the test began. */
export interface MemberPlan {
  readonly name: string;
  readonly room: string;
  readonly publishes: boolean;
  readonly sampled: boolean;
  readonly joinAt: number;
  /** Index of the process that it runs in. */
  readonly process: number;
}

/** A scheduled action. Times are in milliseconds since everyone is due to have joined. */
export interface ScheduledEvent {
  readonly at: number;
  readonly member: string;
  readonly what: 'speak' | 'fallSilent' | 'return';
}

export interface Plan {
  readonly members: readonly MemberPlan[];
  readonly scheduledEvents: readonly ScheduledEvent[];
  /** When the last join is due, in milliseconds. */
  readonly joined: number;
}

/** Publishers join first, so that there is something to receive; then subscribers, with the rooms in turn. */
export function createPlan(options: LoadOptions): Plan {
  const random = randomFrom(options.seed);
  const members: MemberPlan[] = [];
  const add = (kind: 'publisher' | 'subscriber', number: number, sampled: boolean) => {
    for (let room = 1; room <= options.rooms; room += 1) {
      const index = members.length;
      members.push({
        name: `${kind}-${room}-${number}`,
        room: options.rooms === 1 ? options.room : `${options.room}-${room}`,
        publishes: kind === 'publisher',
        sampled: sampled && room === 1,
        // Jitter of a join; the order is kept.
        joinAt: options.rate === 0 ? 0 : ((index + random.int(200) / 1000) / options.rate) * 1000,
        process: index % options.processes,
      });
    }
  };
  for (let number = 1; number <= options.publishers; number += 1) {
    // Without pure subscribers, publishers take the samples.
    add('publisher', number, options.subscribers === 0 && number <= options.sample);
  }
  for (let number = 1; number <= options.subscribers; number += 1) add('subscriber', number, number <= options.sample);
  return {
    members,
    scheduledEvents: [...turns(options, members), ...churn(options, members, random)].sort((a, b) => a.at - b.at),
    joined: Math.max(0, ...members.map(({ joinAt }) => joinAt)),
  };
}

/** Speakers take turns: `speakers` of each room at a time, the next ones after each turn. */
function turns({ speakers, turn, duration, audio }: LoadOptions, members: readonly MemberPlan[]): ScheduledEvent[] {
  if (speakers === 0 || !audio) return [];
  const scheduledEvents: ScheduledEvent[] = [];
  for (const room of new Set(members.map((member) => member.room))) {
    const voices = members.filter((member) => member.room === room && member.publishes);
    if (voices.length <= speakers) continue;
    let speaking = new Set(voices);
    for (let round = 0; round * turn < duration; round += 1) {
      const next = new Set(Array.from({ length: speakers }, (_, place) => at(voices, round * speakers + place)));
      for (const voice of voices) {
        if (speaking.has(voice) === next.has(voice)) continue;
        const what = next.has(voice) ? 'speak' : 'fallSilent';
        scheduledEvents.push({ at: round * turn * 1000, member: voice.name, what });
      }
      speaking = next;
    }
  }
  return scheduledEvents;
}

function churn(options: LoadOptions, members: readonly MemberPlan[], random: Random): ScheduledEvent[] {
  const leavers = members.filter(({ publishes }) => !publishes);
  if (options.churn === 0 || leavers.length === 0) return [];
  const times = Math.floor(options.churn * options.duration);
  return Array.from({ length: times }, (_, index) => ({
    at: (index / options.churn) * 1000,
    member: at(leavers, random.int(leavers.length)).name,
    what: 'return',
  }));
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index % list.length];
  if (found === undefined) throw new Error('an empty list has no items');
  return found;
}
