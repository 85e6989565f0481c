/** Finds the program that uses a port of this machine. Works on Linux, for programs of the same user (of any user for root). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

export type PortProtocol = 'tcp' | 'udp';

/** The state of a listening socket in `/proc/net/tcp`, and of a bound one in `/proc/net/udp`. */
const states: Readonly<Record<PortProtocol, string>> = { tcp: '0A', udp: '07' };

/** @returns for example `nginx (process 812)`; undefined if it cannot be found */
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

/** The inodes of the sockets on a port. */
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

/** The name of a program's executable: the process title can be anything. */
function programOf(pid: string): string {
  return basename(attempt(() => readlinkSync(`/proc/${pid}/exe`)) ?? 'a program').replace(/ \(deleted\)$/, '');
}

function list(directory: string): string[] {
  return attempt(() => readdirSync(directory)) ?? [];
}

/** Files of other users' processes cannot be read, and those of processes that have ended are gone. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
