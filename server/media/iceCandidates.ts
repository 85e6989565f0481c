/** The ICE candidates of a media port: each announced address, by UDP and by TCP (RFC 8445, RFC 6544). */
import { createHash } from 'node:crypto';
import type { IceCandidate } from '../../shared/media.ts';

/**
 * Type preferences: 126 as RFC 8445, section 5.1.2.2, recommends for host candidates; lower for TCP, so that any UDP
 * candidate comes before any TCP candidate (RFC 6544, section 4.2).
 */
const TYPE_PREFERENCE = { udp: 126, tcp: 90 } as const;
/** RTP and RTCP share one component (RFC 5761). */
const COMPONENT = 1;

/**
 * One UDP and one TCP candidate for each address, in the order of preference of the addresses, whatever their family.
 * mediasoup would make one per listening socket; the addresses that are announced are others behind NAT, may be several, and
 * change.
 * @param addresses IP addresses, those of families only that the port listens on
 */
export function iceCandidates(addresses: readonly string[], port: number): IceCandidate[] {
  const candidate = (protocol: 'udp' | 'tcp', address: string, index: number): IceCandidate => ({
    foundation: foundation(protocol, address),
    priority: priority(protocol, index),
    ip: address,
    address,
    protocol,
    port,
    type: 'host',
    ...(protocol === 'tcp' && { tcpType: 'passive' }),
  });
  return [
    ...addresses.map((address, index) => candidate('udp', address, index)),
    ...addresses.map((address, index) => candidate('tcp', address, index)),
  ];
}

/** @param index the place of the address in the order of preference */
function priority(protocol: 'udp' | 'tcp', index: number): number {
  // TCP: direction preference 4 for passive candidates, in the upper three bits (RFC 6544, section 4.2).
  const localPreference = protocol === 'udp' ? 0xffff - index : (4 << 13) + 0x1fff - index;
  return TYPE_PREFERENCE[protocol] * 2 ** 24 + localPreference * 2 ** 8 + (256 - COMPONENT);
}

/**
 * Differs for candidates of another address or protocol, as RFC 8445, section 5.1.1.3, requires, and stays the same for the
 * same ones, whichever are announced beside them.
 */
function foundation(protocol: 'udp' | 'tcp', address: string): string {
  return createHash('sha256').update(`${protocol} ${address}`).digest('hex').slice(0, 16);
}
