/** The server processes that a load test monitors: the server behind a local address, and its media workers. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { CpuMeter, childrenOf, memoryOf } from '../support/process/cpu.ts';
import type { ProcessRow } from './results.ts';

/** Share of one core since the last poll; undefined where it cannot be read. */
export interface Usage {
  /** The server's Node process. */
  readonly server: number | undefined;
  /** Its media workers together. */
  readonly workers: number | undefined;
}

interface Watched {
  readonly role: 'server' | 'worker';
  readonly pid: number;
  readonly meter: CpuMeter;
  cpu: number;
  at: number;
  readonly shares: number[];
}

/** Polled every second; processes on another machine, or ended ones, have no usage. */
export class Targets {
  readonly #watched: Watched[];

  private constructor(watched: Watched[]) {
    this.#watched = watched;
  }

  /** Finds the server that listens at `url`, if it runs on this machine and its processes are readable. */
  static find(url: string): Targets {
    const { hostname, port, protocol } = new URL(url);
    const isLocal = /^(localhost|127\.|\[::1\]$)/.test(hostname);
    const server = isLocal ? listener(Number(port || (protocol === 'https:' ? 443 : 80))) : undefined;
    if (server === undefined) return new Targets([]);
    const workers = childrenOf(server).filter((pid) => textOf(`/proc/${pid}/comm`).startsWith('mediasoup'));
    return new Targets([watch('server', server), ...workers.map((pid) => watch('worker', pid))]);
  }

  look(): Usage {
    if (this.#watched.length === 0) return { server: undefined, workers: undefined };
    const used = { server: 0, worker: 0 };
    for (const watched of this.#watched) {
      const share = shareOf(watched);
      watched.shares.push(share);
      used[watched.role] += share;
    }
    return { server: used.server, workers: used.worker };
  }

  rows(): ProcessRow[] {
    return this.#watched.map(({ role, pid, shares }) => ({
      role,
      pid,
      cpu: shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length),
      cpuMost: Math.max(0, ...shares),
      rss: orNothing(() => memoryOf(pid).rss),
    }));
  }
}

function watch(role: 'server' | 'worker', pid: number): Watched {
  const meter = new CpuMeter(pid);
  return { role, pid, meter, cpu: orNothing(() => meter.read()), at: performance.now(), shares: [] };
}

function shareOf(watched: Watched): number {
  const cpu = orNothing(() => watched.meter.read());
  const at = performance.now();
  const share = (cpu - watched.cpu) / ((at - watched.at) * 1000);
  watched.cpu = cpu;
  watched.at = at;
  return Math.max(0, share);
}

/** The process that listens on a TCP port, by the inode of its socket. */
function listener(port: number): number | undefined {
  const LISTEN = '0A';
  const wanted = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of textOf(table).split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === LISTEN && Number.parseInt(local.split(':')[1] ?? '', 16) === port) wanted.add(`socket:[${inode}]`);
    }
  }
  if (wanted.size === 0) return undefined;
  return pids().find((pid) => sockets(pid).some((link) => wanted.has(link)));
}

/** Empty where there is no `/proc`. */
function pids(): number[] {
  return orNothing(() => readdirSync('/proc').map(Number).filter(Number.isInteger), []);
}

function sockets(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  return orNothing(() => readdirSync(directory), []).map((name) =>
    orNothing(() => readlinkSync(`${directory}/${name}`), ''),
  );
}

function textOf(file: string): string {
  return orNothing(() => readFileSync(file, 'utf8'), '');
}

/** A process may end at any moment, or be unreadable. */
function orNothing(read: () => number): number;
function orNothing<T>(read: () => T, nothing: T): T;
function orNothing<T>(read: () => T, nothing?: T): T | number {
  try {
    return read();
  } catch {
    return nothing ?? 0;
  }
}
