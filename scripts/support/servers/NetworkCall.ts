/**
 * A room for measurements of ICE: Weir, coturn and a headless partner in a test network, and browsers in it behind the
 * gateway.
 */
import type { Browser as Chromium } from 'playwright-core';
import type { Browser as Firefox } from 'puppeteer-core';
import { z } from 'zod';
import { type ChromiumOptions, launchChromium, whyNoChromium } from '../browsers/chromium.ts';
import { launchFirefox, whyNoFirefox } from '../browsers/firefox.ts';
import { SdkVisitor, type SdkVisitorOptions } from '../browsers/SdkVisitor.ts';
import type { AccessRule } from '../network/access.ts';
import type { LinkSettings } from '../network/EmulatedLink.ts';
import { hostAddresses, hostNames, TestNetwork, whyNoTestNetwork } from '../network/TestNetwork.ts';
import { Child } from '../process/Child.ts';
import { startAll } from '../startAll.ts';
import { startCoturn, whyNoCoturn } from './coturn.ts';
import { type Measured, startMeasured } from './measured.ts';
import { TestAuthority } from './TestAuthority.ts';

export type BrowserName = 'Chromium' | 'Firefox';

/** The remote end of a connected transport, as the server sees it. */
const Tuples = z.array(z.object({ protocol: z.string(), address: z.string(), port: z.number() }));
export type Tuple = z.infer<typeof Tuples>[number];

const { server, turn } = hostAddresses;
const ROOM = 'networks';
/** Media ports of the server that are closed; its pages are at 443. */
const noIceTcp = [server.v4, server.v6].map((address) => ({ address, protocol: 'tcp', except: 443 }) as const);
const noMediaPorts = [{ address: server.v4, protocol: 'udp' }, ...noIceTcp] as const;
const noTurnOverTcp = { address: turn.v4, protocol: 'tcp' } as const;

/**
 * Networks that leave a client one way: Chromium stays with the first path that works, and Firefox nominates every pair, of
 * which the server takes the last.
 */
export const networks = {
  hostUdp: { kind: 'open', closed: noIceTcp },
  iceTcp: { kind: 'no-udp', closed: [noTurnOverTcp] },
  nat: { kind: 'nat', closed: noIceTcp },
  symmetricNat: { kind: 'symmetric-nat', closed: noIceTcp },
  relayUdp: { kind: 'open', closed: [...noMediaPorts, noTurnOverTcp] },
  relayTcp: { kind: 'no-udp', closed: [...noMediaPorts, { ...noTurnOverTcp, except: 3478 }] },
  relayTls: { kind: 'tcp-443' },
} as const satisfies Record<string, AccessRule>;

/** Why there can be no such call here, as a sentence; undefined where there can. */
export function whyNoNetworkCall(): string | undefined {
  return whyNoTestNetwork() ?? whyNoCoturn() ?? whyNoChromium() ?? whyNoFirefox();
}

interface Parts {
  readonly network: TestNetwork;
  readonly weir: Measured;
  readonly partner: Child;
  readonly browsers: ReadonlyMap<BrowserName, Chromium | Firefox>;
}

export class NetworkCall implements AsyncDisposable {
  /** By the server's name; for IPv6 by its address, since Firefox remembers for a minute that a name had IPv4 alone. */
  static readonly urls = { v4: `https://${hostNames.server}`, v6: `https://[${server.v6}]` };
  readonly network: TestNetwork;
  readonly #parts: Parts;
  readonly #resources: AsyncDisposableStack;

  private constructor(parts: Parts, resources: AsyncDisposableStack) {
    this.#parts = parts;
    this.network = parts.network;
    this.#resources = resources;
  }

  /**
   * Starts everything, with IPv4 alone on the client's link.
   * @param link between the client's gateway and the rest
   * @param seconds lifetime of the network
   * @param devices of Chromium
   */
  static async start(
    link: LinkSettings = {},
    seconds = 600,
    devices: ChromiumOptions['devices'] = 'fake',
  ): Promise<NetworkCall> {
    await using opening = new AsyncDisposableStack();
    const network = opening.use(await TestNetwork.create(link, seconds));
    await network.setFamilies({ v4: true, v6: false });
    const within = network.host('client').name;
    const authority = opening.use(new TestAuthority());
    const certificate = authority.issue(hostNames.turn, hostNames.server, server.v6);
    const startServers = async () => {
      const coturn = opening.use(
        await startCoturn({
          within: network.host('turn').name,
          listenAddress: turn.v4,
          sfuAddress: server.v4,
          tls: { certificate },
        }),
      );
      const settings = {
        WEIR_HOST: '::',
        WEIR_PORT: '443',
        WEIR_TLS_CERT: certificate.cert,
        WEIR_TLS_KEY: certificate.key,
        WEIR_RTC_HOST: `${server.v4},${server.v6}`,
        WEIR_TURN_URLS: coturn.urls.join(','),
        WEIR_TURN_SECRET: coturn.secret,
        WEIR_RESUME_SECONDS: '30',
      };
      return opening.use(await startMeasured(settings, network.host('server')));
    };
    const [chromium, firefox, weir] = await startAll([
      launchChromium({ within, devices, trustedKey: certificate.trustedKey }).then((one) => opening.use(one)),
      launchFirefox({ tone: 440 }, { within }).then((one) => opening.adopt(one, (browser) => browser.close())),
      startServers(),
    ]);
    const partner = opening.use(
      Child.start(new URL('../endpoint/publisher.ts', import.meta.url), {
        within: network.host('server'),
        env: { ...process.env, NODE_EXTRA_CA_CERTS: authority.cert },
      }),
    );
    await partner.ask('publish', z.string(), { url: NetworkCall.urls.v4, room: ROOM, receives: true });
    const browsers = new Map<BrowserName, Chromium | Firefox>([
      ['Chromium', chromium],
      ['Firefox', firefox],
    ]);
    return new NetworkCall({ network, weir, partner, browsers }, opening.move());
  }

  /** Joins the partner's room in a page of its own. */
  async enter(
    name: BrowserName,
    { url = NetworkCall.urls.v4, ...options }: Partial<Pick<SdkVisitorOptions, 'url' | 'iceTransportPolicy'>> = {},
  ): Promise<SdkVisitor> {
    const browser = this.#parts.browsers.get(name);
    if (!browser) throw new Error(`${name} does not run.`);
    return SdkVisitor.enter(browser, { url, room: ROOM, name, ...options });
  }

  /** Packets of a visitor's camera that have arrived at the partner. */
  packetsAtPartner(visitor: SdkVisitor): Promise<number> {
    return this.#parts.partner.ask('packetsOf', z.number(), visitor.peerId);
  }

  /** Where the transports of all peers are connected from, as the server sees it. */
  tuples(): Promise<Tuple[]> {
    return this.#parts.weir.child.ask('tuples', Tuples);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}
