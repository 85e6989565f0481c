/** A Chromium with a profile on disk and one page that sends or receives files, and the memory of all of its processes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchChromiumWithProfile } from '../../support/browsers/chromium.ts';
import { FileVisitor } from '../../support/browsers/FileVisitor.ts';
import type { FileVisitorOptions } from '../../support/browsers/fileVisitorPage.ts';
import { childrenOf, memoryOf, NoProcess, treeOf } from '../../support/process/cpu.ts';

/** How often memory is read, in milliseconds. */
const INTERVAL = 250;

/** Bytes, of all processes of a browser together. */
export interface BrowserMemory {
  readonly before: number;
  readonly peak: number;
  readonly after: number;
}

export class FileBrowser implements AsyncDisposable {
  readonly visitor: FileVisitor;
  readonly #pids: readonly number[];
  readonly #end: () => Promise<void>;

  private constructor(visitor: FileVisitor, pids: readonly number[], end: () => Promise<void>) {
    this.visitor = visitor;
    this.#pids = pids;
    this.#end = end;
  }

  /** One after the other: the processes of a browser are those that appear while it starts. @param within a namespace */
  static async open(options: FileVisitorOptions, within?: string): Promise<FileBrowser> {
    await using opening = new AsyncDisposableStack();
    const profile = await mkdtemp(join(tmpdir(), 'weir-files-'));
    opening.defer(() => rm(profile, { recursive: true, force: true, maxRetries: 5 }));
    const earlier = new Set(childrenOf(process.pid));
    const browser = await launchChromiumWithProfile(profile, {
      devices: 'fps=30',
      secure: options.url,
      ...(within && { within }),
    });
    opening.defer(() => browser.close());
    const pids = childrenOf(process.pid).filter((pid) => !earlier.has(pid));
    const visitor = await FileVisitor.enter(browser, options);
    const owned = opening.move();
    return new FileBrowser(visitor, pids, () => owned.disposeAsync());
  }

  /** Runs `work`, and reads the memory meanwhile. */
  async measureMemory(work: () => Promise<void>): Promise<BrowserMemory> {
    const before = this.#memory();
    let peak = before;
    const reading = setInterval(() => {
      peak = Math.max(peak, this.#memory());
    }, INTERVAL);
    try {
      await work();
    } finally {
      clearInterval(reading);
    }
    const after = this.#memory();
    return { before, peak: Math.max(peak, after), after };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end();
  }

  /** Proportional set size, which counts what its processes share once. */
  #memory(): number {
    return this.#pids.flatMap(treeOf).reduce((sum, pid) => sum + pssOf(pid), 0);
  }
}

function pssOf(pid: number): number {
  try {
    const { pss, rss } = memoryOf(pid);
    return pss ?? rss;
  } catch (error) {
    if (error instanceof NoProcess) return 0;
    throw error;
  }
}
