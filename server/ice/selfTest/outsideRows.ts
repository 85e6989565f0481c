/** Tests from outside what a server tells browsers: each media candidate with ICE and DTLS. */
import { WeirError } from '../../../shared/errors.ts';
import type { IceCandidate, TransportInfo } from '../../../shared/media.ts';
import type { SelfTestRow } from '../../../shared/selfTest.ts';
import { errorCode } from '../../common/errno.ts';
import type { OpenIcePath } from '../probe/IcePath.ts';
import { DiagnosisPeer } from './DiagnosisPeer.ts';
import { openCandidatePath } from './openCandidatePath.ts';
import { stunRows } from './stunRows.ts';
import { turnRows } from './turnRows.ts';

export interface OutsideTestOptions {
  /** Where browsers open Weir. */
  readonly url: URL;
  /** How long ICE waits for an answer, in milliseconds. */
  readonly iceTimeout: number;
  readonly signal: AbortSignal;
}

/** One row for each candidate, then those of the TURN servers. Never rejects. */
export async function outsideRows(options: OutsideTestOptions): Promise<SelfTestRow[]> {
  const { url, signal } = options;
  let peer: DiagnosisPeer;
  try {
    peer = await DiagnosisPeer.join(url, signal);
  } catch (error) {
    const { message } = WeirError.from(error);
    return [
      {
        check: 'media',
        target: url.host,
        state: 'unknown',
        reason: 'interrupted',
        message: `The media ports cannot be tested from here: ${message}`,
        remedy: 'Correct the signalling first; a server with WEIR_DIAGNOSE=false admits no test.',
      },
    ];
  }
  try {
    const { send, recv } = peer.reply.transports;
    if (!send || !recv) return [];
    const rows = await Promise.all([
      candidateRows(peer, send, 'udp', options),
      candidateRows(peer, recv, 'tcp', options),
      stunRows({ iceServers: peer.reply.iceServers, ownAddresses: undefined, signal }),
      turnRows({
        iceServers: peer.reply.iceServers,
        candidates: send.iceCandidates,
        test: (openPath) => testIce(send, openPath, options),
        signal,
      }),
    ]);
    return rows.flat();
  } finally {
    peer.close();
  }
}

/** ICE without DTLS, which the transport has once. */
async function testIce({ iceParameters }: TransportInfo, openPath: OpenIcePath, options: OutsideTestOptions) {
  const { ClientTransport } = await import('../probe/ClientTransport.ts');
  const transport = await ClientTransport.create();
  try {
    const roundTripTime = await transport.check(iceParameters, openPath, options.iceTimeout);
    return { reached: 'media', roundTripTime } as const;
  } finally {
    transport.close();
  }
}

/** Checks the candidates of one protocol; the first one that answers also shakes hands. */
async function candidateRows(
  peer: DiagnosisPeer,
  info: TransportInfo,
  protocol: IceCandidate['protocol'],
  options: OutsideTestOptions,
): Promise<SelfTestRow[]> {
  const { ClientTransport } = await import('../probe/ClientTransport.ts');
  const { iceTimeout, signal } = options;
  let handshake: Promise<void> | undefined;
  const test = async (candidate: IceCandidate): Promise<SelfTestRow> => {
    const { address, port } = candidate;
    const row = { check: 'media', target: address, protocol, port } as const;
    const transport = await ClientTransport.create();
    const abort = () => transport.close();
    signal.addEventListener('abort', abort);
    try {
      signal.throwIfAborted();
      const roundTripTime = await transport.check(info.iceParameters, openCandidatePath(candidate), iceTimeout);
      // A transport has one DTLS connection, whatever the number of its candidates.
      handshake ??= peer
        .connectTransport(info.transportId, transport.dtlsParameters)
        .then(() => transport.shakeHands(info.dtlsParameters, iceTimeout));
      await handshake;
      return { ...row, state: 'reachable', message: 'The port answers, and the encryption starts.', roundTripTime };
    } catch (error) {
      return { ...row, ...failure(error, handshake !== undefined) };
    } finally {
      signal.removeEventListener('abort', abort);
      transport.close();
    }
  };
  const rows = await Promise.all(info.iceCandidates.filter((one) => one.protocol === protocol).map(test));
  return rows.some(({ state }) => state === 'reachable') ? rows.map(notNeeded) : rows;
}

function failure(error: unknown, answered: boolean): Pick<SelfTestRow, 'state' | 'reason' | 'message' | 'remedy'> {
  const why = errorCode(error) ?? (error instanceof Error ? error.message : String(error));
  if (answered) {
    return {
      state: 'unreachable',
      reason: 'handshakeFailed',
      message: `The port answers, but the encryption does not start: ${why}`,
      remedy:
        'Something on the way drops large packets: compare the MTU of the interfaces, of a VPN or an overlay network.',
    };
  }
  const refused = why === 'ECONNREFUSED';
  return {
    state: 'unreachable',
    reason: refused ? 'refused' : 'noAnswer',
    message: refused ? 'From here, the port is refused.' : `From here, the port does not answer: ${why}`,
    remedy:
      'Browsers are told of this address. Open the port in every firewall, forward it to the server behind NAT, or correct WEIR_ANNOUNCED_ADDRESS.',
  };
}

/** Browsers need one address that is reached; another one may be that of the server's own network. */
function notNeeded(row: SelfTestRow): SelfTestRow {
  if (row.state === 'reachable') return row;
  const { remedy: _, ...rest } = row;
  return {
    ...rest,
    state: 'unknown',
    message: `${row.message} Browsers here use another address; it may be one of another network.`,
  };
}
