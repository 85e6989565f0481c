/** Tests of the load tester's accuracy: its figures match what an emulated link does to packets. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { getPriority, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { addresses, Namespaces, type Side, whyNoNamespaces } from '../../scripts/support/network/namespaces.ts';
import { startMeasured } from '../../scripts/support/servers/measured.ts';
import { median } from '../../scripts/support/statistics/median.ts';
import { hasEquipment } from '../support/equipment.ts';

const tcpdump = '/usr/bin/tcpdump';
const tester = fileURLToPath(new URL('../../scripts/load.ts', import.meta.url));
/** The path does not exist, so the test runs under CI only, where nothing is skipped. */
const mustRun = hasEquipment('namespaces', '');
const missing =
  whyNoNamespaces() ?? (hasEquipment('tcpdump', tcpdump) ? undefined : `${tcpdump} is missing, or to be skipped`);
if (missing) console.warn(`The load tester is not compared with a link: ${missing}.`);

/** The link between server and receiver, in each direction. */
const link = { delay: 50, loss: 5 };
/** SSRC of mediasoup's probing packets, which belong to no track. */
const PROBATION = 1234;
const subscribers = 12;
/** Tolerated excess of the link's delay on a machine that is not overloaded. */
const ON_TIME = 1.03;
/**
 * Packets to receive, and the tolerance of the measured loss: with so many packets it is more than four standard
 * deviations of a loss of 5 %. `delivery`: the least share that arrives, with those lost in the last half second, which
 * can no longer be requested.
 */
const sample = { packets: 31_000, tolerance: 0.1, delivery: 0.998 };

const Results = z.object({
  members: z.object({ joined: z.number(), failed: z.number() }),
  latency: z.object({ count: z.number(), min: z.number(), p50: z.number() }),
  packets: z.object({
    expected: z.number(),
    distinct: z.number(),
    lost: z.number(),
    duplicate: z.number(),
  }),
  sent: z.number(),
  undecryptable: z.number(),
});

interface Run {
  readonly child: ChildProcess;
  /** Reads progress lines up to one that matches: packets in that second, and how many have joined. */
  until(wanted: (second: { packets: number; joined: number }) => boolean): Promise<void>;
  /** Interrupts the test and reads its results. */
  results(): Promise<z.infer<typeof Results>>;
}

function outputOf(stream: Readable | null): Readable {
  if (!stream) throw new Error('The program has no output.');
  return stream;
}

/** Runs the load tester in a namespace until its results are requested. */
function start(namespaces: Namespaces, side: Side, json: string, args: readonly string[]): Run {
  const all = [tester, '--json', json, '--duration', '120', '--video', 'steady', '--audio', 'off', ...args];
  const child = namespaces.run(side, process.execPath, all, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines = createInterface(outputOf(child.stdout))[Symbol.asyncIterator]();
  return {
    child,
    until: async (wanted) => {
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error('The load tester ended too early.');
        if (/\d failed/.test(value)) throw new Error(`Somebody did not get in: ${value}`);
        const [, joined, packets] = /(\d+)\/\d+ in .*? ([\d,]+) p(?:ackets)?\/s/.exec(value) ?? [];
        if (joined === undefined || packets === undefined) throw new Error(`This is no line of progress: ${value}`);
        if (wanted({ packets: Number(packets.replaceAll(',', '')), joined: Number(joined) })) return;
      }
    },
    results: async () => {
      child.kill('SIGINT');
      expect(await exited).toEqual([0, null]);
      return Results.parse(JSON.parse(await readFile(json, 'utf8')));
    },
  };
}

