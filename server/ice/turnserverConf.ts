/** Writes coturn's configuration: a TURN server that relays to the SFU and to nothing else. */
import { isIP } from 'node:net';

export interface TurnserverOptions {
  /** Shared with Weir, which makes credentials with it (`WEIR_TURN_SECRET`). */
  readonly secret: string;
  /** Sent to clients, whose key depends on it; by custom the host name of the server. */
  readonly realm: string;
  /** IP addresses on which it listens and from which it relays; all of the machine's if empty. */
  readonly listeningAddresses?: readonly string[];
  /** UDP and TCP port of `turn:`. */
  readonly port: number;
  /** TCP port of `turns:`, and the paths of certificate chain and key (PEM); without it there is no TLS. */
  readonly tls?: { readonly port: number; readonly cert: string; readonly key: string } | undefined;
  /** First and last of the UDP ports from which is relayed. */
  readonly relayPorts: readonly [first: number, last: number];
  /** IP addresses at which the SFU receives media: the only ones to which is relayed. */
  readonly sfuAddresses: readonly string[];
  /** Allocations of one user at a time. */
  readonly userQuota?: number;
  /** Allocations of all users at a time. */
  readonly totalQuota?: number;
  /** Bytes per second of an allocation, in each direction. */
  readonly maxBytesPerSecond?: number;
  /** Directory of its own, which it can write: for its process id, and for a database that is empty. */
  readonly stateDirectory: string;
  /** System user and group that it becomes once it listens; started by root only. */
  readonly user?: string | undefined;
}

/**
 * A person has two transports, each with an allocation for up to three URLs (UDP, TCP, TLS) on up to four networks
 * (Wi-Fi, cable, VPN, IPv6); and twice that while ICE restarts, because browsers keep the old ones until the new path works.
 */
export const USER_QUOTA = 2 * 3 * 4 * 2;
/** A hundred people at their limit; three times as many with one network and two URLs each. Each takes a relay port. */
export const TOTAL_QUOTA = 100 * USER_QUOTA;
/** 20 Mbit/s: nine tiles in their highest layer, which is more than one transport receives on any page. */
export const MAX_BYTES_PER_SECOND = 2_500_000;
const NONCE_SECONDS = 600;
/** coturn reads lines of up to 1024 bytes. */
const MAX_VALUE = 900;

/** Settings that belong together, with their reason. */
interface Section {
  readonly reason: readonly string[];
  readonly settings: readonly string[];
}

/**
 * The text of `turnserver.conf`. It contains the secret: write it with mode 0600.
 * @throws {RangeError} for an address that is none, or that would allow more than one host; for text that is not one line
 */
export function turnserverConf(options: TurnserverOptions): string {
  requireValid(options);
  return sections(options)
    .map(({ reason, settings }) => [...reason.map((line) => `# ${line}`), ...settings].join('\n'))
    .join('\n\n')
    .concat('\n');
}

