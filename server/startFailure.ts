/** Explains why Weir cannot start, for whoever starts it: the cause, the variable to change, and what to do. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { errorCode } from './common/errno.ts';
import type { Config } from './config/Config.ts';
import { ConfigError } from './config/ConfigError.ts';
import { PageMissingError } from './features/PageDocument.ts';
import { AnnouncedAddressError } from './ice/AnnouncedAddresses.ts';
import { MediaWorkerError } from './media/MediaWorker.ts';
import { MediaPortError } from './media/WorkerPool.ts';
import { type PortProtocol, portHolder } from './portHolder.ts';

/** Errors whose message is a sentence for whoever starts Weir. */
const withSentence = [ConfigError, PageMissingError, MediaWorkerError, AnnouncedAddressError] as const;
/** A media worker needs some file descriptors. With fewer left than this, their lack is the cause of a failed start. */
const MIN_FREE_FILES = 12;

/** An address and port that could not be opened, and the variables that set them. */
interface Endpoint {
  readonly what: string;
  readonly protocol: PortProtocol;
  readonly address: string;
  readonly port: number;
  readonly hostVariable: string;
  readonly portVariable: string;
}

/**
 * @param config undefined if it is the configuration that is invalid
 * @returns one or two sentences
 */
export async function startFailure(error: unknown, config?: Config): Promise<string> {
  if (error instanceof Error && withSentence.some((kind) => error instanceof kind)) return error.message;
  if (error instanceof MediaPortError) {
    const variables = { hostVariable: 'WEIR_RTC_HOST', portVariable: 'WEIR_RTC_PORT' } as const;
    for (const address of error.ips) {
      for (const protocol of ['udp', 'tcp'] as const) {
        const endpoint: Endpoint = { what: 'Media port', address, port: error.port, protocol, ...variables };
        const sentence = endpointSentence(await bindingFailure(endpoint), endpoint);
        if (sentence !== undefined) return sentence;
      }
    }
    return error.message;
  }
  const code = errorCode(error);
  if (config && error instanceof Error && 'syscall' in error && typeof error.syscall === 'string') {
    const { host: address, port } = config;
    const variables = { hostVariable: 'WEIR_HOST', portVariable: 'WEIR_PORT' } as const;
    const listening = /listen|bind|getaddrinfo/.test(error.syscall);
    const sentence =
      listening && endpointSentence(code, { what: 'Port', protocol: 'tcp', address, port, ...variables });
    if (sentence) return sentence;
  }
  return resourceSentence(code) ?? (error instanceof Error ? error.message : String(error));
}

function endpointSentence(code: string | undefined, endpoint: Endpoint): string | undefined {
  const { what, protocol, address, port, hostVariable, portVariable } = endpoint;
  const named = `${what} ${port} (${protocol.toUpperCase()} on ${address})`;
  switch (code) {
    case 'EADDRINUSE': {
      const holder = portHolder(protocol, port);
      return `${named} is in use by ${holder ?? 'another program'}: end that program, or choose another port with ${portVariable}.`;
    }
    case 'EACCES':
      return `${named} requires privileges: choose one from 1024 on with ${portVariable}, or use a proxy in front of Weir.`;
    case 'EADDRNOTAVAIL':
      return `${hostVariable}=${address} is not an address of this machine, which has ${ownAddressList()}: choose one of them, or ${address.includes(':') ? '::' : '0.0.0.0'} for all.`;
    case 'EAFNOSUPPORT':
      return `${hostVariable}=${address} cannot be used: this machine does not support ${address.includes(':') ? 'IPv6' : 'IPv4'}.`;
    case 'EINVAL':
      return `${hostVariable}=${address} cannot be used: a link-local address needs its interface, such as fe80::1%eth0.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${hostVariable}=${address} cannot be resolved: use an IP address, or a name that this machine can resolve.`;
    default:
      return undefined;
  }
}

function ownAddressList(): string {
  const found = Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []);
  return found.length > 0 ? found.join(', ') : 'none';
}

/** How many more files may be opened; infinite if the system does not say. */
function filesLeft(): number {
  try {
    const [, limit] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit) - readdirSync('/proc/self/fd').length;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function resourceSentence(code: string | undefined): string | undefined {
  // mediasoup reports another error when a worker cannot be spawned for lack of file descriptors.
  if (code === 'EMFILE' || code === 'ENFILE' || filesLeft() < MIN_FREE_FILES) {
    return 'The limit of open files is too low: raise it (ulimit -n, or LimitNOFILE= in a unit file) to 65536.';
  }
  if (code === 'EAGAIN') return 'The limit of processes is reached: raise it (ulimit -u, or TasksMax= in a unit file).';
  if (code === 'ENOMEM') return 'There is not enough memory to start.';
  return undefined;
}

/** The error code of binding an endpoint. The media worker reports a text only, so the same is tried here. */
async function bindingFailure({ protocol, address, port }: Endpoint): Promise<string | undefined> {
  try {
    if (protocol === 'udp') {
      const socket = dgram.createSocket(address.includes(':') ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' });
      try {
        socket.bind({ address, port, exclusive: true });
        await once(socket, 'listening');
      } finally {
        socket.close();
      }
    } else {
      const server = net.createServer();
      try {
        server.listen({ host: address, port, exclusive: true, ipv6Only: true });
        await once(server, 'listening');
      } finally {
        server.close();
      }
    }
    return undefined;
  } catch (error) {
    return errorCode(error);
  }
}
