/** Tests of coturn with the configuration that Weir generates: it relays media to the SFU, and nothing to anybody else. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Coturn, startCoturn, TURN_SECRET } from '../../scripts/support/servers/coturn.ts';
import { TestAuthority } from '../../scripts/support/servers/TestAuthority.ts';
import { until } from '../../scripts/support/until.ts';
import { ownAddresses } from '../../server/common/ownAddresses.ts';
import { IceServers } from '../../server/ice/IceServers.ts';
import { probe } from '../../server/ice/probe/probe.ts';
import type { TransportAddress } from '../../server/ice/stunMessage.ts';
import { TurnClient, TurnError } from '../../server/ice/turn/TurnClient.ts';
import type { TurnServer } from '../../server/ice/turn/TurnConnection.ts';
import { openTurnPath } from '../../server/ice/turn/TurnPath.ts';
import { peerAttribute } from '../../server/ice/turn/turnMessage.ts';
import { type TurnCredentials, turnCredentials } from '../../server/ice/turnCredentials.ts';
import { Loopback } from '../../server/media/Loopback.ts';
import { WorkerPool } from '../../server/media/WorkerPool.ts';
import { hasCoturn } from '../support/coturn.ts';
import { encodedIPv4, specialIPv4, specialIPv6 } from '../support/specialAddresses.ts';

/** The SFU, on an address of loopback that nothing else here uses. */
const SFU = '127.0.0.5';
/** The TURN server's own. */
const HOSTS = ['127.0.0.1', '::1'] as const;
const QUOTA = 4;
/** Methods and an attribute of TURN over TCP (RFC 6062). */
const CONNECT = 0x00a;
const CONNECTION_BIND = 0x00b;
const CONNECTION_ID = 0x002a;

/** As clients get them. */
const credentialsFor = (user: string): TurnCredentials => {
  const [server] = new IceServers({ turn: { urls: ['turn:x'], secret: TURN_SECRET, lifetime: 60_000 } }).for(user);
  if (!server?.username || !server.credential) throw new Error('There is no credential.');
  return { username: server.username, credential: server.credential };
};

/** Other processes of this machine: sockets on one port of all its addresses, and what they have received. */
class Bystanders {
  readonly received: string[] = [];
  readonly #sockets: Socket[] = [];
  port = 0;

  async open(): Promise<void> {
    for (const [type, address] of [
      ['udp4', '0.0.0.0'],
      ['udp6', '::'],
    ] as const) {
      const socket = createSocket({ type, ipv6Only: type === 'udp6' });
      this.#sockets.push(socket);
      socket.on('message', (data) => this.received.push(data.toString()));
      socket.bind(this.port, address);
      await once(socket, 'listening');
      this.port = socket.address().port;
    }
  }

  /** Waits until all that was sent to them has arrived: a datagram of this process comes after it. */
  async settle(): Promise<void> {
    const mark = `mark ${performance.now()}`;
    const [v4, v6] = this.#sockets;
    v4?.send(mark, this.port, '127.0.0.1');
    v6?.send(mark, this.port, '::1');
    await until('the datagrams of this process', 5000, () => this.received.filter((one) => one === mark).length === 2);
    this.received.splice(0, this.received.length, ...this.received.filter((one) => one !== mark));
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }
}

