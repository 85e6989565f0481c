/** The coturn of this machine: where it is, its version, and whether it could open its ports. */
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { accessSync, constants, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { errorCode } from '../../server/common/errno.ts';
import { type PortProtocol, portHolder } from '../../server/portHolder.ts';

/** The first version without the known ways around lists of denied addresses (CVE-2026-27624). */
const FIXED = [4, 9] as const;

/** @returns the path of `turnserver`, as the shell finds it */
export function findTurnserver(path = process.env.PATH ?? ''): string | undefined {
  return path
    .split(':')
    .map((directory) => join(directory || '.', 'turnserver'))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Why this coturn should be replaced, as a sentence; undefined where it need not. */
export function versionWarning(turnserver: string): string | undefined {
  const said = execFileSync(turnserver, ['--version'], { encoding: 'utf8' });
  const [, version] = /^(?:Coturn-)?(\d+\.\d+\.\d+)/m.exec(said) ?? [];
  if (version === undefined)
    return `${turnserver} does not say its version. Versions before ${FIXED.join('.')}.0 have known holes.`;
  if (isFixed(version.split('.').map(Number))) return undefined;
  return `coturn ${version} has known holes (CVE-2026-27624: addresses in IPv4-mapped or 6to4 form pass ordinary lists of denied addresses; fixed in ${FIXED.join('.')}.0). This configuration denies all of IPv4 and IPv6 and allows the addresses of the SFU only, so that no form of an address passes. Use a current version all the same.`;
}

function isFixed([major = 0, minor = 0]: number[]): boolean {
  return major > FIXED[0] || (major === FIXED[0] && minor >= FIXED[1]);
}

/** The system user of Debian's and other packages, which coturn becomes when root starts it. */
export function systemUser(): { name: string; uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const wanted of ['turnserver', 'coturn']) {
    const [name, , uid, gid] = users.find(([one]) => one === wanted) ?? [];
    if (name !== undefined) return { name, uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

export interface ListeningPort {
  readonly protocol: PortProtocol;
  /** Undefined for all of this machine. */
  readonly address: string | undefined;
  readonly port: number;
  /** Whether it is the one of `turns:`. */
  readonly isTls: boolean;
}

/** Why coturn could not listen there, as a sentence with what to do; undefined where it can. */
export async function portProblem(listening: ListeningPort, turnserver: string): Promise<string | undefined> {
  const { protocol, address, port, isTls } = listening;
  const named = `Port ${port} (${protocol.toUpperCase()}${address === undefined ? '' : ` on ${address}`})`;
  switch (await bindingFailure(listening)) {
    case undefined:
      return undefined;
    case 'EADDRINUSE': {
      const holder = portHolder(protocol, port) ?? 'another program';
      const weir =
        protocol === 'udp' ? " If that is Weir's own STUN server, give it another port with WEIR_STUN_PORT." : '';
      const advice = isTls ? ' A web server and coturn can share port 443 on two addresses: WEIR_TURN_HOST.' : '';
      return `${named} is in use by ${holder}: end it, or name another port in WEIR_TURN_URLS.${weir}${advice}`;
    }
    case 'EACCES':
      if (mayBindLowPorts(turnserver)) return undefined;
      return `${named} needs a right that you do not have: start this as root, or give it to coturn once with: sudo setcap cap_net_bind_service=+ep ${turnserver}`;
    case 'EADDRNOTAVAIL':
      return `WEIR_TURN_HOST: ${address} is not an address of this machine.`;
    default:
      return `${named} cannot be opened.`;
  }
}

async function bindingFailure({ protocol, address, port }: ListeningPort): Promise<string | undefined> {
  try {
    if (protocol === 'udp') {
      const socket = createSocket(address?.includes(':') ? 'udp6' : 'udp4');
      try {
        socket.bind({ address, port, exclusive: true });
        await once(socket, 'listening');
      } finally {
        socket.close();
      }
    } else {
      const server = createServer();
      try {
        server.listen({ host: address ?? '0.0.0.0', port, exclusive: true });
        await once(server, 'listening');
      } finally {
        server.close();
      }
    }
    return undefined;
  } catch (error) {
    return errorCode(error) ?? 'unknown';
  }
}

function mayBindLowPorts(turnserver: string): boolean {
  try {
    return execFileSync('getcap', [turnserver], { encoding: 'utf8' }).includes('cap_net_bind_service');
  } catch {
    // Without getcap nobody can have given it the capability by hand, or coturn says itself that it has not.
    return false;
  }
}
