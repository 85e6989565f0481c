/** A process of members who only chat: they write at a steady rate, and time what they receive. */
import { setTimeout } from 'node:timers/promises';
import { ChatMember } from '../../support/endpoint/ChatMember.ts';
import { now } from '../../support/endpoint/clock.ts';
import { answerQuestions } from '../../support/process/Child.ts';
import { ChatFilling, Writing } from './chatMessages.ts';

/** Concurrent joins. */
const AT_ONCE = 8;
/** Length of a message, as people write them. */
const LENGTH = 60;

const rooms = new Map<string, ChatMember[]>();
/** Milliseconds from writing to receiving. */
let latencies: number[] = [];

async function join(url: string, room: string, name: string): Promise<ChatMember> {
  return ChatMember.join({
    url,
    room,
    name,
    kind: 'broadcast',
    role: 'viewer',
    onMessage: ({ message: { own, text } }) => {
      if (!own) latencies.push(now() - Number(text.split(' ', 1)[0]));
    },
  });
}

answerQuestions(
  {
    fill: async (data) => {
      const { url, room, names } = ChatFilling.parse(data);
      const waiting = [...names];
      const members: ChatMember[] = [];
      const lane = async () => {
        for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
          members.push(await join(url, room, name));
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, lane));
      rooms.set(room, members);
    },
    write: async (data) => {
      const { room, count, interval } = Writing.parse(data);
      const members = rooms.get(room) ?? [];
      const began = now();
      const sending: Promise<void>[] = [];
      for (let index = 0; index < count; index += 1) {
        await setTimeout(Math.max(0, began + index * interval - now()));
        const member = members[index % members.length];
        if (member) sending.push(member.chat.send(`${now()} `.padEnd(LENGTH, 'x')));
      }
      await Promise.all(sending);
    },
    latencies: () => {
      const taken = latencies;
      latencies = [];
      return taken;
    },
  },
  async () => {
    for (const member of [...rooms.values()].flat()) member.leave();
  },
);
