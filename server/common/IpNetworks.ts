/** A list of networks, and whether an IP address is in one of them. */
import { BlockList, isIP } from 'node:net';
import { familyOf, isAnnounceable } from './ipAddress.ts';

export class IpNetworks {
  readonly #list = new BlockList();

  /** @param networks such as `192.0.2.0/24`; without a length, one address */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const { address, length } = parseNetwork(network) ?? {};
      if (address === undefined || length === undefined) throw new RangeError(`${network} is no network`);
      this.#list.addSubnet(address, length, familyOf(address));
    }
  }

  /** IPv4 addresses that are written as IPv6 are in none, nor are those that stand for several machines. */
  contains(address: string): boolean {
    return isIP(address) !== 0 && isAnnounceable(address) && this.#list.check(address, familyOf(address));
  }
}

/** @returns undefined for what is no network */
export function parseNetwork(text: string): { address: string; length: number } | undefined {
  const [, address = '', digits] = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  if (isIP(address) === 0) return undefined;
  const most = familyOf(address) === 'ipv6' ? 128 : 32;
  const length = digits === undefined ? most : Number(digits);
  return length <= most ? { address, length } : undefined;
}
