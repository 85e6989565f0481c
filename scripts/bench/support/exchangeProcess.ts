/** A process of two members, one of whom sends messages to the other, and the latency of these. */
import { z } from 'zod';
import type { ServerEvents } from '../../../shared/protocol.ts';
import { now } from '../../support/endpoint/clock.ts';
import { DataMember } from '../../support/endpoint/DataMember.ts';
import { answerQuestions } from '../../support/process/Child.ts';

/** `interval` between two messages in milliseconds. */
const Exchange = z.object({ url: z.string(), room: z.string(), interval: z.number() });

type Closure = ServerEvents['dataClosed'];

/** Bytes of a message. */
const SIZE = 100;

let latencies: number[] = [];
/** Why channels of the two were closed. */
const closures: string[] = [];
const members: DataMember[] = [];
let timer: NodeJS.Timeout | undefined;

answerQuestions(
  {
    begin: async (data) => {
      const { url, room, interval } = Exchange.parse(data);
      const where = { url, room, onClosed: ({ error }: Closure) => closures.push(error.message) };
      const listener = await DataMember.join({
        ...where,
        name: 'listener',
        onMessage: ({ topic, at }) => {
          if (topic !== '') latencies.push(at - Number(topic));
        },
      });
      const talker = await DataMember.join({ ...where, name: 'talker' });
      members.push(listener, talker);
      timer = setInterval(
        () => talker.send('reliable', new Uint8Array(SIZE), { to: [listener.peerId], topic: String(now()) }),
        interval,
      );
    },
    // Of messages since the last question, one-way, in milliseconds.
    latencies: () => {
      const taken = latencies;
      latencies = [];
      return { latencies: taken, closures };
    },
  },
  async () => {
    clearInterval(timer);
    for (const member of members) await member.leave();
  },
);
