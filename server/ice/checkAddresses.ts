/** Compares the announced addresses with this machine's interfaces and listeners, and says what browsers will not reach. */
import { isIPv6 } from 'node:net';
import { familyName, familyOf, isPrivateAddress, isWildcard } from '../common/ipAddress.ts';
import { type Interfaces, isContainerBridge } from '../common/ownAddresses.ts';

export interface AddressFinding {
  readonly code: /** An address of an interface, or one that only NAT leads here: as it should be. */
    | 'ownAddress'
    | 'behindNat'
    /** What a STUN server sees is announced. */
    | 'stunAgrees'
    | 'privateAddress'
    | 'bridgeAddress'
    | 'foreignAddress'
    | 'wrongInterface'
    | 'unresolved'
    | 'stunDiffers'
    | 'stunFailed';
  readonly level: 'ok' | 'warning' | 'error';
  /** What it is about: an address, a host name, a STUN server. */
  readonly target: string;
  /** One sentence or two. */
  readonly message: string;
  /** What to do about it; absent where nothing has to be done. */
  readonly fix?: string;
}

export interface AddressFacts {
  readonly interfaces: Interfaces;
  /** The IP addresses of WEIR_RTC_HOST. */
  readonly listening: readonly string[];
  /** The IP addresses that browsers are told. */
  readonly announced: readonly string[];
  /** Whether they are configured, or were found by Weir. */
  readonly configured: boolean;
  /** Configured host names that do not resolve. */
  readonly unresolved?: readonly string[];
  /** Whether this process runs in a container. */
  readonly container: boolean;
  /** What a STUN server elsewhere answered: the address that it sees, or why there is none. */
  readonly stun?:
    | { readonly server: string; readonly mapped: string }
    | { readonly server: string; readonly error: string };
}

/** One finding for each announced address, host name that does not resolve, and STUN server. */
export function checkAddresses(facts: AddressFacts): AddressFinding[] {
  return [
    ...facts.announced.map((address) => checkAddress(address, facts)),
    ...(facts.unresolved ?? []).map(unresolvedName),
    ...checkStun(facts),
  ];
}

function checkAddress(address: string, facts: AddressFacts): AddressFinding {
  const owner = ownerOf(address, facts.interfaces);
  if (!isListening(address, owner, facts)) return wrongInterface(address, owner, facts);
  return owner === undefined ? checkForeign(address, facts) : checkOwn(address, owner, facts);
}

/** An address that an interface of this machine has. */
function checkOwn(target: string, owner: string, facts: AddressFacts): AddressFinding {
  const { announced, configured } = facts;
  if (isContainerBridge(owner) || isContainerAddress(target, facts)) {
    return {
      code: 'bridgeAddress',
      level: 'error',
      target,
      message: isContainerBridge(owner)
        ? `${target} is the address of ${owner}, a bridge for containers: only containers of this machine reach it.`
        : `${target} is the address of a container on a bridge: only its own host reaches it.`,
      fix: "Set WEIR_ANNOUNCED_ADDRESS to the host's address as browsers know it, and publish the media ports, UDP and TCP, under their own numbers; or run the container in the host's network.",
    };
  }
  const ok: AddressFinding = {
    code: 'ownAddress',
    level: 'ok',
    target,
    message: `${target} is this machine's (${owner}).`,
  };
  if (!isPrivateAddress(target) || announced.some((address) => !isPrivateAddress(address))) return ok;
  const outside = ownPublic(facts);
  const reach = isLoopback(target, facts.interfaces) ? 'from this machine only' : 'from its own network only';
  if (outside.length > 0 && !isBoundElsewhere(facts)) {
    return {
      ...ok,
      code: 'privateAddress',
      level: 'warning',
      message: `${target} is reachable ${reach}, although this machine has the public address ${outside.join(', ')}.`,
      fix: `Add ${outside.join(',')} to WEIR_ANNOUNCED_ADDRESS, unless nobody from outside takes part.`,
    };
  }
  // Whoever has set it means it.
  if (configured) return { ...ok, message: `${target} is this machine's (${owner}), and reachable ${reach}.` };
  return {
    ...ok,
    code: 'privateAddress',
    level: 'warning',
    message: `${target} is reachable ${reach}.`,
    fix: 'Behind NAT, set WEIR_ANNOUNCED_ADDRESS to the public address.',
  };
}

/** An address that no interface of this machine has: NAT, or a mistake. */
function checkForeign(target: string, facts: AddressFacts): AddressFinding {
  const family = familyOf(target);
  const sameFamily = ownPublic(facts).filter((address) => familyOf(address) === family);
  const own = ownList(facts.interfaces);
  const warning = { code: 'foreignAddress', level: 'warning', target } as const;
  if (facts.container) return behindNat(target, "the container's host has to forward the media ports");
  if (isPrivateAddress(target)) {
    return {
      ...warning,
      message: `${target} is a private address, and not one of this machine, which has ${own}.`,
      fix: 'Correct WEIR_ANNOUNCED_ADDRESS, unless a router of your network leads this address here.',
    };
  }
  if (sameFamily.length > 0) {
    return {
      ...warning,
      message: `${target} is not an address of this machine, which has the public address ${sameFamily.join(', ')}.`,
      fix: 'Correct WEIR_ANNOUNCED_ADDRESS, unless a load balancer or a second router leads this address here.',
    };
  }
  if (isIPv6(target)) {
    return {
      ...warning,
      message: `${target} is not an address of this machine, which has no global IPv6 address (it has ${own}).`,
      fix: 'Correct WEIR_ANNOUNCED_ADDRESS, or give this machine the address: IPv6 is hardly ever translated.',
    };
  }
  return behindNat(target, 'the router there has to forward the media ports, UDP and TCP');
}