function sections(options: TurnserverOptions): Section[] {
  const { secret, realm, listeningAddresses = [], port, tls, relayPorts, sfuAddresses, stateDirectory, user } = options;
  return [
    {
      reason: ["coturn's configuration, written by Weir. It contains a secret: mode 0600."],
      settings: [],
    },
    {
      reason: ['Weir makes credentials for each person with this secret; they expire. The quota counts by person.'],
      settings: ['use-auth-secret', `static-auth-secret=${secret}`, `realm=${realm}`],
    },
    {
      reason: ['Where clients connect. turn: takes UDP and TCP.'],
      settings: [
        ...listeningAddresses.flatMap((address) => [`listening-ip=${address}`, `relay-ip=${address}`]),
        `listening-port=${port}`,
      ],
    },
    tls
      ? {
          reason: ['turns: TLS, for networks that let nothing else through.'],
          settings: [`tls-listening-port=${tls.port}`, `cert=${tls.cert}`, `pkey=${tls.key}`],
        }
      : { reason: ['There is no certificate, so there is no TLS.'], settings: ['no-tls'] },
    {
      reason: ['TLS 1.2 or newer. Browsers do not speak DTLS to TURN servers.'],
      settings: ['no-tlsv1', 'no-tlsv1_1', 'no-dtls'],
    },
    {
      reason: ['The UDP ports from which media is relayed to the SFU.'],
      settings: [`min-port=${relayPorts[0]}`, `max-port=${relayPorts[1]}`],
    },
    {
      reason: [
        'Relay to the SFU and to nothing else. Denying both address families as a whole holds for every encoding of an',
        'address (IPv4-mapped, IPv4-compatible, 6to4, NAT64, Teredo), which lists of private networks do not. coturn looks',
        'up what is allowed before what is denied.',
      ],
      settings: [
        'denied-peer-ip=0.0.0.0-255.255.255.255',
        'denied-peer-ip=::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
        ...sfuAddresses.map((address) => `allowed-peer-ip=${address}`),
        'no-multicast-peers',
      ],
    },
    ...(sfuAddresses.some(isLoopback)
      ? [{ reason: ['The SFU is on this machine only.'], settings: ['allow-loopback-peers'] }]
      : []),
    {
      reason: ['Media is UDP: no TCP connections to other hosts (RFC 6062).'],
      settings: ['no-tcp-relay'],
    },
    {
      reason: [
        'Allocations of one person: two transports, three URLs each on four networks, and twice that while ICE restarts.',
        'Allocations of all. Bytes per second of each allocation, in each direction.',
      ],
      settings: [
        `user-quota=${options.userQuota ?? USER_QUOTA}`,
        `total-quota=${options.totalQuota ?? TOTAL_QUOTA}`,
        `max-bps=${options.maxBytesPerSecond ?? MAX_BYTES_PER_SECOND}`,
      ],
    },
    {
      reason: ['A recorded request cannot be repeated after this many seconds.'],
      settings: [`stale-nonce=${NONCE_SECONDS}`],
    },
    {
      reason: ['No remote administration, and no version for those who look for holes.'],
      settings: ['no-cli', 'no-software-attribute'],
    },
    {
      reason: ['Answers to STUN requests stay short, so that they are of no use to amplify traffic.'],
      settings: ['no-rfc5780', 'no-stun-backward-compatibility', 'response-origin-only-with-rfc5780'],
    },
    { reason: ['Messages can be told from media on the same port (RFC 8489).'], settings: ['fingerprint'] },
    {
      reason: ['An empty database: one that is on this machine could add secrets, and peers that are allowed.'],
      settings: [`userdb=${stateDirectory}/turndb`, `pidfile=${stateDirectory}/turnserver.pid`],
    },
    ...(user === undefined
      ? []
      : [
          {
            reason: ['Privileges are needed for ports below 1024 only.'],
            settings: [`proc-user=${user}`, `proc-group=${user}`],
          },
        ]),
    {
      reason: ['The log goes to stdout: addresses and user names, no secrets.'],
      settings: ['log-file=stdout', 'simple-log'],
    },
  ];
}

function requireValid({ secret, realm, tls, stateDirectory, user, ...options }: TurnserverOptions): void {
  if (options.sfuAddresses.length === 0) throw new RangeError('The TURN server needs an address of the SFU.');
  for (const text of [secret, realm, tls?.cert, tls?.key, stateDirectory, user]) {
    if (text !== undefined && !isOneLine(text)) {
      throw new RangeError('Secret, realm and paths of the TURN server are one line of up to 900 characters.');
    }
  }
  for (const address of [...options.sfuAddresses, ...(options.listeningAddresses ?? [])]) {
    if (!isHost(address)) throw new RangeError(`"${address}" is not the IP address of one host.`);
  }
}

const isOneLine = (text: string) => /^[!#-~][ -~]*$/.test(text) && text.trim() === text && text.length <= MAX_VALUE;

/**
 * Whether this is an IP address, and not "any": coturn takes 0.0.0.0 and :: at the end of a range for "no limit".
 * Scoped addresses (fe80::1%eth0) are none that coturn knows.
 */
function isHost(address: string): boolean {
  return isIP(address) !== 0 && !address.includes('%') && !/^[0:.]+$/.test(address);
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
