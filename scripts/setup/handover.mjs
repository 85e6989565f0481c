/** Owns running a command under another Node: all signals reach it exactly once, and it does not outlive us. */
import { spawn } from 'node:child_process';
import { dieOf, endings } from './signals.mjs';

/**
 * Runs a child in our place and ends as it ends. It is in a session of its own, so that a signal to our group (Ctrl-C)
 * reaches it only from here; it is expected to leash itself to us, for the case that we are killed.
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @param {(signal: NodeJS.Signals) => NodeJS.Signals} [translate] what to pass on for a signal
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
