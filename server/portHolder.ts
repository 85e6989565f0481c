/** Which program holds a port of this machine, where the system tells: Linux, and a program of the same user or any for root. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

export type PortProtocol = 'tcp' | 'udp';

/** The state of a socket in `/proc/net/tcp` that listens, and of one in `/proc/net/udp` that is bound. */
const states: Readonly<Record<PortProtocol, string>> = { tcp: '0A', udp: '07' };

/** @returns such as `nginx (process 812)`; undefined where it cannot be told */
export function portHolder(protocol: PortProtocol, port: number): string | undefined {
  const sockets = new Set(
    [...socketsAt(protocol, port), ...socketsAt(`${protocol}6`, port)].map((id) => `socket:[${id}]`),
  );
  if (sockets.size === 0) return undefined;
  for (const pid of list('/proc').filter((name) => /^\d+$/.test(name))) {
    const held = list(`/proc/${pid}/fd`).some((fd) =>
      sockets.has(attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? ''),
    );
    if (held) return `${programOf(pid)} (process ${pid})`;
  }
  return undefined;
}

/** The inodes of the sockets that hold a port. */
function socketsAt(table: PortProtocol | `${PortProtocol}6`, port: number): string[] {
  const rows =
    attempt(() => readFileSync(`/proc/net/${table}`, 'utf8'))
      ?.split('\n')
      .slice(1) ?? [];
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const state = states[table.startsWith('tcp') ? 'tcp' : 'udp'];
  return rows.flatMap((row) => {
    const [, address = '', , found, , , , , , inode = ''] = row.trim().split(/\s+/);
    return address.endsWith(local) && found === state ? [inode] : [];
  });
}

/** The name of a program's file; programs may call themselves anything. */
function programOf(pid: string): string {
  return basename(attempt(() => readlinkSync(`/proc/${pid}/exe`)) ?? 'a program').replace(/ \(deleted\)$/, '');
}

function list(directory: string): string[] {
  return attempt(() => readdirSync(directory)) ?? [];
}

/** What belongs to others cannot be read, and what has ended meanwhile is not there. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
