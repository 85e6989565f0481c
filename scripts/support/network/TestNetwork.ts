/**
 * A small Internet on this machine: a client behind a gateway, and a server and a TURN server behind a router, each in a
 * network namespace of its own.
 *
 * ```
 * client --- gateway ===(emulated link)=== router --- server
 *                                             `------ turn
 * ```
 *
 * Every link has IPv4 and IPv6. The gateway is the client's NAT or firewall (`setAccess`). Linux, root, iptables.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { type AccessRule, rulesOf } from './access.ts';
import { EmulatedLink, type LinkSettings } from './EmulatedLink.ts';
import { isProgram, Namespace, whyNoNamespaces } from './Namespace.ts';

/** Why such a network cannot be made here, as a sentence; undefined where it can. */
export function whyNoTestNetwork(): string | undefined {
  return whyNoNamespaces() ?? (isProgram('iptables-restore') ? undefined : 'iptables is missing (package iptables)');
}

export type HostName = 'client' | 'gateway' | 'router' | 'server' | 'turn';

/** Addresses for documentation (RFC 5737, RFC 3849), so that the server's are public; the client's are private. */
export const hostAddresses = {
  client: { v4: '10.77.0.2', v6: '2001:db8:77::2' },
  /** Those that the Internet sees. */
  gateway: { v4: '192.0.2.2', v6: '2001:db8:2::2' },
  server: { v4: '203.0.113.2', v6: '2001:db8:113::2' },
  turn: { v4: '198.51.100.2', v6: '2001:db8:100::2' },
} as const;

/** Host names that programs on the hosts know, each for the IPv4 and the IPv6 address. */
export const hostNames = { server: 'weir.test', turn: 'turn.test' } as const;

/** A link between two hosts: the device's name at `host` is `net0`, and at the router that of the host. */
interface LocalLink {
  readonly host: 'client' | 'server' | 'turn';
  readonly router: 'gateway' | 'router';
  readonly v4: { readonly host: string; readonly router: string };
  readonly v6: { readonly host: string; readonly router: string };
}

/** The gateway's addresses on the client's side. */
const GATEWAY = { v4: '10.77.0.1', v6: '2001:db8:77::1' };
const links: readonly LocalLink[] = [
  linkOf('client', 'gateway', GATEWAY.v4, GATEWAY.v6),
  linkOf('server', 'router', '203.0.113.1', '2001:db8:113::1'),
  linkOf('turn', 'router', '198.51.100.1', '2001:db8:100::1'),
];
const routerAddresses = { v4: '192.0.2.1', v6: '2001:db8:2::1' };

export class TestNetwork implements AsyncDisposable {
  readonly #hosts: Readonly<Record<HostName, Namespace>>;
  readonly #link: EmulatedLink;
  #disposed: Promise<void> | undefined;

  private constructor(hosts: Readonly<Record<HostName, Namespace>>, link: EmulatedLink) {
    this.#hosts = hosts;
    this.#link = link;
  }

  /**
   * @param link initial settings of the link between gateway and router; default a perfect link
   * @param seconds lifetime after which it removes itself, whatever happens to this process
   * @throws {Error} that says what is missing; nothing is left behind
   */
  static async create(link: LinkSettings = {}, seconds = 600): Promise<TestNetwork> {
    const why = whyNoTestNetwork();
    if (why) throw new Error(`No test network can be made: ${why}.`);
    await using opening = new AsyncDisposableStack();
    const open = async (name: HostName) => opening.use(await Namespace.create(`weir-${name}`));
    const hosts = {
      client: await open('client'),
      gateway: await open('gateway'),
      router: await open('router'),
      server: await open('server'),
      turn: await open('turn'),
    };
    // Addresses can be used at once, without the second that the detection of duplicates takes.
    await Promise.all(
      Object.values(hosts).map((host) => host.execute('sysctl', ['-qw', 'net.ipv6.conf.default.accept_dad=0'])),
    );
    const { gateway, router, ...ends } = hosts;
    const emulated = new EmulatedLink(
      [
        { namespace: gateway.name, address: hostAddresses.gateway.v4 },
        { namespace: router.name, address: routerAddresses.v4 },
      ],
      link,
      seconds,
      Object.values(ends).map(({ name }) => name),
    );
    opening.defer(() => emulated.end());
    await emulated.up();
    await Promise.all([
      ...links.map((one) => connect(hosts, one)),
      connectRouters(gateway, router),
      ...Object.values(ends).map(writeHostNames),
    ]);
    opening.move();
    return new TestNetwork(hosts, emulated);
  }

  /** A host: run programs in it, or start browsers within its `name`. */
  host(name: HostName): Namespace {
    return this.#hosts[name];
  }

