/**
 * The kinds of ICE candidates, in Chromium and Firefox: in each network a call is decoded, and the selected pair of each
 * transport is of the kind that the network allows.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SelectedPair } from '../../scripts/support/browsers/SdkVisitor.ts';
import type { AccessRule } from '../../scripts/support/network/access.ts';
import { hostAddresses } from '../../scripts/support/network/TestNetwork.ts';
import {
  type BrowserName,
  NetworkCall,
  networks,
  whyNoNetworkCall,
} from '../../scripts/support/servers/NetworkCall.ts';
import { cutOnce, ways } from '../../scripts/torture/recover/udpCut.ts';
import { hasEquipment } from '../support/equipment.ts';
import { isFull } from '../support/extent.ts';

/** No such file: it is there under CI alone, where nothing is skipped. */
const mustRun = hasEquipment('namespaces', '');
const why = whyNoNetworkCall();
if (why) console.warn(`ICE is not tried in different networks: ${why}.`);

/** Milliseconds. */
const TIMEOUT = 30_000;
const POLLING = { timeout: TIMEOUT, interval: 50 };
const { client, gateway, turn } = hostAddresses;

/** A network, and what the selected pairs in it must be. */
interface Row {
  readonly kind: string;
  readonly access: AccessRule;
  /** Not of a kind of its own for Weir: browser, NAT and coturn make the difference. For the full run. */
  readonly variant?: true;
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

const overIPv6: Row = {
  kind: 'host, UDP over IPv6',
  access: networks.hostUdp,
  family: 'v6',
  local: { candidateType: /^host$/, protocol: 'udp' },
  seenAs: client.v6,
};
const rows: readonly Row[] = [
  {
    kind: 'host, UDP',
    access: networks.hostUdp,
    local: { candidateType: /^host$/, protocol: 'udp' },
    seenAs: client.v4,
  },
  {
    kind: 'ICE-TCP, UDP dropped by a firewall',
    access: networks.iceTcp,
    // The local port of a TCP connection is unknown beforehand, so that Chromium calls it peer-reflexive.
    local: { candidateType: /^(host|prflx)$/, protocol: 'tcp' },
    seenAs: client.v4,
  },
  {
    kind: 'server-reflexive, behind a NAT',
    access: networks.nat,
    // Peer-reflexive where the check was quicker than the STUN server: the same address.
    local: { candidateType: /^(srflx|prflx)$/, protocol: 'udp' },
    seenAs: gateway.v4,
  },
  {
    kind: 'behind a symmetric NAT',
    variant: true,
    access: networks.symmetricNat,
    // The address that a STUN server sees is another one.
    local: { candidateType: /^prflx$/, protocol: 'udp' },
    seenAs: gateway.v4,
  },
  {
    kind: 'relay over UDP, media ports closed',
    variant: true,
    access: networks.relayUdp,
    local: { candidateType: /^relay$/, protocol: 'udp', relayProtocol: 'udp' },
    seenAs: turn.v4,
  },
  {
    kind: 'relay over TCP, UDP and media ports closed',
    variant: true,
    access: networks.relayTcp,
    local: { candidateType: /^relay$/, protocol: 'udp', relayProtocol: 'tcp' },
    seenAs: turn.v4,
  },
  {
    kind: 'relay over TLS, only TCP 443 open',
    access: networks.relayTls,
    local: { candidateType: /^relay$/, protocol: 'udp', relayProtocol: 'tls' },
    seenAs: turn.v4,
  },
];

describe.skipIf(why !== undefined && !mustRun)('ICE', () => {
  let call: NetworkCall | undefined;
  const matrix: string[] = [];

  beforeAll(async () => {
    // Few frames, since encoding them takes most of the time of two cores.
    call = await NetworkCall.start({}, 600, 'fps=10');
  });
  afterAll(async () => {
    if (matrix.length > 0) console.log([...heading, ...matrix].join('\n'));
    await call?.[Symbol.asyncDispose]();
  });

  const begun = (): NetworkCall => {
    if (!call) throw new Error('The call has not started.');
    return call;
  };

  test.each(rows.filter(({ variant }) => isFull || !variant))('$kind', (row) => joinAll(begun(), row));

  test.each(isFull ? ways : ways.slice(-1))(
    'UDP is cut in a call: media goes on over $name, in the same session',
    async (way) => {
      const outcomes = await cutOnce(begun(), way);
      for (const [name, { back, ...facts }] of outcomes) {
        matrix.push(`| UDP cut, ${way.name} left | ${name} | | | | | again after ${Math.round(back)} ms |`);
        expect(facts, name).toEqual({ sameSession: true, rightWay: true });
        // As a rule 2 to 4 s; `npm run torture -- recover udp-cut` has the goal.
        expect(back, name).toBeLessThan(12_000);
      }
    },
  );

  // The last one, since browsers notice only after a while that addresses have changed.
  test(overIPv6.kind, async () => {
    await begun().network.setFamilies({ v4: false, v6: true });
    await joinAll(begun(), overIPv6);
  });

  async function joinAll(call: NetworkCall, row: Row): Promise<void> {
    await call.network.setAccess(row.access);
    await Promise.all([joinIn(call, row, 'Chromium'), joinIn(call, row, 'Firefox')]);
  }

  /** Joins, and waits for media both ways over pairs of that kind. */
  async function joinIn(call: NetworkCall, { kind, family, local, seenAs }: Row, name: BrowserName): Promise<void> {
    const visitor = await call.enter(name, { url: NetworkCall.urls[family ?? 'v4'] });
    try {
      const time = await visitor.firstFrame(TIMEOUT);
      // Frames of the partner are decoded, and packets of this camera arrive at the partner.
      const decoded = await visitor.framesDecoded();
      await expect.poll(() => visitor.framesDecoded(), POLLING).toBeGreaterThan(decoded + 5);
      await expect.poll(() => call.packetsAtPartner(visitor), POLLING).toBeGreaterThan(10);
      let selected: SelectedPair[] = [];
      const state = async () => {
        selected = await visitor.pairs();
        const [tuples, reported] = [await call.tuples(), await visitor.connectionStats()];
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
