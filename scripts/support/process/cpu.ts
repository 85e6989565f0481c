/** Owns what the Linux kernel says of a process: its time on CPU, its memory, its children; and how idle the machine is. */
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** There is no such process, or none any more. */
export class NoProcess extends Error {
  override readonly name = 'NoProcess';
}

/** Bytes. */
export interface Memory {
  /** Resident: everything mapped and in memory, shared pages in full. */
  readonly rss: number;
  /** Resident, with each shared page divided among those that share it; undefined where the kernel does not tell. */
  readonly pss: number | undefined;
}

/** Time on CPU by thread id, nanoseconds. */
export type ThreadTimes = ReadonlyMap<string, number>;

/**
 * A process's time on CPU, of all its threads. The kernel counts it in nanoseconds at every switch of threads, unlike
 * the ticks of `/proc/<pid>/stat`. Two things are not in it: a thread that begins and ends between two reads, and up to a
 * tick (1 to 10 ms) of a thread that is running at that moment.
 */
export class CpuMeter {
  readonly #read: () => ThreadTimes;
  #last: ThreadTimes = new Map();
  /** Nanoseconds of threads that have ended. */
  #ended = 0;

  /** @param read other than the process's own threads in tests only */
  constructor(pid: number, read: () => ThreadTimes = () => threadTimes(pid)) {
    this.#read = read;
  }

  /** Microseconds on CPU since each of the threads began. It never goes back. @throws {NoProcess} */
  read(): number {
    const now = this.#read();
    for (const [thread, before] of this.#last) {
      // A thread that counts less than before is a new one that was given the id of one that ended.
      if ((now.get(thread) ?? -1) < before) this.#ended += before;
    }
    this.#last = now;
    return this.last;
  }

  /** What the last read gave: all that it had used, once the process has ended. */
  get last(): number {
    let sum = this.#ended;
    for (const time of this.#last.values()) sum += time;
    return sum / 1000;
  }
}

const meters = new Map<number, CpuMeter>();

/** What a `CpuMeter` of that process reads, which is kept from one call to the next; it stands still once it has ended. */
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

/** Milliseconds for which the machine's cores had nothing to do so far, together. */
export function idleMilliseconds(): number {
  return cpus().reduce((sum, { times }) => sum + times.idle, 0);
}

/** Nanoseconds on CPU of every thread that there is now. @throws {NoProcess} */
export function threadTimes(pid: number): ThreadTimes {
  const times = new Map<string, number>();
  for (const thread of ofProcess(pid, () => readdirSync(`/proc/${pid}/task`))) {
    const text = textOf(`/proc/${pid}/task/${thread}/schedstat`);
    // It may end between the two.
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
  // One that has ended and that nobody has waited for has a status without memory.
  if (rss === undefined) throw new NoProcess(`Process ${pid} has ended.`);
  const rollup = textOf(`/proc/${pid}/smaps_rollup`);
  return { rss, pss: rollup === undefined ? undefined : kilobytes(rollup, 'Pss') };
}

/** Ids of the processes that this one has started and that still run, not theirs in turn. @throws {NoProcess} */
export function childrenOf(pid: number): number[] {
  const threads = ofProcess(pid, () => readdirSync(`/proc/${pid}/task`));
  return threads.flatMap((thread) =>
    (textOf(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
  );
}

/** Ids of a process and of all that it, or one of those, has started, as far as they run. */
export function treeOf(pid: number): number[] {
  const children = orElse(
    () => childrenOf(pid),
    () => [],
  );
  return [pid, ...children.flatMap(treeOf)];
}

/** The bytes that a line such as `VmRSS:  1234 kB` tells. */
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

/** The text, or undefined where there is none: what it is about may end at any moment, or be kept from us. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