  /** Changes the given settings of the link. @returns when they apply to new packets */
  setLink(link: LinkSettings): Promise<void> {
    return this.#link.set(link);
  }

  /**
   * Changes what stands between the client and the Internet, for both address families. What a NAT maps already stays
   * mapped: new sockets get the new rules.
   */
  async setAccess(rule: AccessRule): Promise<void> {
    const { gateway } = this.#hosts;
    await Promise.all([
      gateway.execute('iptables-restore', [], rulesOf(rule, 4)),
      gateway.execute('ip6tables-restore', [], rulesOf(rule, 6)),
    ]);
  }

  /** Gives the client's link these address families: programs see the addresses appear and disappear. */
  async setFamilies({ v4, v6 }: { readonly v4: boolean; readonly v6: boolean }): Promise<void> {
    const { client } = this.#hosts;
    const own = hostAddresses.client;
    await client.ip('-4', 'addr', 'flush', 'dev', DEVICE);
    await client.ip('-6', 'addr', 'flush', 'dev', DEVICE, 'scope', 'global');
    if (v4) {
      await client.ip('addr', 'add', `${own.v4}/24`, 'dev', DEVICE);
      await client.ip('route', 'replace', 'default', 'via', GATEWAY.v4);
    }
    if (v6) {
      await client.ip('addr', 'add', `${own.v6}/64`, 'dev', DEVICE);
      await client.ip('-6', 'route', 'replace', 'default', 'via', GATEWAY.v6);
    }
  }

  /** Kills the programs, ends the link and deletes the namespaces; idempotent. */
  dispose(): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #dispose(): Promise<void> {
    await Promise.all(Object.values(this.#hosts).map((host) => host.dispose()));
    await this.#link.end();
  }
}

/** The device of a host that is no router. */
const DEVICE = 'net0';

function linkOf(host: LocalLink['host'], router: LocalLink['router'], v4: string, v6: string): LocalLink {
  const own = hostAddresses[host];
  return { host, router, v4: { host: own.v4, router: v4 }, v6: { host: own.v6, router: v6 } };
}

/** Joins a host with its router by a pair of virtual Ethernet devices, with a default route. */
async function connect(hosts: Readonly<Record<HostName, Namespace>>, link: LocalLink): Promise<void> {
  const [host, router] = [hosts[link.host], hosts[link.router]];
  await host.ip('link', 'add', DEVICE, 'type', 'veth', 'peer', 'name', link.host, 'netns', router.name);
  const ends = [
    { at: host, device: DEVICE, v4: link.v4.host, v6: link.v6.host },
    { at: router, device: link.host, v4: link.v4.router, v6: link.v6.router },
  ];
  for (const { at, device, v4, v6 } of ends) {
    await at.ip('addr', 'add', `${v4}/24`, 'dev', device);
    await at.ip('addr', 'add', `${v6}/64`, 'dev', device);
    await at.ip('link', 'set', device, 'up');
  }
  await host.ip('route', 'add', 'default', 'via', link.v4.router);
  await host.ip('-6', 'route', 'add', 'default', 'via', link.v6.router);
}

/** Gives the emulated link IPv6, and both ends the routes to what is behind the other. */
async function connectRouters(gateway: Namespace, router: Namespace): Promise<void> {
  for (const [at, address] of [
    [gateway, hostAddresses.gateway.v6],
    [router, routerAddresses.v6],
  ] as const) {
    await at.ip('addr', 'add', `${address}/64`, 'dev', 'em0');
    await at.execute('sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
  }
  await gateway.ip('route', 'add', 'default', 'dev', 'em0');
  await gateway.ip('-6', 'route', 'add', 'default', 'dev', 'em0');
  await router.ip('route', 'add', '10.77.0.0/24', 'dev', 'em0');
  await router.ip('-6', 'route', 'add', '2001:db8:77::/64', 'dev', 'em0');
}

/** Makes the names of hosts known: `ip netns exec` shows this file to its programs as /etc/hosts, and the other as /etc/resolv.conf; `netem.py` removes it. */
async function writeHostNames({ name }: Namespace): Promise<void> {
  const lines = (['server', 'turn'] as const).flatMap((host) =>
    Object.values(hostAddresses[host]).map((address) => `${address} ${hostNames[host]}`),
  );
  await mkdir(`/etc/netns/${name}`, { recursive: true });
  await writeFile(`/etc/netns/${name}/hosts`, ['127.0.0.1 localhost', '::1 localhost', ...lines, ''].join('\n'));
  // A DNS server that refuses at once: Chromium asks one in spite of that file, and waits for its answer.
  await writeFile(`/etc/netns/${name}/resolv.conf`, 'nameserver 127.0.0.1\n');
}
