/** A process of one member who floods a room with data: faster than the server allows, and again after it was cut off. */
import { constants, setPriority } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import type { DataChannelLabel } from '../../../shared/dataFrame.ts';
import { DataMember } from '../../support/endpoint/DataMember.ts';
import { answerQuestions } from '../../support/process/Child.ts';

export const Entering = z.object({ url: z.string(), room: z.string() });

/** Bytes of a message. Small ones cost a server most. */
const SIZE = 200;
/** Milliseconds between two bursts, and the messages of a burst: 5000 a second. */
const BURST = { interval: 4, messages: 20 };
/** Above this the connection is busy, in bytes. */
const MOST_BUFFERED = 100_000;
/** Milliseconds until it opens its channels again after it was cut off. */
const PAUSE = 500;

let member: DataMember | undefined;
let flooding = false;
let done: Promise<void> = Promise.resolve();
let isOpen = false;
/** What it has sent, and how often it was refused and cut off. */
const counts = { sent: 0, refused: 0, closed: 0 };

async function flood(flooder: DataMember, channel: 'reliable' | 'bulk'): Promise<void> {
  const message = new Uint8Array(SIZE);
  while (flooding) {
    if (!isOpen) {
      await setTimeout(PAUSE);
      // Refused when it was opened too often: it tries again.
      isOpen = await flooder.open().then(
        () => true,
        () => false,
      );
      continue;
    }
    if (flooder.bufferedAmount(channel) < MOST_BUFFERED) send(flooder, channel, message);
    await setTimeout(BURST.interval);
  }
}

function send(flooder: DataMember, channel: DataChannelLabel, message: Uint8Array): void {
  for (let count = 0; count < BURST.messages; count += 1) {
    flooder.send(channel, message);
    counts.sent += 1;
  }
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
        onRefused: () => {
          counts.refused += 1;
        },
        onClosed: () => {
          counts.closed += 1;
          isOpen = false;
        },
      });
      isOpen = true;
    },
    begin: async (data) => {
      const channel = z.enum(['reliable', 'bulk']).parse(data);
      if (!member) throw new Error('It has not entered.');
      flooding = true;
      done = flood(member, channel);
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