/** What many guides recommend. */
function usualList(conf: string): string {
  const networks = [
    ...['0.0.0.0-0.255.255.255', '10.0.0.0-10.255.255.255', '100.64.0.0-100.127.255.255', '127.0.0.0-127.255.255.255'],
    ...[
      '169.254.0.0-169.254.255.255',
      '172.16.0.0-172.31.255.255',
      '192.0.0.0-192.0.0.255',
      '192.168.0.0-192.168.255.255',
    ],
    ...['198.18.0.0-198.19.255.255', '203.0.113.0-203.0.113.255', '240.0.0.0-255.255.255.255', '::1'],
    ...['fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ];
  const list = networks.map((network) => `denied-peer-ip=${network}\n`).join('');
  return conf.replace(/^denied-peer-ip=.*\n/gm, '').concat(list);
}

/** The code with which a TURN server refuses; undefined where it does what was asked. */
async function refusal(task: Promise<unknown>): Promise<number | undefined> {
  try {
    await task;
    return undefined;
  } catch (error) {
    if (error instanceof TurnError) return error.code;
    throw error;
  }
}

describe.runIf(hasCoturn)('coturn with the generated configuration', () => {
  const bystanders = new Bystanders();
  let authority: TestAuthority;
  let coturn: Coturn;
  let pool: WorkerPool;
  const over = (transport: TurnServer['transport'], host: string = HOSTS[0]): TurnServer => ({
    host,
    port: coturn.port,
    transport,
  });
  const allocate = (options: Partial<Parameters<typeof TurnClient.allocate>[0]> = {}) =>
    TurnClient.allocate({ server: over('udp'), credentials: credentialsFor('somebody'), ...options });

  beforeAll(async () => {
    authority = new TestAuthority();
    const certificate = authority.issue('localhost');
    await bystanders.open();
    coturn = await startCoturn({
      listenAddress: HOSTS,
      sfuAddress: SFU,
      tls: { certificate },
      settings: { userQuota: QUOTA },
    });
    pool = await WorkerPool.start({
      count: 1,
      listen: { ips: [SFU], announced: { addresses: [SFU] } },
      firstPort: 0,
      responseTimeout: 5000,
      limits: { packets: 1e6, spillover: 10, rooms: 10, peers: 10 },
      log: pino({ level: 'silent' }),
    });
  });
  afterAll(async () => {
    await pool?.close();
    await coturn?.close();
    bystanders.close();
    authority?.[Symbol.dispose]();
  });

  /** Media to a real worker and back. */
  async function relaysMedia(server: TurnServer, credentials: TurnCredentials) {
    const [worker] = pool.workers;
    if (!worker) throw new Error('There is no worker.');
    const loopback = await Loopback.open(worker);
    try {
      return await probe(loopback, {
        openPath: (events) => openTurnPath({ address: SFU, port: worker.port }, events, { server, credentials }),
        iceTimeout: 5000,
        limit: (task) => task(),
        signal: new AbortController().signal,
      });
    } finally {
      loopback.close();
    }
  }

  /** Asks for a peer in every way. @returns the ways that worked */
  async function tryPeer(client: TurnClient, peer: TransportAddress, channel: number): Promise<string[]> {
    const ways = {
      permission: () => client.createPermission(peer),
      'permission beside that of the SFU': () => client.createPermission({ address: SFU, port: 9 }, peer),
      channel: () => client.bindChannel(channel, peer),
    };
    const worked: string[] = [];
    for (const [way, ask] of Object.entries(ways)) {
      if ((await refusal(ask())) === undefined) worked.push(`${way}: ${peer.address}`);
    }
    client.send(peer, Buffer.from(peer.address));
    return worked;
  }

  /** Tries all special addresses with one credential. @returns what worked, and what was received by other processes */
  async function attack(server: TurnServer, credentials: TurnCredentials) {
    bystanders.received.length = 0;
    // Those at which somebody listens come first, because coturn stops sending after a destination without a route.
    const peers = [...HOSTS, ...ownAddresses(), ...specialIPv4, ...specialIPv6, ...encodedIPv4];
    const worked: string[] = [];
    for (const family of [4, 6] as const) {
      const client = await TurnClient.allocate({ server, credentials, family });
      for (const [index, address] of peers.entries()) {
        worked.push(...(await tryPeer(client, { address, port: bystanders.port }, 0x4000 + index)));
      }
      // Its answer comes after all that was sent before.
      await client.release();
    }
    await bystanders.settle();
    return { tried: peers.length, worked, received: [...bystanders.received] };
  }

  test.each(['udp', 'tcp'] as const)(
    'over %s: no special address gets a permission, and the same credential relays media to the SFU',
    async (transport) => {
      const credentials = credentialsFor(`attacker over ${transport}`);
      expect(await relaysMedia(over(transport), credentials)).toMatchObject({ reached: 'media' });
      const { tried, worked, received } = await attack(over(transport), credentials);
      expect(tried).toBeGreaterThan(100);
      expect({ worked, received }).toEqual({ worked: [], received: [] });
      expect(await relaysMedia(over(transport), credentials)).toMatchObject({ reached: 'media' });
    },
  );

  test.each([
    ['without the range of IPv6', (conf: string) => conf.replace(/^denied-peer-ip=::.*\n/m, '')],
    ['with a usual list of private networks', usualList],
  ])('the same attack succeeds %s', async (_name, edit) => {
    await using other = await startCoturn({ listenAddress: HOSTS, sfuAddress: SFU, edit });
    const { worked, received } = await attack({ ...over('udp'), port: other.port }, credentialsFor('attacker'));
    const metadata = worked.filter((one) => one.includes('169.254.169.254'));
    // Through NAT64 (RFC 8215), whatever the version; before 4.9.0 IPv4-mapped as well.
    expect(metadata).toContain('permission: 64:ff9b:1::169.254.169.254');
    expect(metadata).toContain('channel: 64:ff9b:1::169.254.169.254');
    // Datagrams really go there, as far as this machine has a route.
    if (edit !== usualList) expect(received).toContain('::1');
  });

  test('turns: relays media to the SFU over TLS', async () => {
    const port = Number(coturn.urls.at(-1)?.match(/:(\d+)\?/)?.[1]);
    const server: TurnServer = { host: 'localhost', port, transport: 'tls', ca: readFileSync(authority.cert) };
    expect(await relaysMedia(server, credentialsFor('somebody'))).toMatchObject({ reached: 'media' });
  });

  test('IPv4 and IPv6: each family has a relayed address', async () => {
    for (const [family, host] of [
      [4, '127.0.0.1'],
      [6, '::1'],
    ] as const) {
      const client = await allocate({ family, server: over('udp', host) });
      expect(client.relayed).toMatchObject({ address: host, port: expect.any(Number) });
      await client.release();
    }
  });

  test('there is no TCP to other hosts', async () => {
    const peer = { address: SFU, port: 9 };
    expect(await refusal(allocate({ server: over('tcp'), requestedTransport: 6 }))).toBe(442);
    for (const transport of ['udp', 'tcp'] as const) {
      const client = await allocate({ server: over(transport) });
      expect(await refusal(client.request(CONNECT, (id) => [peerAttribute(peer, id)]))).toBeGreaterThanOrEqual(400);
      const connection = { type: CONNECTION_ID, value: Buffer.from([0, 0, 0, 1]) };
      expect(await refusal(client.request(CONNECTION_BIND, () => [connection]))).toBeGreaterThanOrEqual(400);
      await client.release();
    }
  });

  test('credentials that are wrong, of another secret or expired are refused', async () => {
    const good = credentialsFor('somebody');
    const later = good.username.replace(/^\d+/, (expiry) => String(Number(expiry) + 3600));
    const wrong: TurnCredentials[] = [
      { username: good.username, credential: 'wrong' },
      { username: later, credential: good.credential },
      { username: 'somebody', credential: good.credential },
      turnCredentials(`${TURN_SECRET}!`, 'somebody', Date.now() + 60_000),
      turnCredentials(TURN_SECRET, 'somebody', Date.now() - 2000),
    ];
    for (const credentials of wrong) expect.soft(await refusal(allocate({ credentials }))).toBe(401);
    await (await allocate({ credentials: good })).release();
    // An allocation outlives its credential, because calls do; nothing can be allocated with it any more.
    const short = await allocate({ credentials: turnCredentials(TURN_SECRET, 'short', Date.now() + 1000) });
    await short.release();
  });

  test('one person has a quota, whatever the credential; others have theirs', async () => {
    const clients: TurnClient[] = [];
    for (let count = 0; count < QUOTA; count += 1) {
      const credentials = turnCredentials(TURN_SECRET, 'greedy', Date.now() + 60_000 + count * 1000);
      clients.push(await allocate({ credentials }));
    }
    const another = { credentials: turnCredentials(TURN_SECRET, 'greedy', Date.now() + 300_000) };
    expect(await refusal(allocate(another))).toBe(486);
    clients.push(await allocate({ credentials: credentialsFor('modest') }));
    await clients.shift()?.release();
    // coturn counts it for another second.
    const released = () => allocate(another).catch(() => undefined);
    clients.push(await until('an allocation in place of one that was released', 10_000, released));
    await Promise.all(clients.map((client) => client.release()));
  });

  test('its log contains neither secrets nor passwords', () => {
    expect(coturn.log()).toContain('Relay ports initialization done');
    expect(coturn.log()).not.toContain(TURN_SECRET);
    expect(coturn.log()).not.toContain(credentialsFor('somebody').credential);
  });
});
