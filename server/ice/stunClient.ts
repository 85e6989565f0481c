/** Asks a STUN server which address it sees (RFC 8489, over UDP). */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { isIP, isIPv6 } from 'node:net';
import { errorCode } from '../common/errno.ts';
import { type HostPort, hostPortText } from '../common/hostPort.ts';
import {
  BINDING,
  encodeStunMessage,
  errorCodeOf,
  mappedAddressOf,
  parseStunMessage,
  type StunMessage,
  TRANSACTION_ID_LENGTH,
  type TransportAddress,
} from './stunMessage.ts';

export interface StunRequestOptions {
  /** Ends the request; without it, 39.5 seconds pass until a server counts as silent. */
  readonly signal?: AbortSignal;
  /** Local IP address to send from; chosen by the system otherwise. */
  readonly localAddress?: string;
  /** The first retransmission timeout, in milliseconds; 500 by default (RFC 8489, section 6.2.1). */
  readonly timeout?: number;
}

export interface StunResult {
  /** Where the server saw the request come from. */
  readonly mapped: TransportAddress;
  /** Where it was sent from. */
  readonly local: TransportAddress;
  /** The address of the server that answered. */
  readonly server: TransportAddress;
  /** From the last request before the answer, in milliseconds. */
  readonly roundTripTime: number;
}

/** Why there is no answer that can be used; the message names the server. */
export class StunError extends Error {
  override readonly name = 'StunError';
}

/** RTO, Rc and Rm of RFC 8489, section 6.2.1: requests at 0, 500, 1500, 3500, 7500, 15500 and 31500 ms, then 8 s. */
const RETRANSMISSION = { timeout: 500, requests: 7, lastWait: 16 };

/**
 * Sends a Binding request, and again until there is an answer.
 * @param server an IP address or a host name, with its port
 * @throws {StunError} when the server does not answer, refuses, or cannot be found
 */
export async function stunRequest(server: HostPort, options: StunRequestOptions = {}): Promise<StunResult> {
  const { signal, localAddress, timeout = RETRANSMISSION.timeout } = options;
  const fail = (why: string, cause?: unknown) =>
    new StunError(`The STUN server ${hostPortText(server)} ${why}.`, { cause });
  const address = await resolve(server.host, localAddress).catch((error: unknown) => {
    throw fail(`cannot be found (${errorCode(error) ?? 'unknown'})`, error);
  });
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  try {
    signal?.throwIfAborted();
    if (localAddress !== undefined) {
      socket.bind({ address: localAddress, port: 0 });
      await once(socket, 'listening', { signal });
    }
    socket.connect(server.port, address);
    await once(socket, 'connect', { signal });
    const { message, roundTripTime } = await exchange(socket, timeout, signal);
    const code = message.type === BINDING.error ? (errorCodeOf(message) ?? 'unknown') : undefined;
    if (code !== undefined) throw fail(`answers with error ${code}`);
    const mapped = mappedAddressOf(message);
    if (!mapped) throw fail('answers without an address');
    const { address: localIp, port } = socket.address();
    return { mapped, local: { address: localIp, port }, server: { address, port: server.port }, roundTripTime };
  } catch (error) {
    if (error instanceof StunError) throw error;
    if (errorCode(error) === 'ECONNREFUSED') throw fail('refuses: nothing listens there', error);
    if (errorCode(error) === 'ETIMEDOUT' || signal?.aborted) throw fail('does not answer', error);
    throw fail(`cannot be reached (${errorCode(error) ?? String(error)})`, error);
  } finally {
    socket.close();
  }
}

/** Sends over a connected socket, which drops what comes from elsewhere. @throws {Error} ETIMEDOUT, or of the socket */
async function exchange(
  socket: Socket,
  timeout: number,
  signal?: AbortSignal,
): Promise<{ message: StunMessage; roundTripTime: number }> {
  const transactionId = randomBytes(TRANSACTION_ID_LENGTH);
  const request = encodeStunMessage({ type: BINDING.request, transactionId, attributes: [], fingerprint: true });
  const { promise, resolve, reject } = Promise.withResolvers<{ message: StunMessage; roundTripTime: number }>();
  let sentAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const send = (count: number, wait: number) => {
    if (count === RETRANSMISSION.requests) {
      reject(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }));
      return;
    }
    sentAt = performance.now();
    socket.send(request);
    const isLast = count === RETRANSMISSION.requests - 1;
    timer = setTimeout(send, isLast ? RETRANSMISSION.lastWait * timeout : wait, count + 1, wait * 2);
  };
  const abort = () => reject(signal?.reason);
  socket.on('error', reject);
  socket.on('message', (data) => {
    const message = parseStunMessage(data);
    if (!message?.transactionId.equals(transactionId)) return;
    if (message.type !== BINDING.success && message.type !== BINDING.error) return;
    resolve({ message, roundTripTime: performance.now() - sentAt });
  });
  signal?.addEventListener('abort', abort);
  send(0, timeout);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** The first address of a name, of the family to send from. */
async function resolve(host: string, localAddress: string | undefined): Promise<string> {
  if (isIP(host) !== 0) return host;
  const family = localAddress === undefined ? 0 : isIP(localAddress);
  return (await lookup(host, { family })).address;
}