function behindNat(target: string, what: string): AddressFinding {
  const message = `${target} is not an address of this machine, as it is behind NAT: ${what} to this machine under the same numbers.`;
  return { code: 'behindNat', level: 'ok', target, message };
}

/** Whether packets to an announced address would be received, once they are at this machine. */
function isListening(address: string, owner: string | undefined, { listening, interfaces }: AddressFacts): boolean {
  const family = listening.filter((host) => familyOf(host) === familyOf(address));
  if (family.some((host) => isWildcard(host) || host === address)) return true;
  // Behind NAT the router leads the address to any of them, but never to loopback.
  return owner === undefined && family.some((host) => !isLoopback(host, interfaces));
}

function wrongInterface(target: string, owner: string | undefined, { listening }: AddressFacts): AddressFinding {
  const wildcard = isIPv6(target) ? '::' : '0.0.0.0';
  return {
    code: 'wrongInterface',
    level: 'error',
    target,
    message: `WEIR_RTC_HOST=${listening.join(',')} does not receive what is sent to ${target}${owner === undefined ? '' : `, which is on ${owner}`}.`,
    fix: `Add ${owner === undefined ? wildcard : target} to WEIR_RTC_HOST, or set it to ${wildcard} for all ${familyName(target)} addresses; or announce the address that it has.`,
  };
}

function unresolvedName(target: string): AddressFinding {
  return {
    code: 'unresolved',
    level: 'warning',
    target,
    message: `The host name ${target} cannot be resolved at present; Weir tries again every minute.`,
    fix: 'Correct WEIR_ANNOUNCED_ADDRESS or the DNS record, or announce an IP address.',
  };
}

function checkStun({ stun, announced, listening }: AddressFacts): AddressFinding[] {
  if (stun === undefined) return [];
  const target = stun.server;
  if ('error' in stun) {
    const fix = 'Check WEIR_STUN_SERVER; if it is right, UDP from this machine to the Internet is blocked.';
    return [{ code: 'stunFailed', level: 'warning', target, message: stun.error, fix }];
  }
  const { mapped } = stun;
  if (announced.includes(mapped)) {
    const message = `The STUN server ${target} sees this machine at ${mapped}, which is announced.`;
    return [{ code: 'stunAgrees', level: 'ok', target, message }];
  }
  const listens = listening.some((host) => familyOf(host) === familyOf(mapped));
  return [
    {
      code: 'stunDiffers',
      level: 'warning',
      target,
      message: `The STUN server ${target} sees this machine at ${mapped}, but ${announced.join(', ')} is announced.`,
      fix: listens
        ? `Set WEIR_ANNOUNCED_ADDRESS to ${mapped}, unless packets from outside come in at another address than they leave by.`
        : `Announce ${mapped}, and add ${isIPv6(mapped) ? '::' : '0.0.0.0'} to WEIR_RTC_HOST.`,
    },
  ];
}

/** The name of the interface that has an address. */
function ownerOf(address: string, interfaces: Interfaces): string | undefined {
  return Object.entries(interfaces).find(([, list]) => list?.some((one) => one.address === address))?.[0];
}

function isLoopback(address: string, interfaces: Interfaces): boolean {
  const known = Object.values(interfaces).flatMap((list) => list ?? []);
  return known.some((one) => one.address === address && one.internal);
}

/** Public addresses of this machine's interfaces. */
function ownPublic({ interfaces }: AddressFacts): string[] {
  const all = Object.values(interfaces).flatMap((list) => list ?? []);
  return all.filter(({ internal, address }) => !internal && !isPrivateAddress(address)).map(({ address }) => address);
}

/** Whether Weir listens on chosen addresses only: others are left out on purpose. */
const isBoundElsewhere = ({ listening }: AddressFacts): boolean => !listening.some(isWildcard);

/** The networks that Docker and Podman give to bridges by default: 172.16.0.0/12, 10.88.0.0/15. */
const BRIDGE_NETWORKS = /^(172\.(1[6-9]|2\d|3[01])|10\.8[89])\./;

/**
 * Whether an own address is that of a container on a bridge: no interface of a host is visible, as the host's bridges are in
 * the host's network.
 */
function isContainerAddress(address: string, { container, interfaces }: AddressFacts): boolean {
  if (!container || !BRIDGE_NETWORKS.test(address)) return false;
  const names = Object.keys(interfaces).filter((name) => name !== 'lo');
  return names.every((name) => /^eth\d+$/.test(name));
}

function ownList(interfaces: Interfaces): string {
  const all = Object.values(interfaces).flatMap((list) => list ?? []);
  const found = all.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  return found.map(({ address }) => address).join(', ') || 'only loopback';
}
