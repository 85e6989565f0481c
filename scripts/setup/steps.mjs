/** The interface of a set-up step, and the loop that runs the steps that are needed, in order. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './child.mjs';
import { acquire } from './lock.mjs';
import { textOf } from './paths.mjs';

/**
 * @typedef {object} Tools passed to a step
 * @property {(doing: string) => void} report updates what it is doing now
 * @property {(text: string) => void} note prints a permanent line
 * @property {string} log the file that all output goes to
 * @property {typeof import('./child.mjs').run} run with its output in the log
 */

/**
 * @typedef {object} Step
 * @property {string} title
 * @property {string} doing initial progress text
 * @property {string} home its working directory, with its lock and log
 * @property {() => boolean} missing whether the step is needed; called at each start, so it must be fast and start no
 * process
 * @property {(tools: Tools) => Promise<string | void>} run may return a remark on how it was done
 */

/** A failure of set-up for the user: what happened, what to do, and the last output. */
export class SetupError extends Error {
  /**
   * @param {string} message
   * @param {string} [log] the file with the whole output
   */
  constructor(message, log) {
    super(message);
    this.name = 'SetupError';
    this.log = log;
  }

  /** The message, the last lines of the log, and the log's path. */
  get text() {
    const lines = (this.log && textOf(this.log)?.trimEnd().split('\n').slice(-15)) || [];
    return lines.length ? `${this.message}\n\n  ${lines.join('\n  ')}\n\nThe whole output: ${this.log}` : this.message;
  }
}

/**
 * Runs the steps that are needed.
 * @param {Step[]} steps
 * @param {import('./progress.mjs').Progress} progress
 */
export async function setUp(steps, progress) {
  const missing = steps.filter((step) => step.missing());
  for (const [index, step] of missing.entries()) {
    progress.begin(`[${index + 1}/${missing.length}] ${step.title}`, step.doing);
    try {
      progress.end('done', (await underLock(step, progress)) ?? undefined);
    } catch (error) {
      progress.end('failed');
      throw writable(error);
    }
  }
}

/**
 * @param {Step} step
 * @param {import('./progress.mjs').Progress} progress
 */
async function underLock(step, progress) {
  let waitingFor = 0;
  const lock = await acquire(join(step.home, 'setup.lock'), step.title, ({ pid, what }) => {
    if (pid === waitingFor) return;
    waitingFor = pid;
    progress.report(`waiting for another set-up (process ${pid}: ${what})`, true);
  });
  try {
    if (!step.missing()) return 'by another set-up';
    progress.report(step.doing);
    const log = join(step.home, 'logs', `${step.title.toLowerCase().replace(/\W+/g, '-')}.log`);
    mkdirSync(join(step.home, 'logs'), { recursive: true });
    rmSync(log, { force: true });
    return await step.run({
      log,
      report: (doing) => progress.report(doing),
      note: (text) => progress.note(text),
      run: (command, args, options = {}) =>
        run(command, args, { log, started: options.gentle ? undefined : (pid) => lock.note(pid), ...options }),
    });
  } finally {
    lock.release();
  }
}

/**
 * A directory without write permission is the user's to fix, so it gets a message of its own.
 * @param {unknown} error
 */
function writable(error) {
  const { code, path } = /** @type {NodeJS.ErrnoException} */ (error);
  const why = code && { EACCES: 'no permission', EROFS: 'read-only', ENOSPC: 'the disk is full' }[code];
  if (!why) return error;
  const where = `Set-up cannot write to ${path ?? 'the disk'} (${why}).`;
  return new SetupError(`${where} Make room or give permission; XDG_CACHE_HOME moves the cache directory.`);
}
