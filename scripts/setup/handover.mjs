/** Runs a command under another Node, passes each signal on exactly once, and ends it with this process. */
import { spawn } from 'node:child_process';
import { dieOf, endings } from './signals.mjs';

/**
 * Runs a child in place of this process and exits with its status. The child has a session of its own, so that a signal
 * to our group (Ctrl-C) reaches it only from here; it must watch its parent, in case this process is killed.
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {(signal: NodeJS.Signals) => NodeJS.Signals} [translate] the signal to pass on instead
 */
export function handOver(command, args, env, translate = (signal) => signal) {
  const child = spawn(command, args, { env, stdio: 'inherit', detached: true });
  for (const signal of endings) process.on(signal, () => child.kill(translate(signal)));
  child.once('error', (error) => {
    console.error(`${command} could not be started: ${error.message}`);
    process.exit(1);
  });
  child.once('exit', (code, signal) => (signal ? dieOf(signal) : process.exit(code ?? 1)));
  return child;
}
