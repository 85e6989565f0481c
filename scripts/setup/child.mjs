/** Child processes of set-up: each in its own process group, its output in a log, none left behind. */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** @typedef {{ child: import('node:child_process').ChildProcess, gentle: boolean }} Running */
/** @type {Set<Running>} */
const running = new Set();

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env]
 * @property {string} [log] file that all output is appended to; without it the child inherits our output
 * @property {(line: string) => void} [line] called with each line of output
 * @property {(pid: number) => void} [started]
 * @property {boolean} [gentle] interrupted with SIGINT and never killed: for what must not be aborted, such as dpkg
 */

/**
 * Runs a command to its end. Its own process group makes sure that a Ctrl-C reaches it through us only, and that its
 * children end with it.
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<number | string>} exit code, name of the signal that ended it, or the reason why it did not start
 */
export function run(command, args, { cwd, env, log, line, started, gentle = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env,
      detached: true,
      stdio: log ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    });
    const entry = { child, gentle };
    running.add(entry);
    if (child.pid) started?.(child.pid);
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream?.on('data', (data) => {
        if (log) appendFileSync(log, data);
        const lines = (rest + data).split(/[\r\n]+/);
        rest = lines.pop() ?? '';
        for (const text of lines) line?.(text);
      });
    }
    const end = (/** @type {number | string} */ result) => {
      running.delete(entry);
      resolve(result);
    };
    child.once('error', (error) => end(error.message));
    child.once('close', (code, signal) => end(signal ?? code ?? 1));
  });
}

/**
 * Ends all running commands with their children.
 * @param {(waiting: string) => void} [waiting] called when a command must be waited for
 */
export async function endAll(waiting) {
  for (const { child, gentle } of running) {
    // Of apt-get and its dpkg, only apt-get knows when it may stop: it alone gets the signal.
    if (gentle) send(child.pid, 'SIGINT');
    else toGroup(child.pid, 'SIGTERM');
  }
  for (let tenths = 0; running.size > 0; tenths++) {
    if (tenths === 30) {
      killAll();
      for (const { child } of running)
        waiting?.(child.spawnargs.find((word) => word.startsWith('apt')) ?? child.spawnfile);
    }
    await sleep(100);
  }
}

/** Kills at once everything that may be aborted. */
export function killAll() {
  for (const { child, gentle } of running) if (!gentle) toGroup(child.pid, 'SIGKILL');
}

/**
 * Sends a signal to a process group, if there is one left.
 * @param {number | undefined} pid
 * @param {NodeJS.Signals} signal
 */
export function toGroup(pid, signal) {
  send(pid && -pid, signal);
}

/**
 * @param {number | undefined} to never 0, which would be our own group
 * @param {NodeJS.Signals} signal
 */
function send(to, signal) {
  try {
    if (to) process.kill(to, signal);
  } catch {
    // It has ended meanwhile, or belongs to another user (sudo) and ends by itself.
  }
}