/** Records the beginning of every packet from the server to side a. @returns a function that ends the recording */
async function record(namespaces: Namespaces, side: Side, file: string): Promise<() => Promise<Recorded>> {
  const args = ['-i', 'em0', '-n', '-U', '-s', '96', '-B', '16384', '-Z', 'root', '-w', file];
  const child = namespaces.run(side, tcpdump, [...args, `udp and src host ${addresses.b}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  let said = '';
  const listening = Promise.withResolvers<void>();
  outputOf(child.stderr).on('data', (text: Buffer) => {
    said += text.toString();
    if (said.includes('listening on')) listening.resolve();
  });
  await Promise.race([listening.promise, exited.then(() => Promise.reject(new Error(`tcpdump ended. ${said}`)))]);
  return async () => {
    child.kill('SIGINT');
    await exited;
    expect(said).toMatch(/\n0 packets dropped by kernel/);
    return mediaIn(await readFile(file));
  };
}

interface Recorded {
  /** When each packet passed, in seconds since 1970, by destination, stream and sequence number. */
  readonly times: Map<string, number[]>;
  packets: number;
  probation: number;
  readonly ports: Set<number>;
}

/** The media packets in a tcpdump file of a link without link-layer headers. */
function mediaIn(pcap: Buffer): Recorded {
  const RAW_IP = 101;
  expect([pcap.readUInt32LE(0), pcap.readUInt32LE(20)]).toEqual([0xa1b2c3d4, RAW_IP]);
  const found: Recorded = { times: new Map(), packets: 0, probation: 0, ports: new Set() };
  for (let offset = 24; offset < pcap.length; ) {
    const time = pcap.readUInt32LE(offset) + pcap.readUInt32LE(offset + 4) / 1e6;
    const length = pcap.readUInt32LE(offset + 8);
    const ip = pcap.subarray(offset + 16, offset + 16 + length);
    const udp = ip.subarray((ip.readUInt8(0) & 0x0f) * 4);
    offset += 16 + length;
    // RFC 7983 and RFC 5761: exclude STUN, DTLS and RTCP.
    const [first = 0, second = 0] = udp.subarray(8);
    if (first < 128 || first > 191 || (second >= 192 && second <= 223)) continue;
    found.ports.add(udp.readUInt16BE(0));
    if (udp.readUInt32BE(16) === PROBATION) {
      found.probation += 1;
      continue;
    }
    found.packets += 1;
    const key = `${udp.readUInt16BE(2)} ${udp.readUInt32BE(16)} ${udp.readUInt16BE(10)}`;
    found.times.set(key, [...(found.times.get(key) ?? []), time]);
  }
  return found;
}

/** Delay of the link in milliseconds: the median over packets that were sent once and arrived. */
function medianBetween(sent: Recorded, came: Recorded): number {
  const delays = [...sent.times].flatMap(([key, [at = 0, again]]) => {
    const [arrived] = came.times.get(key) ?? [];
    return arrived === undefined || again !== undefined ? [] : (arrived - at) * 1000;
  });
  return median(delays);
}

/** Raises the priority of this test's processes, so that other load does not distort the measurement. */
function urgent(): void {
  const before = getPriority();
  setPriority(-20);
  onTestFinished(() => setPriority(before));
}

test.skipIf(missing !== undefined && !mustRun)(
  'latency, loss and packets match the link and tcpdump',
  { timeout: 90_000 },
  async () => {
    urgent();
    const folder = await mkdtemp(join(tmpdir(), 'weir-truth-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await using namespaces = await Namespaces.create({ delay: link.delay });
    const settings = { WEIR_HOST: addresses.b, WEIR_RTC_HOST: addresses.b };
    await using server = await startMeasured(settings, { namespaces, side: 'b' });
    const leaving = await record(namespaces, 'b', join(folder, 'b.pcap'));
    const arriving = await record(namespaces, 'a', join(folder, 'a.pcap'));
    const url = ['--url', `http://${addresses.b}:${new URL(server.url).port}`];

    const receivers = ['--publishers', '0', '--subscribers', String(subscribers), '--rate', '0'];
    const receiving = start(namespaces, 'a', join(folder, 'a.json'), [...url, ...receivers]);
    await receiving.until(({ joined }) => joined === subscribers);
    await namespaces.set(link);
    // The publisher is on the server's side, so packets cross the link once, on their way to the receivers.
    const publishers = ['--publishers', '1', '--subscribers', '0'];
    const publishing = start(namespaces, 'b', join(folder, 'b.json'), [...url, ...publishers]);
    let came = 0;
    await receiving.until(({ packets }) => {
      came += packets;
      return came >= sample.packets;
    });
    // Receivers stay until no packets are in flight.
    const published = await publishing.results();
    await receiving.until(({ packets }) => packets === 0);
    const { members, latency, packets, undecryptable } = await receiving.results();
    const [left, recorded] = await Promise.all([leaving(), arriving()]);
    const took = medianBetween(left, recorded);
    const loss = (packets.lost / packets.expected) * 100;
    const delivery = packets.distinct / packets.expected;
    const counted = packets.distinct + packets.duplicate;
    console.log(
      `put in: ${link.delay} ms, ${link.loss} %; measured: min ${latency.min.toFixed(2)} ms, p50 ${latency.p50.toFixed(2)} ms (by tcpdump ${took.toFixed(2)} ms), ${loss.toFixed(3)} % of ` +
        `${packets.expected}, delivery ${(delivery * 100).toFixed(3)} %; tcpdump ${recorded.packets} (and ${recorded.probation} of probation), tester ${counted}`,
    );

    expect(members).toEqual({ joined: subscribers, failed: 0 });
    expect(packets.expected).toBeGreaterThan(sample.packets * 0.98);
    expect(packets.expected).toBeLessThanOrEqual(published.sent * subscribers);
    expect(loss).toBeGreaterThan(link.loss * (1 - sample.tolerance));
    expect(loss).toBeLessThan(link.loss * (1 + sample.tolerance));
    expect(latency.min).toBeGreaterThan(link.delay * 0.9);
    expect(latency.min).toBeLessThan(link.delay * 1.1);
    expect(latency.p50).toBeGreaterThan(took * 0.9);
    // On an overloaded machine the link, server and tester are late, too, which counts as latency.
    if (took < link.delay * ON_TIME) expect(latency.p50).toBeLessThan(link.delay * 1.1);
    else
      console.warn('The median of latency is not held to its limit: this machine is too busy to run a link on time.');
    // Lost packets are retransmitted, except those that can no longer be requested as the publisher leaves.
    expect(delivery).toBeGreaterThan(sample.delivery);
    expect(delivery).toBeLessThanOrEqual(1);
    expect(undecryptable).toBe(0);

    expect(recorded.ports.size).toBe(1);
    expect(counted).toBe(recorded.packets);
  },
);
