/** Tests of the emulated link between two namespaces: its delay and loss are as set, and it leaves nothing behind. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { addresses, Namespaces, whyNoNamespaces } from '../../scripts/support/network/namespaces.ts';
import { median } from '../../scripts/support/statistics/median.ts';

const why = whyNoNamespaces();
if (why) console.warn(`The tests of namespaces are skipped: ${why}.`);

const PORT = 7000;
const echo = `
  const socket = require('node:dgram').createSocket({ type: 'udp4', recvBufferSize: 1 << 22 });
  socket.on('message', (data, { port, address }) => socket.send(data, port, address));
  socket.bind(${PORT}, '${addresses.b}', () => console.log('up'));
`;
/** For how long packets are waited for after the last one was sent, in milliseconds: several times the longest way. */
const LATE = 600;
/** Sends `count` packets, at most `burst` a millisecond, and prints when each came back, and its round trip. */
const prober = (count: number, size: number, burst: number) => `
  const socket = require('node:dgram').createSocket({ type: 'udp4', recvBufferSize: 1 << 22 });
  const trips = [];
  const arrivals = [];
  let sent = 0;
  socket.on('message', (data) => {
    arrivals.push(performance.now());
    trips.push(performance.now() - data.readDoubleBE(0));
  });
  const timer = setInterval(() => {
    for (let left = ${burst}; left > 0; left -= 1) {
      if (sent++ === ${count}) {
        clearInterval(timer);
        setTimeout(() => { console.log(JSON.stringify({ trips, arrivals })); socket.close(); }, ${LATE});
        return;
      }
      const data = Buffer.alloc(${size});
      data.writeDoubleBE(performance.now());
      socket.send(data, ${PORT}, '${addresses.b}');
    }
  }, 1);
`;

/** The first line that a program in a namespace prints. */
async function firstLine(namespaces: Namespaces, side: 'a' | 'b', code: string): Promise<string> {
  const { stdout } = namespaces.run(side, process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (!stdout) throw new Error('The program has no output.');
  const [line] = await once(createInterface(stdout), 'line');
  return z.string().parse(line);
}

const Probed = z.object({ trips: z.array(z.number()), arrivals: z.array(z.number()) });

/** Of the packets that came back: round trips, and arrival times; milliseconds. */
async function probe(namespaces: Namespaces, count: number, size = 100, burst = 1): Promise<z.infer<typeof Probed>> {
  return Probed.parse(JSON.parse(await firstLine(namespaces, 'a', prober(count, size, burst))));
}

describe.skipIf(why)('a link between two namespaces', () => {
  test('has the delay and loss that are set, and changes while it runs', async () => {
    await using namespaces = await Namespaces.create({ delay: 50 });
    expect(await firstLine(namespaces, 'b', echo)).toBe('up');

    const { trips: late } = await probe(namespaces, 300);
    expect(late.length).toBe(300);
    expect(median(late)).toBeGreaterThan(100);
    expect(median(late)).toBeLessThan(110);

    // Loss in both directions: 1 - 0.8 * 0.8. With so many packets, 10 % are four standard deviations.
    await namespaces.set({ delay: 0, loss: 20 });
    const { trips: lossy } = await probe(namespaces, 3000, 100, 3);
    expect(1 - lossy.length / 3000).toBeGreaterThan(0.36 * 0.9);
    expect(1 - lossy.length / 3000).toBeLessThan(0.36 * 1.1);
    expect(median(lossy)).toBeLessThan(10);

    // In one direction only.
    await namespaces.set({ loss: 0 });
    await namespaces.set({ loss: 20 }, 'ba');
    const { trips: halfLossy } = await probe(namespaces, 1000, 100, 3);
    expect(1 - halfLossy.length / 1000).toBeGreaterThan(0.15);
    expect(1 - halfLossy.length / 1000).toBeLessThan(0.25);

    await namespaces.set({ loss: 0, dropUdp: true });
    expect((await probe(namespaces, 20)).trips).toEqual([]);
  });

  // These leave the machine most of its time: one waits for the end of a lifetime.
  const sideBySide = { concurrent: true };

  test('limits the rate, and drops packets that would queue for too long', sideBySide, async () => {
    await using namespaces = await Namespaces.create({ rate: 1000, queue: 50 });
    await firstLine(namespaces, 'b', echo);
    // 1000 bytes with the headers of UDP and IP: up to 8 Mbit/s into 1.
    const { trips, arrivals } = await probe(namespaces, 1000, 972);
    const seconds = ((arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0)) / 1000;
    const rate = ((arrivals.length - 1) * 8) / seconds;
    expect(rate).toBeGreaterThan(900);
    expect(rate).toBeLessThan(1100);
    expect(trips.length).toBeLessThan(500);
    // Packets queue, but not for seconds as in an unbounded queue; a busy machine adds some delay.
    expect(median(trips)).toBeGreaterThan(50);
    expect(median(trips)).toBeLessThan(500);
  });

  test('ends with the programs in it, and so do the namespaces', sideBySide, async () => {
    const namespaces = await Namespaces.create();
    const { names } = namespaces;
    const child = namespaces.run('a', 'sleep', ['60']);
    const exited = once(child, 'exit');
    await Promise.all([namespaces.dispose(), namespaces.dispose()]);
    await exited;
    for (const name of [names.a, names.b]) expect(existsSync(`/run/netns/${name}`)).toBe(false);
    expect(() => namespaces.run('a', 'true')).toThrow('gone');
    await expect(namespaces.set({ loss: 1 })).rejects.toThrow('did not say');
  });

  test('removes itself at the end of its lifetime', sideBySide, async () => {
    await using namespaces = await Namespaces.create({}, 1.5);
    const { names } = namespaces;
    await expect
      .poll(() => [names.a, names.b].some((name) => existsSync(`/run/netns/${name}`)), { timeout: 5000 })
      .toBe(false);
  });
});
