/** What stands between a client and the Internet: the rules of its gateway, as iptables-restore reads them. */

/**
 * - `open`: a router that forwards everything.
 * - `nat`: a NAT that keeps a port where it can, so that the mapping is the same for all destinations; packets come in
 *   from where something was sent to only (RFC 4787: endpoint-independent mapping, address and port-dependent filtering).
 * - `symmetric-nat`: the same with another, random port for each destination (address and port-dependent mapping).
 * - `no-udp`: a firewall that drops all UDP and forwards TCP.
 * - `tcp-443`: a firewall that forwards TCP to port 443, and nothing else.
 */
export const accessKinds = ['open', 'nat', 'symmetric-nat', 'no-udp', 'tcp-443'] as const;
export type AccessKind = (typeof accessKinds)[number];

export interface AccessRule {
  readonly kind: AccessKind;
  /** Destinations that get nothing through, whatever the kind: `{ address, protocol }`. */
  readonly closed?: readonly ClosedDestination[];
}

/** A destination, and what of it is dropped. */
export interface ClosedDestination {
  readonly address: string;
  readonly protocol: 'udp' | 'tcp';
  /** Every port but this one is dropped; default all. */
  readonly except?: number;
}

/** The name of the gateway's device towards the Internet. */
const OUTSIDE = 'em0';

/** Rules of one address family. @param family 4 or 6 */
export function rulesOf({ kind, closed = [] }: AccessRule, family: 4 | 6): string {
  const isNat = kind === 'nat' || kind === 'symmetric-nat';
  const filter = [
    ...closed
      .filter(({ address }) => (address.includes(':') ? 6 : 4) === family)
      .map(
        ({ address, protocol, except }) =>
          `-A FORWARD -d ${address} -p ${protocol}${except === undefined ? '' : ` ! --dport ${except}`} -j DROP`,
      ),
    ...forwarding[kind],
  ];
  const nat = isNat
    ? [`-A POSTROUTING -o ${OUTSIDE} -j MASQUERADE${kind === 'symmetric-nat' ? ' --random-fully' : ''}`]
    : [];
  return ['*nat', ...nat, 'COMMIT', '*filter', ...filter, 'COMMIT', ''].join('\n');
}

const inside = `-A FORWARD -i ${OUTSIDE} -m conntrack ! --ctstate ESTABLISHED,RELATED -j DROP`;

/** The rules of each kind, without those of the NAT. */
const forwarding: Readonly<Record<AccessKind, readonly string[]>> = {
  open: [],
  nat: [inside],
  'symmetric-nat': [inside],
  'no-udp': ['-A FORWARD -p udp -j DROP'],
  'tcp-443': [
    '-A FORWARD -p tcp --dport 443 -j ACCEPT',
    '-A FORWARD -p tcp --sport 443 -j ACCEPT',
    '-A FORWARD -j DROP',
  ],
};
