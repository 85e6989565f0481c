/** What an IP address says about itself: its family, and from where it can be reached. */
import { BlockList, isIP, isIPv6 } from 'node:net';

export type IpFamily = 'ipv4' | 'ipv6';

/** The family of an IP address. */
export const familyOf = (address: string): IpFamily => (isIPv6(address) ? 'ipv6' : 'ipv4');

/** `IPv4` or `IPv6`, for messages. */
export const familyName = (address: string): string => (isIPv6(address) ? 'IPv6' : 'IPv4');

const anyAddress = new BlockList();
anyAddress.addAddress('0.0.0.0', 'ipv4');
anyAddress.addAddress('::', 'ipv6');

/** Whether a listening address means all addresses of its family; false for a host name. */
export const isWildcard = (address: string): boolean =>
  isIP(address) !== 0 && anyAddress.check(address, familyOf(address));

/** RFC 1918, RFC 6598, loopback, link-local; RFC 4193 (unique local), RFC 3879 (site-local). */
const privateRanges = new BlockList();
for (const [network, prefix] of [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  privateRanges.addSubnet(network, prefix, 'ipv4');
}
privateRanges.addAddress('::1', 'ipv6');
privateRanges.addSubnet('fc00::', 7, 'ipv6');
privateRanges.addSubnet('fe80::', 10, 'ipv6');
privateRanges.addSubnet('fec0::', 10, 'ipv6');

/** Unspecified, link-local, multicast, reserved. */
const unusableRanges = new BlockList();
unusableRanges.addSubnet('0.0.0.0', 8, 'ipv4');
unusableRanges.addSubnet('169.254.0.0', 16, 'ipv4');
unusableRanges.addSubnet('224.0.0.0', 3, 'ipv4');
unusableRanges.addAddress('::', 'ipv6');
unusableRanges.addSubnet('fe80::', 10, 'ipv6');
unusableRanges.addSubnet('ff00::', 8, 'ipv6');

/** IPv4 written as IPv6. A list of its own: `BlockList` takes an IPv4 address for the same, and finds it in here. */
const mappedRange = new BlockList();
mappedRange.addSubnet('::ffff:0:0', 96, 'ipv6');

const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

/** Whether an IP address cannot be reached from the Internet. */
export const isPrivateAddress = (address: string): boolean => privateRanges.check(address, familyOf(address));

/** Whether an IPv6 address is global unicast (RFC 4291, section 2.5.4). */
export const isGlobalIPv6 = (address: string): boolean => isIPv6(address) && globalUnicast.check(address, 'ipv6');

/** Whether an IP address can be the address of a candidate: browsers ignore others, or cannot send there. */
export function isAnnounceable(address: string): boolean {
  if (isIPv6(address) && mappedRange.check(address, 'ipv6')) return false;
  return !unusableRanges.check(address, familyOf(address));
}

/** The 4 or 16 bytes of an IP address; a zone, such as that of `fe80::1%eth0`, is left out. */
export function ipBytes(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = canonicalIPv6(address.replace(/%.*$/, '')).split('::');
  const groupsOf = (text = '') => text.split(':').filter(Boolean);
  const [before, after] = [groupsOf(head), groupsOf(tail)];
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** An IPv4 address of 4 bytes, or an IPv6 address of 16. */
export const ipText = (bytes: Buffer): string => (bytes.length === 4 ? bytes.join('.') : ipv6Text(bytes));

/** 16 bytes in the form of RFC 5952. */
export function ipv6Text(bytes: Buffer): string {
  return canonicalIPv6((bytes.toString('hex').match(/.{4}/g) ?? []).join(':'));
}

/** The URL standard writes IPv6 addresses as RFC 5952 does, but for embedded IPv4 ones, which stay hexadecimal. */
const canonicalIPv6 = (address: string): string => new URL(`http://[${address}]`).hostname.slice(1, -1);
