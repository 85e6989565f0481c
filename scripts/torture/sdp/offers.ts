/** Trial: damaged SDP offers by WHIP; each is taken or refused, and nothing of them is left. */
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { randomFrom } from '../../support/random.ts';
import { mutate } from '../../support/sdp/mutate.ts';
import { offerNamed, offerNames } from '../../support/sdp/offers.ts';
import { percentile } from '../../support/statistics/distribution.ts';
import { until } from '../../support/until.ts';
import { startWeir } from '../support/startWeir.ts';
import type { Trial } from '../support/Trial.ts';

/** Offers that are under way at a time. */
const AT_ONCE = 8;
/** Each client address may send some offers a second only. */
const ADDRESSES = 200;
const [first = '', ...others] = offerNames.map(offerNamed);

export const offers: Trial = {
  name: 'offers',
  title: 'Damaged offers',
  about: `Offers of ${offerNames.length} WebRTC clients are damaged at random, by seeds from 1 on, and sent to \`/whip/<room>\`, ${AT_ONCE} at a time. Each has to be answered: taken (201, and deleted then), malformed (400), or unsupported (422). Anything else is a fault: its seed is printed.`,
  times: 100_000,
  async run({ times, report }) {
    await using weir = await startWeir();
    const workers = weir.workers.join();
    const agents = Array.from(
      { length: ADDRESSES },
      (_, index) => new Agent({ keepAlive: true, localAddress: `127.0.1.${index + 1}` }),
    );
    const statuses = new Map<number, number>();
    const faults: number[] = [];
    const durations: number[] = [];
    let next = 1;
    const sendAll = async (sender: number) => {
      while (next <= times) {
        const seed = next;
        next += 1;
        if (seed % 1000 === 0) report(`${seed} of ${times}: ${[...statuses].map((one) => one.join(' × ')).join(', ')}`);
        const agent = agents[seed % ADDRESSES];
        const began = performance.now();
        const { statusCode = 0, location } = await send(
          weir.url,
          agent,
          `/whip/sender-${sender}`,
          'POST',
          offerOf(seed),
        );
        durations.push(performance.now() - began);
        statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1);
        if (location !== undefined) {
          const ended = await send(weir.url, agent, location, 'DELETE');
          if (ended.statusCode !== 200) faults.push(seed);
        } else if (statusCode !== 400 && statusCode !== 422) faults.push(seed);
      }
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, (_, sender) => sendAll(sender)));
      if (faults.length > 0) console.error(`Seeds: ${faults.slice(0, 100).join(', ')}`);
      let left = 0;
      for (let sender = 0; sender < AT_ONCE; sender += 1) left += await membersOf(weir.url, `sender-${sender}`);
      await until('the server being ready', 10_000, () => weir.ready());
      const count = (status: number) => statuses.get(status) ?? 0;
      return [
        { name: 'Taken', value: count(201), unit: '', least: 1 },
        { name: 'Malformed', value: count(400), unit: '', least: 1 },
        { name: 'Unsupported', value: count(422), unit: '', least: 1 },
        { name: 'Faults', value: faults.length, unit: '', most: 0 },
        { name: 'Time of a response, p99', value: percentile(durations, 99), unit: 'ms', most: 100 },
        { name: 'Time of a response, worst', value: percentile(durations, 100), unit: 'ms' },
        { name: 'Members that are left', value: left, unit: '', most: 0 },
        { name: 'Media workers that ended', value: weir.workers.join() === workers ? 0 : 1, unit: '', most: 0 },
        { name: 'Lines that the server logged', value: weir.stderr.split('\n').filter(Boolean).length, unit: '' },
      ];
    } finally {
      for (const agent of agents) agent.destroy();
    }
  },
};

function offerOf(seed: number): string {
  const random = randomFrom(seed);
  return mutate(random.pick([first, ...others]), random);
}

async function send(
  server: string,
  agent: Agent | undefined,
  path: string,
  method: string,
  body = '',
): Promise<{ statusCode: number | undefined; location: string | undefined }> {
  const headers = method === 'POST' ? { 'content-type': 'application/sdp' } : {};
  const sent = request(new URL(path, server), { method, headers, ...(agent && { agent }) });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve).once('error', reject).end(body);
  });
  await text(response);
  return { statusCode: response.statusCode, location: response.headers.location };
}

const Info = z.object({ people: z.array(z.unknown()) });

async function membersOf(server: string, room: string): Promise<number> {
  const response = await fetch(new URL(`/api/rooms/${room}`, server));
  return Info.parse(await response.json()).people.length;
}
