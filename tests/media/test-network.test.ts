/** Tests of the small Internet for tests: what each gateway lets through, how it maps addresses, and what is left behind. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { hostAddresses, TestNetwork, whyNoTestNetwork } from '../../scripts/support/network/TestNetwork.ts';
import { hasEquipment } from '../support/equipment.ts';

/** No such file: it is there under CI alone, where nothing is skipped. */
const mustRun = hasEquipment('namespaces', '');
const why = whyNoTestNetwork();
if (why) console.warn(`There is no test network here: ${why}.`);

/** Answers every datagram, and every TCP connection, with the address that it came from; on ports 443 and 3000. */
const reflector = `
  const { createSocket } = require('node:dgram');
  const { createServer } = require('node:net');
  const ports = [443, 3000];
  const up = ports.flatMap((port) => [
    new Promise((resolve) => {
      const socket = createSocket({ type: 'udp6' });
      socket.on('message', (_, from) => socket.send(JSON.stringify([from.address, from.port]), from.port, from.address));
      socket.bind(port, '::', resolve);
    }),
    new Promise((resolve) => {
      createServer((one) => {
        one.on('error', () => {});
        one.end(JSON.stringify([one.remoteAddress, one.remotePort]));
      }).listen(port, '::', resolve);
    }),
  ]);
  Promise.all(up).then(() => console.log('up'));
`;
/** Asks reflectors, all UDP ones from one socket, and prints what each said; null for what does not answer in time. */
const prober = (targets: readonly Target[]) => `
  const { createSocket } = require('node:dgram');
  const { createConnection } = require('node:net');
  const targets = ${JSON.stringify(targets)};
  const sockets = { 4: createSocket('udp4'), 6: createSocket('udp6') };
  const ask = ({ address, port, protocol }) => new Promise((resolve) => {
    setTimeout(resolve, 700, null);
    const done = (data) => resolve(JSON.parse(String(data)));
    if (protocol === 'tcp') createConnection(port, address).on('data', done).on('error', () => resolve(null));
    else {
      const socket = sockets[address.includes(':') ? 6 : 4];
      socket.on('message', (data, from) => { if (from.address === address && from.port === port) done(data); });
      const send = () => socket.send('?', port, address, (error) => { if (error) resolve(null); });
      send();
      setTimeout(send, 300);
    }
  });
  Promise.all(targets.map(ask)).then((answers) => { console.log(JSON.stringify(answers)); process.exit(); });
`;

interface Target {
  readonly address: string;
  readonly port: number;
  readonly protocol: 'udp' | 'tcp';
}
const Answers = z.array(z.tuple([z.string().transform((ip) => ip.replace('::ffff:', '')), z.number()]).nullable());

describe.skipIf(why !== undefined && !mustRun)('a test network', () => {
  const resources = new AsyncDisposableStack();
  let network: TestNetwork;

  beforeAll(async () => {
    network = resources.use(await TestNetwork.create());
    for (const host of ['server', 'turn'] as const) expect(await firstLine(host, reflector)).toBe('up');
  });
  afterAll(() => resources.disposeAsync());

  async function firstLine(host: 'client' | 'server' | 'turn', code: string): Promise<string> {
    const { stdout } = network.host(host).run(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (!stdout) throw new Error('The program has no output.');
    const [line] = await once(createInterface(stdout), 'line');
    return z.string().parse(line);
  }
  /** The addresses that the targets saw. */
  async function seenBy(...targets: Target[]) {
    return Answers.parse(JSON.parse(await firstLine('client', prober(targets))));
  }
  const { server, turn, client, gateway } = hostAddresses;
  const udp = (address: string, port = 3000): Target => ({ address, port, protocol: 'udp' });
  const tcp = (address: string, port = 3000): Target => ({ address, port, protocol: 'tcp' });

  test('an open gateway forwards IPv4 and IPv6, and with one family only that', async () => {
    const all = [udp(server.v4), udp(turn.v6), tcp(server.v6), tcp(turn.v4)];
    const who = (answers: Awaited<ReturnType<typeof seenBy>>) => answers.map((answer) => answer?.[0]);
    await network.setAccess({ kind: 'open' });
    expect(who(await seenBy(...all))).toEqual([client.v4, client.v6, client.v6, client.v4]);
    await network.setFamilies({ v4: false, v6: true });
    expect(who(await seenBy(...all))).toEqual([undefined, client.v6, client.v6, undefined]);
    await network.setFamilies({ v4: true, v6: true });
    expect(who(await seenBy(...all))).toEqual([client.v4, client.v6, client.v6, client.v4]);
  });

  test('a NAT keeps the mapping for all destinations, and a symmetric one has another for each', async () => {
    await network.setAccess({ kind: 'nat' });
    const same = await seenBy(udp(server.v4), udp(turn.v4), tcp(server.v4));
    expect(same.map((answer) => answer?.[0])).toEqual([gateway.v4, gateway.v4, gateway.v4]);
    expect(same[0]?.[1]).toBe(same[1]?.[1]);
    await network.setAccess({ kind: 'symmetric-nat' });
    const differing = await seenBy(udp(server.v4), udp(turn.v4), udp(server.v4, 443));
    expect(differing.map((answer) => answer?.[0])).toEqual([gateway.v4, gateway.v4, gateway.v4]);
    expect(new Set(differing.map((answer) => answer?.[1])).size).toBe(3);
  });

  test('firewalls drop UDP, all but TCP to port 443, and single destinations', async () => {
    const reached = async (...targets: Target[]) => (await seenBy(...targets)).map((answer) => answer !== null);
    await network.setAccess({ kind: 'no-udp' });
    expect(await reached(udp(server.v4), udp(server.v6), tcp(server.v4), tcp(turn.v6))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    await network.setAccess({ kind: 'tcp-443' });
    expect(await reached(udp(server.v4, 443), tcp(server.v4), tcp(server.v4, 443), tcp(turn.v6, 443))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    await network.setAccess({
      kind: 'open',
      closed: [
        { address: server.v4, protocol: 'udp' },
        { address: server.v4, protocol: 'tcp', except: 443 },
      ],
    });
    expect(await reached(udp(server.v4), tcp(server.v4), tcp(server.v4, 443), udp(turn.v4), udp(server.v6))).toEqual([
      false,
      false,
      true,
      true,
      true,
    ]);
  });

  test('gives those that are made at the same time names of their own', async () => {
    await using opened = new AsyncDisposableStack();
    const made = await Promise.allSettled([0, 1].map(async () => opened.use(await TestNetwork.create({}, 30))));
    expect(made.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  });

  test('leaves no rule outside, and nothing behind', async () => {
    // Its lifetime begins before it is complete, which takes a second on a busy machine.
    const own = await TestNetwork.create({}, 3);
    const names = (['client', 'gateway', 'router', 'server', 'turn'] as const).map((name) => own.host(name).name);
    const child = own.host('server').run('sleep', ['60']);
    const exited = once(child, 'exit');
    await own.setAccess({ kind: 'symmetric-nat' });
    expect(await own.host('gateway').execute('iptables-save', [])).toContain('MASQUERADE --random-fully');
    const { stdout: outside } = await promisify(execFile)('iptables-save');
    expect(outside).not.toContain('--random-fully');
    // At the end of its lifetime it removes itself, with the programs in it.
    await exited;
    const left = () => names.filter((name) => existsSync(`/run/netns/${name}`));
    await expect.poll(left, { timeout: 5000 }).toEqual([]);
    await Promise.all([own.dispose(), own.dispose()]);
  });
});
