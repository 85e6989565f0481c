/** Reads CPU time, memory and children of processes from the Linux kernel, and the machine's idle time. */
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** The process does not exist, or no longer. */
export class NoProcess extends Error {
  override readonly name = 'NoProcess';
}

/** Bytes. */
export interface Memory {
  /** Resident: all mapped pages in memory, shared ones in full. */
  readonly rss: number;
  /**
   * Resident, with each shared page divided among the processes that share it; undefined where the kernel does not
   * report it.
   */
  readonly pss: number | undefined;
}

/** CPU time by thread id, nanoseconds. */
export type ThreadTimes = ReadonlyMap<string, number>;

/**
 * CPU time of all threads of a process. The kernel counts it in nanoseconds at every context switch, unlike the ticks
 * of `/proc/<pid>/stat`. It misses threads that begin and end between two reads, and up to a tick (1 to 10 ms) of a
 * thread that is running at that moment.
 */
export class CpuMeter {
  readonly #read: () => ThreadTimes;
  #last: ThreadTimes = new Map();
  /** Nanoseconds of threads that have ended. */
  #ended = 0;

  /** @param read replaced in tests only */
  constructor(pid: number, read: () => ThreadTimes = () => threadTimes(pid)) {
    this.#read = read;
  }

  /** Microseconds of CPU since the process began; monotonic. @throws {NoProcess} */
  read(): number {
    const now = this.#read();
    for (const [thread, before] of this.#last) {
      // A thread with a smaller count is a new one that reuses the id.
      if ((now.get(thread) ?? -1) < before) this.#ended += before;
    }
    this.#last = now;
    return this.last;
  }

  /** The last value read: the total, once the process has ended. */
  get last(): number {
    let sum = this.#ended;
    for (const time of this.#last.values()) sum += time;
    return sum / 1000;
  }
}

const meters = new Map<number, CpuMeter>();

/** Reads the `CpuMeter` of that process, which is cached between calls; constant once the process has ended. */
export function cpuMicroseconds(pid: number): number {
  const meter = meters.get(pid) ?? new CpuMeter(pid);
  meters.set(pid, meter);
  return orElse(
    () => meter.read(),
    () => meter.last,
  );
}

/** Resident memory in bytes; 0 once the process has ended. */
export function residentBytes(pid: number): number {
  return orElse(
    () => memoryOf(pid).rss,
    () => 0,
  );
}

/** Idle time of the machine's cores in total, in milliseconds. */
export function idleMilliseconds(): number {
  return cpus().reduce((sum, { times }) => sum + times.idle, 0);
}

/** CPU nanoseconds of every current thread. @throws {NoProcess} */
export function threadTimes(pid: number): ThreadTimes {
  const times = new Map<string, number>();
  for (const thread of ofProcess(pid, () => readdirSync(`/proc/${pid}/task`))) {
    const text = textOf(`/proc/${pid}/task/${thread}/schedstat`);
    // A thread may end between listing and reading.
    if (text !== undefined) times.set(thread, Number(text.split(' ')[0]));
  }
  if (times.size === 0) throw new NoProcess(`Process ${pid} has ended, or this kernel keeps no schedstat.`);
  return times;
}

/** @throws {NoProcess} */
export function memoryOf(pid: number): Memory {
  const rss = kilobytes(
    ofProcess(pid, () => readFileSync(`/proc/${pid}/status`, 'utf8')),
    'VmRSS',
  );
  // A zombie has a status without memory.
  if (rss === undefined) throw new NoProcess(`Process ${pid} has ended.`);
  const rollup = textOf(`/proc/${pid}/smaps_rollup`);
  return { rss, pss: rollup === undefined ? undefined : kilobytes(rollup, 'Pss') };
}

/** Ids of the running direct children. @throws {NoProcess} */
export function childrenOf(pid: number): number[] {
  const threads = ofProcess(pid, () => readdirSync(`/proc/${pid}/task`));
  return threads.flatMap((thread) =>
    (textOf(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
  );
}

/** Ids of a process and its running descendants. */
export function treeOf(pid: number): number[] {
  const children = orElse(
    () => childrenOf(pid),
    () => [],
  );
  return [pid, ...children.flatMap(treeOf)];
}

/** Bytes of a line such as `VmRSS:  1234 kB`. */
function kilobytes(text: string, name: string): number | undefined {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text);
  return found ? Number(found[1]) * 1024 : undefined;
}

/** `read`, or `otherwise` where the process has ended. */
function orElse<T>(read: () => T, otherwise: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof NoProcess) return otherwise();
    throw error;
  }
}

function ofProcess<T>(pid: number, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new NoProcess(`There is no process ${pid}.`, { cause });
  }
}

/** The text, or undefined: the process may end at any moment, or be unreadable. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
