/** Asks an NTP server how far this machine's clock is off (SNTP, RFC 5905, section 14). */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

const PORT = 123;
const LENGTH = 48;
/** Version 4, mode 3 (client). */
const CLIENT = 0x23;
const SERVER_MODE = 4;
/** Offsets of the timestamps in a message: when the server received it, and when it answered. */
const ORIGIN = 24;
const RECEIVED = 32;
const SENT = 40;
const SECONDS_1900_TO_1970 = 2_208_988_800;

/**
 * How far the clock of `server` is ahead of this machine's, in milliseconds.
 * @param server an IP address or a host name, with a port unless it is 123: `time.example:123`, `[2001:db8::1]:123`
 * @throws {Error} when there is no usable answer before `signal` aborts
 */
export async function clockOffset(server: string, signal: AbortSignal): Promise<number> {
  const { host, port } = parseServer(server);
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' });
  try {
    socket.connect(port, host);
    await once(socket, 'connect', { signal });
    const sentAt = Date.now();
    const began = performance.now();
    const request = Buffer.alloc(LENGTH);
    request[0] = CLIENT;
    writeTime(request, SENT, sentAt);
    socket.send(request);
    const [answer] = await once(socket, 'message', { signal });
    const receivedAt = sentAt + (performance.now() - began);
    if (!Buffer.isBuffer(answer) || !isAnswer(answer, request))
      throw new Error('The answer is not one of an NTP server.');
    return (readTime(answer, RECEIVED) - sentAt + (readTime(answer, SENT) - receivedAt)) / 2;
  } finally {
    socket.close();
  }
}

/** A server that is not synchronised itself has stratum 0 (a "kiss of death") or the leap indicator 3. */
function isAnswer(answer: Buffer, request: Buffer): boolean {
  if (answer.length < LENGTH) return false;
  const [flags = 0, stratum = 0] = answer;
  const echoes = answer.subarray(ORIGIN, ORIGIN + 8).equals(request.subarray(SENT, SENT + 8));
  return (flags & 7) === SERVER_MODE && flags >> 6 !== 3 && stratum > 0 && echoes;
}

function parseServer(server: string): { host: string; port: number } {
  const [, bracketed, name, port] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(server) ?? [];
  // An IPv6 address without brackets has no port.
  return { host: bracketed ?? name ?? server, port: port === undefined ? PORT : Number(port) };
}

function writeTime(message: Buffer, offset: number, time: number): void {
  const seconds = Math.floor(time / 1000);
  message.writeUInt32BE((seconds + SECONDS_1900_TO_1970) % 2 ** 32, offset);
  message.writeUInt32BE(Math.floor((time / 1000 - seconds) * 2 ** 32), offset + 4);
}

function readTime(message: Buffer, offset: number): number {
  const seconds = message.readUInt32BE(offset);
  // The 32 bits wrap in 2036 (RFC 5905, section 6): small values are of the next era.
  const era = seconds < SECONDS_1900_TO_1970 ? 2 ** 32 : 0;
  return (seconds + era - SECONDS_1900_TO_1970 + message.readUInt32BE(offset + 4) / 2 ** 32) * 1000;
}
