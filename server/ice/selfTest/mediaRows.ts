/** Tests every announced address and port with a real ICE, DTLS and RTP round trip, and says what to fix. */
import type { IceCandidate } from '../../../shared/media.ts';
import type { SelfTestRow } from '../../../shared/selfTest.ts';
import type { ProbeOptions, ProbeResult, ProbeTarget } from '../probe/probe.ts';
import { openCandidatePath } from './openCandidatePath.ts';

/** A transport of a media worker that sends audio back, for as long as it is open. */
export interface TestTransport extends ProbeTarget {
  close(): void;
}

/** A media worker as the self-test sees it. */
export interface TestedWorker {
  readonly port: number;
  /** What browsers are told of it. */
  readonly iceCandidates: readonly Pick<IceCandidate, 'address' | 'port' | 'protocol'>[];
  /** @throws {Error} when the worker fails */
  openTransport(): Promise<TestTransport>;
}

export interface MediaTestOptions {
  readonly workers: readonly TestedWorker[];
  /** The addresses of this machine. */
  readonly ownAddresses: ReadonlySet<string>;
  /** How long ICE waits for an answer, in milliseconds. */
  readonly iceTimeout: number;
  /** Runs what costs CPU time. */
  readonly limit: <T>(task: () => Promise<T>) => Promise<T>;
  readonly signal: AbortSignal;
}

type Candidate = TestedWorker['iceCandidates'][number];

/** One row for every worker, announced address and protocol, in this order. Never rejects. */
export async function mediaRows(options: MediaTestOptions): Promise<SelfTestRow[]> {
  const tests = options.workers.flatMap((worker) => worker.iceCandidates.map((candidate) => ({ worker, candidate })));
  return Promise.all(tests.map(({ worker, candidate }) => testCandidate(worker, candidate, options)));
}

async function testCandidate(
  worker: TestedWorker,
  candidate: Candidate,
  { ownAddresses, ...options }: MediaTestOptions,
): Promise<SelfTestRow> {
  const { address: target, protocol, port } = candidate;
  const base = { check: 'media', target, protocol, port } as const;
  try {
    const result = await probeWorker(worker, { ...options, openPath: openCandidatePath(candidate) });
    return { ...base, ...(options.signal.aborted ? interrupted : verdict(target, result, ownAddresses)) };
  } catch {
    return { ...base, ...(options.signal.aborted ? interrupted : workerFailed) };
  }
}

/**
 * Opens a transport on a worker and probes it over a path.
 * @throws {Error} when the worker fails, or the signal aborts before there is a transport
 */
export async function probeWorker(worker: TestedWorker, options: ProbeOptions): Promise<ProbeResult> {
  const { limit, signal } = options;
  const transport = await limit(() => {
    signal.throwIfAborted();
    return worker.openTransport();
  });
  try {
    // Imported when it is needed, so that starting Weir does not wait for it.
    const { probe } = await import('../probe/probe.ts');
    return await probe(transport, options);
  } finally {
    transport.close();
  }
}

type Finding = Pick<SelfTestRow, 'state' | 'reason' | 'message' | 'remedy' | 'roundTripTime'>;

const interrupted: Finding = {
  state: 'unknown',
  reason: 'interrupted',
  message: 'The test ended before there was an answer.',
};

const workerFailed: Finding = {
  state: 'unreachable',
  reason: 'workerFailed',
  message: 'The media worker does not run.',
  remedy: 'See the log of Weir: it says why the worker ended, and starts another one.',
};

/** What a probe means for an address, given whether this machine has it. */
export function verdict(address: string, result: ProbeResult, ownAddresses: ReadonlySet<string>): Finding {
  if ('reached' in result) {
    return { state: 'reachable', message: 'Media passes both ways.', roundTripTime: result.roundTripTime };
  }
  const isOwn = ownAddresses.has(address);
  const own = [...ownAddresses].filter((one) => !isLocal(one)).join(', ') || 'only loopback';
  switch (result.failed) {
    case 'dtls':
      return {
        state: 'unreachable',
        reason: 'handshakeFailed',
        message: `The port answers, but the encryption does not start. ${result.message}`,
        remedy:
          'Something on the way drops large packets or answers in place of Weir: compare the MTU of the interfaces, and look for another WebRTC server on this port.',
      };
    case 'rtp':
      return {
        state: 'unreachable',
        reason: 'mediaLost',
        message: `The port answers, but media of 1200 bytes a packet does not come back.`,
        remedy:
          'Something on the way drops large packets: compare the MTU of the interfaces, of a VPN or an overlay network.',
      };
    case 'ice':
      break;
  }
  const { code } = result;
  if (code === 'ECONNREFUSED' || (code !== undefined && (firewalled.has(code) || (isOwn && noRoute.has(code))))) {
    return {
      state: 'unreachable',
      reason: 'refused',
      message: `The port is refused (${code}).`,
      remedy: isOwn
        ? `A firewall of this machine rejects the packets, or Weir does not listen on ${address}: open the port, and compare WEIR_RTC_HOST.`
        : `${address} is not an address of this machine (${own}). Forward the port from there to this machine, or correct WEIR_ANNOUNCED_ADDRESS.`,
    };
  }
  if (code !== undefined && noRoute.has(code)) {
    return {
      state: 'unreachable',
      reason: 'noRoute',
      message: `This machine has no route to ${address} (${code}).`,
      remedy: `Correct WEIR_ANNOUNCED_ADDRESS, or the network: this machine has ${own}.`,
    };
  }
  if (isOwn) {
    return {
      state: 'unreachable',
      reason: 'noAnswer',
      message: `The port does not answer, although ${address} is an address of this machine.`,
      remedy: `A firewall of this machine drops the packets: open the port.`,
    };
  }
  return {
    state: 'unknown',
    reason: 'hairpin',
    message: `${address} is not an address of this machine (${own}), and the port does not answer from inside. Many routers do not lead packets from inside back to their own public address (hairpin NAT).`,
    remedy: `Test from another network: open /diagnose there, or run npm run doctor -- --url with the address of the page. If it fails there too, forward the port to this machine, or correct WEIR_ANNOUNCED_ADDRESS.`,
  };
}

/** Codes of the system for packets that a firewall of this machine does not let out. */
const firewalled: ReadonlySet<string> = new Set(['EPERM', 'EACCES']);
/** Those for packets that cannot leave; to an address of this machine, they are a firewall's answer. */
const noRoute: ReadonlySet<string> = new Set([
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EINVAL',
]);

/** Loopback and link-local addresses, of which nobody outside is told. */
function isLocal(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address.startsWith('fe80:');
}
