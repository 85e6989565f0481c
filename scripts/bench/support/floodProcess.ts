/**
 * A process of one member who floods a room with data: as fast as it can until it is cut off, then as fast as it is let. Or one who
 * sends what is allowed.
 */
import { constants, setPriority } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { DataMember } from '../../support/endpoint/DataMember.ts';
import { answerQuestions } from '../../support/process/Child.ts';

const Entering = z.object({ url: z.string(), room: z.string() });
const Flood = z.object({
  channel: z.enum(['reliable', 'bulk']),
  /** Messages a second that the server forwards: a few more are refused without the member being cut off. */
  allowed: z.number(),
  /** Whether it sends no more than that. */
  obeys: z.boolean(),
});
type Flood = z.infer<typeof Flood>;

/** Bytes of a message. Small ones cost a server most. */
const SIZE = 200;
/** Milliseconds between two bursts, and the messages of one of the fast ones: 5000 a second. */
const BURST = { interval: 4, messages: 20 };
/** Messages a second above what is allowed. */
const EXCESS = 40;
/** How much of what is allowed one sends who obeys. */
const OBEDIENT = 0.95;
/** Above this the connection is busy, in bytes. */
const MOST_BUFFERED = 100_000;
/** Milliseconds until it opens its channels again after it was cut off. */
const PAUSE = 500;

let member: DataMember | undefined;
let flooding = false;
let done: Promise<void> = Promise.resolve();
let isOpen = false;
/** What it has sent, and how often it was cut off, in this flood. */
const counts = { sent: 0, closed: 0 };

async function flood(flooder: DataMember, { channel, allowed, obeys }: Flood): Promise<void> {
  const message = new Uint8Array(SIZE);
  // Messages on `bulk` have to name their receivers.
  const to = channel === 'bulk' ? flooder.peerIds : [];
  let due = 0;
  let last = performance.now();
  while (flooding) {
    if (!isOpen) {
      await setTimeout(PAUSE);
      await open(flooder);
      last = performance.now();
      continue;
    }
    const at = performance.now();
    const floods = counts.closed === 0 && !obeys;
    const rate = obeys ? OBEDIENT * allowed : allowed + EXCESS;
    due = floods ? BURST.messages : Math.min(BURST.messages, due) + ((at - last) / 1000) * rate;
    last = at;
    if (flooder.bufferedAmount(channel) < MOST_BUFFERED) {
      for (; due >= 1; due -= 1) {
        flooder.send(channel, message, { to });
        counts.sent += 1;
      }
    }
    await setTimeout(BURST.interval);
  }
}

/** Tries to open the channels, which is refused when that was done too often. */
async function open(flooder: DataMember): Promise<void> {
  isOpen = await flooder.open().then(
    () => true,
    () => false,
  );
}

answerQuestions(
  {
    enter: async (data) => {
      // Its own work must not take the processor from those who are measured.
      setPriority(constants.priority.PRIORITY_LOW);
      const { url, room } = Entering.parse(data);
      member = await DataMember.join({
        url,
        room,
        name: 'flooder',
        onClosed: () => {
          counts.closed += 1;
          isOpen = false;
        },
      });
      isOpen = true;
    },
    begin: async (data) => {
      const wanted = Flood.parse(data);
      if (!member) throw new Error('It has not entered.');
      while (!isOpen) {
        await setTimeout(PAUSE);
        await open(member);
      }
      counts.sent = 0;
      counts.closed = 0;
      flooding = true;
      done = flood(member, wanted);
    },
    end: async () => {
      flooding = false;
      await done;
      return counts;
    },
  },
  async () => {
    await member?.leave();
  },
);
