/** A process of two members, one of whom sends messages to the other, and the latency of these. */
import { z } from 'zod';
import { now } from '../../support/endpoint/clock.ts';
import { DataMember } from '../../support/endpoint/DataMember.ts';
import { answerQuestions } from '../../support/process/Child.ts';

/** `interval` between two messages in milliseconds. */
export const Exchange = z.object({ url: z.string(), room: z.string(), interval: z.number() });

/** Bytes of a message. */
const SIZE = 100;

let latencies: number[] = [];
const members: DataMember[] = [];
let timer: NodeJS.Timeout | undefined;

answerQuestions(
  {
    begin: async (data) => {
      const { url, room, interval } = Exchange.parse(data);
      const listener = await DataMember.join({
        url,
        room,
        name: 'listener',
        onMessage: ({ topic, at }) => {
          if (topic !== '') latencies.push(at - Number(topic));
        },
      });
      const talker = await DataMember.join({ url, room, name: 'talker' });
      members.push(listener, talker);
      timer = setInterval(
        () => talker.send('reliable', new Uint8Array(SIZE), { to: [listener.peerId], topic: String(now()) }),
        interval,
      );
    },
    // One-way, in milliseconds, since the last question.
    latencies: () => {
      const taken = latencies;
      latencies = [];
      return taken;
    },
  },
  async () => {
    clearInterval(timer);
    for (const member of members) await member.leave();
  },
);
