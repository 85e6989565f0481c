/** The addresses of this machine at which browsers may reach it. */
import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { ipv6Text, isAnnounceable, isGlobalIPv6, isPrivateAddress } from './ipAddress.ts';

export type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>;

/** Interfaces that Docker, Podman, CNI, LXC and libvirt make: their addresses are known to containers of this machine only. */
const CONTAINER_BRIDGE =
  /^(docker\d+|docker_gwbridge|br-[0-9a-f]{12}|podman\d+|cni-?podman\d+|cni\d+|lxcbr\d+|lxdbr\d+|virbr\d+)$/;

export const isContainerBridge = (interfaceName: string): boolean => CONTAINER_BRIDGE.test(interfaceName);

/** Where Linux lists IPv6 addresses with their flags, which Node.js does not have. */
const IPV6_TABLE = '/proc/net/if_inet6';
/** Temporary (RFC 8981), failed duplicate detection, deprecated, tentative: `IFA_F_*` of linux/if_addr.h. */
const UNSTABLE_FLAGS = 0x01 | 0x08 | 0x20 | 0x40;

/**
 * The IPv4 addresses of this machine without loopback and bridges for containers, and its global IPv6 addresses without those that are temporary or
 * deprecated; public ones first. Unique local IPv6 addresses (fc00::/7) are announced only where they are configured.
 * @param unstable the IPv6 addresses to leave out
 */
export function ownAddresses(
  interfaces: Interfaces = networkInterfaces(),
  unstable: ReadonlySet<string> = unstableAddresses(),
): string[] {
  return Object.entries(interfaces)
    .flatMap(([name, list]) => (isContainerBridge(name) ? [] : (list ?? [])))
    .filter(({ internal, address }) => !internal && isAnnounceable(address))
    .map(({ address }) => address)
    .filter((address) => isIPv4(address) || (isGlobalIPv6(address) && !unstable.has(address)))
    .sort((a, b) => Number(isPrivateAddress(a)) - Number(isPrivateAddress(b)));
}

/**
 * The IPv6 addresses of this machine that will not last, as Node.js writes them. Empty where the system does not say.
 * @param table the text of `/proc/net/if_inet6`: address, index, prefix length, scope and flags in hexadecimal, name
 */
export function unstableAddresses(table = ipv6Table()): Set<string> {
  const rows = table.split('\n').map((row) => row.trim().split(/\s+/));
  return new Set(
    rows.flatMap(([digits = '', , , , flags = '']) =>
      /^[0-9a-f]{32}$/.test(digits) && (Number.parseInt(flags, 16) & UNSTABLE_FLAGS) !== 0
        ? [ipv6Text(Buffer.from(digits, 'hex'))]
        : [],
    ),
  );
}

function ipv6Table(): string {
  try {
    return readFileSync(IPV6_TABLE, 'utf8');
  } catch {
    return '';
  }
}
