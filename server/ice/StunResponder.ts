/** Weir's own STUN server (RFC 8489): answers Binding requests over UDP with the address that they came from. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4, isIPv6 } from 'node:net';
import type { Logger } from 'pino';
import { errorCode as systemErrorCode } from '../common/errno.ts';
import { hostPortText } from '../common/hostPort.ts';
import { isPrivateAddress } from '../common/ipAddress.ts';
import { PrefixRateLimit } from '../common/PrefixRateLimit.ts';
import {
  BINDING,
  encodeStunMessage,
  errorCode,
  parseStunMessage,
  type StunMessage,
  type TransportAddress,
  unknownAttributes,
  unknownTypes,
  xorAddress,
} from './stunMessage.ts';

export interface StunResponderOptions {
  /** Local IP addresses, IPv4 and IPv6. */
  readonly hosts: readonly string[];
  /** UDP, the same on all hosts; 0 for any. */
  readonly port: number;
  readonly log: Logger;
}

/** Longer packets are no Binding requests of any client, in bytes. */
const MAX_REQUEST = 1280;
/**
 * The answer to a request with a forged source goes to somebody who has not asked. It is never longer than this many times
 * the request, so that nobody gains much by it.
 */
const MAX_AMPLIFICATION = 2;
/** Requests per second and at once: of one network, which may be an office behind one address, and of all. */
const RATE = { perSecond: 50, burst: 300 };
const TOTAL_RATE = { perSecond: 2000, burst: 4000, buckets: 1 };
const UNKNOWN_ATTRIBUTE = 420;
/** Attempts to find a port that is free on all hosts. */
const ANY_PORT_TRIES = 20;
/** Each URL takes a browser a socket and a request per network interface. */
const MAX_URLS = 2;

export class StunResponder {
  readonly port: number;
  readonly #sockets: readonly Socket[];
  readonly #perNetwork = new PrefixRateLimit(RATE);
  readonly #total = new PrefixRateLimit(TOTAL_RATE);
  #closed = false;

  private constructor(sockets: readonly Socket[], port: number, log: Logger) {
    this.#sockets = sockets;
    this.port = port;
    for (const socket of sockets) {
      socket.on('message', (data, from) => this.#receive(socket, data, from));
      socket.on('error', (err) => log.warn({ err }, 'STUN socket failed'));
    }
  }

  /**
   * Listens on all hosts, or on none.
   * @returns undefined when the port cannot be opened, which has been logged: calls work without it
   */
  static async start({ hosts, port, log }: StunResponderOptions): Promise<StunResponder | undefined> {
    for (let left = port === 0 ? ANY_PORT_TRIES : 1; ; left -= 1) {
      const sockets: Socket[] = [];
      try {
        let bound = port;
        for (const host of hosts) {
          const socket = createSocket(isIPv6(host) ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' });
          sockets.push(socket);
          socket.bind({ address: host, port: bound, exclusive: true });
          await once(socket, 'listening');
          bound = socket.address().port;
        }
        return new StunResponder(sockets, bound, log);
      } catch (error) {
        for (const socket of sockets) socket.close();
        const code = systemErrorCode(error);
        if (left > 1 && code === 'EADDRINUSE') continue;
        const cause = { EADDRINUSE: 'is in use by another program', EACCES: 'requires privileges' }[code ?? ''];
        log.warn(
          `STUN port ${port} (UDP on ${hosts.join(', ')}) ${cause ?? `cannot be opened (${code ?? String(error)})`}: Weir runs without its own STUN server. Choose another port with WEIR_STUN_PORT, or set it to off.`,
        );
        return undefined;
      }
    }
  }

  /**
   * The URLs (RFC 7064) of this server for browsers. IPv4 only: a browser's request has 20 bytes, the answer over IPv6 44,
   * which is more than `MAX_AMPLIFICATION` allows; and where IPv6 works there is hardly ever a NAT.
   * @param announced the announced addresses, in order of preference
   */
  urls(announced: readonly string[]): string[] {
    const candidates = announced.filter((address) => isIPv4(address));
    const outside = candidates.filter((address) => !isPrivateAddress(address));
    return (outside.length > 0 ? outside : candidates)
      .slice(0, MAX_URLS)
      .map((host) => `stun:${hostPortText({ host, port: this.port })}`);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const socket of this.#sockets) socket.close();
  }

  #receive(socket: Socket, data: Buffer, from: RemoteInfo): void {
    const answer = stunAnswer(data, from);
    if (answer === undefined || this.#closed) return;
    if (!this.#perNetwork.tryTake(from.address) || !this.#total.tryTake(from.address)) return;
    // A failure concerns this answer only: no route to a forged source, a full buffer.
    socket.send(answer, from.port, from.address, () => {});
  }
}

/**
 * The answer to a datagram.
 * @returns undefined for what is not answered: anything but a Binding request, and what asks for an answer of more than
 * twice its length
 */
export function stunAnswer(data: Buffer, from: TransportAddress): Buffer | undefined {
  if (data.length > MAX_REQUEST || from.port === 0) return undefined;
  const request = parseStunMessage(data);
  if (request?.type !== BINDING.request) return undefined;
  const answer = encodeStunMessage(responseTo(request, from));
  return answer.length <= MAX_AMPLIFICATION * data.length ? answer : undefined;
}

function responseTo(request: StunMessage, from: TransportAddress): StunMessage {
  const { transactionId, fingerprint } = request;
  const unknown = unknownTypes(request);
  if (unknown.length > 0) {
    const attributes = [errorCode(UNKNOWN_ATTRIBUTE), unknownAttributes(unknown)];
    return { type: BINDING.error, transactionId, attributes, fingerprint };
  }
  return { type: BINDING.success, transactionId, attributes: [xorAddress(from, transactionId)], fingerprint };
}
