/** Takes a port outside the range of ephemeral ports, so that files that run at the same time do not get its neighbours. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';

/** Linux picks ephemeral ports from 32768 on. */
const PORTS = { first: 20_000, last: 32_000 };

export interface TakenPort {
  readonly port: number;
  release(): void;
}

/**
 * Takes a port of loopback below which there is another free one, for both protocols.
 * @throws {Error} when there is none in a hundred tries
 */
export async function takePortAside(protocol: 'udp' | 'tcp'): Promise<TakenPort> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = PORTS.first + Math.floor(Math.random() * (PORTS.last - PORTS.first));
    try {
      for (const lower of ['udp', 'tcp'] as const) (await take(lower, port - 1))();
      return { port, release: await take(protocol, port) };
    } catch {
      // Somebody has one of them.
    }
  }
  throw new Error('There are no two free ports.');
}

async function take(protocol: 'udp' | 'tcp', port: number): Promise<() => void> {
  if (protocol === 'udp') {
    const socket = dgram.createSocket('udp4').bind(port, '127.0.0.1');
    await once(socket, 'listening');
    return () => socket.close();
  }
  const server = net.createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return () => server.close();
}
