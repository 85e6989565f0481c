/** Trial: all members lose their connections at once, and all must resume without waiting for one another. */
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { NetworkFault } from '../../support/network/NetworkFault.ts';
import { until } from '../../support/until.ts';
import { Guest } from '../support/Guest.ts';
import { startWeir } from '../support/startWeir.ts';
import { type Trial, timeFigures } from '../support/Trial.ts';

/** Members per room; concurrent joins; length of the outage in milliseconds. */
const ROOM = 50;
const AT_ONCE = 10;
const AWAY = 3000;

export const crowd: Trial = {
  name: 'crowd',
  title: 'Many clients that reconnect at once',
  about:
    'All clients, 50 per room, lose their connections by a reset at the same moment. The network is away for three seconds, while they try to reconnect. Times are from its return to each session being resumed. Server and clients share the machine.',
  times: 500,
  async run({ times, report }) {
    await using weir = await startWeir({ WEIR_MAX_CONNECTIONS_PER_IP: '10000' });
    await using network = await NetworkFault.start(weir.url);
    using cleanUp = new DisposableStack();
    const guests: Guest[] = [];
    while (guests.length < times) {
      const some = Array.from({ length: Math.min(AT_ONCE, times - guests.length) }, (_, index) =>
        Guest.enter(
          network.url,
          `room-${Math.floor((guests.length + index) / ROOM)}`,
          `guest-${guests.length + index}`,
        ),
      );
      for (const guest of await Promise.all(some)) guests.push(cleanUp.use(guest));
      report(`${guests.length} of ${times} are in`);
    }
    const ids = guests.map(({ member }) => member.peerId).join();
    network.cut('reset');
    await until('all being cut', 10_000, () => guests.every(({ cuts }) => cuts.length > 0));
    await setTimeout(AWAY);
    await network.mend();
    const mended = performance.now();
    await until('all being back', 30_000, () => guests.every(({ resumes }) => resumes.length > 0));
    const back = guests.map(({ resumes }) => (resumes[0] ?? 0) - mended);
    const rooms = Array.from({ length: Math.ceil(times / ROOM) }, (_, index) => `room-${index}`);
    const inside = await Promise.all(rooms.map((room) => insideOf(weir.url, room)));
    return [
      ...timeFigures('Resumed', back, { most: 3000 }),
      { name: 'Sessions resumed', value: back.length, unit: '', least: times },
      {
        name: 'Members that the server counts',
        value: inside.reduce((sum, count) => sum + count, 0),
        unit: '',
        least: times,
        most: times,
      },
      {
        name: 'Sessions that were lost',
        value: guests.reduce((sum, { ends }) => sum + ends.length, 0),
        unit: '',
        most: 0,
      },
      {
        name: 'Ids that changed',
        value: ids === guests.map(({ member }) => member.peerId).join() ? 0 : 1,
        unit: '',
        most: 0,
      },
    ];
  },
};

const Inside = z.object({ people: z.array(z.unknown()) });

/** The server's count of participants in a room. */
async function insideOf(url: string, room: string): Promise<number> {
  const answer = await fetch(`${url}/api/rooms/${room}`);
  return Inside.parse(await answer.json()).people.length;
}
