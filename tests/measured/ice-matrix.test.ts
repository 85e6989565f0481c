/**
 * The kinds of ICE candidates, in Chromium and Firefox: in each network a call is decoded, and the selected pair of each
 * transport is of the kind that the network allows.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { launchFirefox } from '../../scripts/support/browsers/firefox.ts';
import { SdkVisitor, type SelectedPair } from '../../scripts/support/browsers/SdkVisitor.ts';
import type { AccessRule } from '../../scripts/support/network/access.ts';
import { hostAddresses, hostNames, TestNetwork, whyNoTestNetwork } from '../../scripts/support/network/TestNetwork.ts';
import { Child } from '../../scripts/support/process/Child.ts';
import { type Measured, startMeasured } from '../../scripts/support/servers/measured.ts';
import { startCoturn } from '../../scripts/support/servers/coturn.ts';
import { hasCoturn } from '../support/coturn.ts';
import { hasChromium, hasEquipment } from '../support/equipment.ts';
import { hasFirefox } from '../support/firefox.ts';
import { TestAuthority } from '../../scripts/support/servers/TestAuthority.ts';

/** No such file: it is there under CI alone, where nothing is skipped. */
const mustRun = hasEquipment('namespaces', '');
const why = whyNoTestNetwork();
if (why) console.warn(`ICE is not tried in different networks: ${why}.`);

/** Milliseconds. */
const TIMEOUT = 30_000;
const POLLING = { timeout: TIMEOUT, interval: 50 };
const ROOM = 'matrix';
const { server, client, gateway, turn } = hostAddresses;

/** A network, and what the selected pairs in it must be. */
interface Row {
  readonly kind: string;
  readonly access: AccessRule;
  /** IPv4 alone, unless told. */
  readonly family?: 'v6';
  readonly local: {
    readonly candidateType: RegExp;
    readonly protocol: 'udp' | 'tcp';
    readonly relayProtocol?: 'udp' | 'tcp' | 'tls';
  };
  /** The client's address as the server sees it. */
  readonly seenAs: string;
}

/** Media ports of the server that are closed; its pages are at 443. */
const noMediaPorts = [
  { address: server.v4, protocol: 'udp' },
  { address: server.v4, protocol: 'tcp', except: 443 },
] as const;
/** Chromium stays with the first path that works: what each row closes leaves one kind. */
const noTurnOverTcp = { address: turn.v4, protocol: 'tcp' } as const;
const rows: readonly Row[] = [
  {
    kind: 'host, UDP',
    access: { kind: 'open' },
    local: { candidateType: /^host$/, protocol: 'udp' },
    seenAs: client.v4,
  },
  {
    kind: 'ICE-TCP, UDP dropped by a firewall',
    access: { kind: 'no-udp', closed: [noTurnOverTcp] },
    // The local port of a TCP connection is unknown beforehand, so that Chromium calls it peer-reflexive.
    local: { candidateType: /^(host|prflx)$/, protocol: 'tcp' },
    seenAs: client.v4,
  },
  {
    kind: 'server-reflexive, behind a NAT',
    access: { kind: 'nat' },
    // Peer-reflexive where the check was quicker than the STUN server: the same address.
    local: { candidateType: /^(srflx|prflx)$/, protocol: 'udp' },
    seenAs: gateway.v4,
  },
  {
    kind: 'behind a symmetric NAT',
    access: { kind: 'symmetric-nat' },
    // The address that a STUN server sees is another one.
    local: { candidateType: /^prflx$/, protocol: 'udp' },
    seenAs: gateway.v4,
  },
  {
    kind: 'relay over UDP, media ports closed',
    access: { kind: 'open', closed: [...noMediaPorts, noTurnOverTcp] },
    local: { candidateType: /^relay$/, protocol: 'udp', relayProtocol: 'udp' },
    seenAs: turn.v4,
  },
  {
    kind: 'relay over TCP, UDP and media ports closed',
    access: { kind: 'no-udp', closed: [...noMediaPorts, { ...noTurnOverTcp, except: 3478 }] },
    local: { candidateType: /^relay$/, protocol: 'udp', relayProtocol: 'tcp' },
    seenAs: turn.v4,
  },
  {
    kind: 'relay over TLS, only TCP 443 open',
    access: { kind: 'tcp-443' },
    local: { candidateType: /^relay$/, protocol: 'udp', relayProtocol: 'tls' },
    seenAs: turn.v4,
  },
  // The last one, since browsers notice only after a while that addresses have changed.
  {
    kind: 'host, UDP over IPv6',
    access: { kind: 'open' },
    family: 'v6',
    local: { candidateType: /^host$/, protocol: 'udp' },
    seenAs: client.v6,
  },
];

const Tuples = z.array(z.object({ protocol: z.string(), address: z.string(), port: z.number() }));

describe.skipIf(!hasChromium || !hasFirefox || !hasCoturn || (why !== undefined && !mustRun))('ICE', () => {
  const resources = new AsyncDisposableStack();
  const url = `https://${hostNames.server}`;
  let network: TestNetwork;
  let weir: Measured;
  let partner: Child;
  const browsers: { name: string; browser: Parameters<typeof SdkVisitor.enter>[0] }[] = [];
  const matrix: string[] = [];

  beforeAll(async () => {
    network = resources.use(await TestNetwork.create());
    await network.setFamilies({ v4: true, v6: false });
    const authority = resources.use(new TestAuthority());
    const certificate = authority.issue(hostNames.turn, hostNames.server);
    const coturn = resources.use(
      await startCoturn({
        within: network.host('turn').name,
        listenAddress: turn.v4,
        sfuAddress: server.v4,
        tls: { certificate },
      }),
    );
    const within = network.host('client').name;
    const launched = [
      launchChromium({ within, trustedKey: certificate.trustedKey }),
      launchFirefox({ tone: 440 }, { within }),
    ];
    weir = resources.use(
      await startMeasured(
        {
          WEIR_HOST: '::',
          WEIR_PORT: '443',
          WEIR_TLS_CERT: certificate.cert,
          WEIR_TLS_KEY: certificate.key,
          WEIR_RTC_HOST: `${server.v4},${server.v6}`,
          WEIR_RESUME_SECONDS: '0',
          WEIR_TURN_URLS: coturn.urls.join(','),
          WEIR_TURN_SECRET: coturn.secret,
        },
        network.host('server'),
      ),
    );
    partner = resources.use(
      Child.start(new URL('../../scripts/support/endpoint/publisher.ts', import.meta.url), {
        within: network.host('server'),
        env: { ...process.env, NODE_EXTRA_CA_CERTS: authority.cert },
      }),
    );
    await partner.ask('publish', z.string(), { url, room: ROOM, receives: true });
    for (const [index, name] of ['Chromium', 'Firefox'].entries()) {
      const browser = await launched[index];
      if (!browser) continue;
      resources.adopt(browser, (one) => one.close());
      browsers.push({ name, browser });
    }
  });
  afterAll(async () => {
    if (matrix.length > 0) console.log([...heading, ...matrix].join('\n'));
    await resources.disposeAsync();
  });

  test.each(rows)('$kind', async (row) => {
    if (row.family === 'v6') await network.setFamilies({ v4: false, v6: true });
    await network.setAccess(row.access);
    await Promise.all(browsers.map((one) => joinIn(row, one)));
  });

  /** Joins, and waits for media both ways over pairs of that kind. */
  async function joinIn(
    { kind, family, local, seenAs }: Row,
    { name, browser }: (typeof browsers)[number],
  ): Promise<void> {
    // Firefox remembers for a minute that the name had an IPv4 address alone.
    const at = family === 'v6' ? `https://[${server.v6}]` : url;
    const visitor = await SdkVisitor.enter(browser, { url: at, room: ROOM, name });
    try {
      const time = await visitor.firstFrame(TIMEOUT);
      // Frames of the partner are decoded, and packets of this camera arrive at the partner.
      const decoded = await visitor.framesDecoded();
      await expect.poll(() => visitor.framesDecoded(), POLLING).toBeGreaterThan(decoded + 5);
      await expect.poll(() => partner.ask('packetsOf', z.number(), visitor.peerId), POLLING).toBeGreaterThan(10);
      let selected: SelectedPair[] = [];
      const state = async () => {
        selected = await visitor.pairs();
        const [tuples, reported] = [await weir.child.ask('tuples', Tuples), await visitor.connectionStats()];
        return selected.map((pair) => ({
          ...pair,
          seenByServer: tuples.some(({ address, port }) => address === seenAs && port === pair.local.port),
          reportedBySdk: reported.find(({ direction }) => direction === pair.direction)?.pair?.local.candidateType,
        }));
      };
      const { candidateType, ...rest } = local;
      const type = expect.stringMatching(candidateType);
      const each = {
        // The server receives from the very address that the browser reports.
        local: expect.objectContaining({ ...rest, candidateType: type, address: seenAs }),
        remote: expect.objectContaining({ candidateType: 'host', protocol: local.protocol }),
        seenByServer: true,
        reportedBySdk: type,
      };
      await expect.poll(state, POLLING).toEqual([expect.objectContaining(each), expect.objectContaining(each)]);
      for (const pair of selected) matrix.push(lineOf(kind, name, time, pair));
    } finally {
      await visitor.leave();
    }
  }
});

const heading = [
  '| network | browser | transport | local candidate | remote candidate | to the TURN server | first frame |',
  '|---|---|---|---|---|---|---|',
];

function lineOf(kind: string, browser: string, time: number, { direction, local, remote }: SelectedPair): string {
  const shown = ({ candidateType, protocol, address, port }: SelectedPair['local']) =>
    `${candidateType} ${protocol} ${address.includes(':') ? `[${address}]` : address}:${port}`;
  const cells = [kind, browser, direction, shown(local), shown(remote), local.relayProtocol, `${Math.round(time)} ms`];
  return `| ${cells.join(' | ')} |`;
}
