/**
 * Runs a command, and ends it when the standard input ends: with whoever has started this, even if that was killed. ffmpeg does not
 * notice by itself that nobody reads it any more. Usage: `node endWithStdin.ts COMMAND [ARGUMENT ...]`
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** The exit codes of shells for a command that there is not, and for one that a signal has ended. */
const EXIT = { missing: 127, signal: 128 };
/** How long the command may take to end, in milliseconds. */
const END_TIMEOUT = 2000;

const [command = '', ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
child.once('error', () => process.exit(EXIT.missing));
child.once('exit', (code, signal) =>
  process.exit(code ?? (signal === null ? 1 : EXIT.signal + constants.signals[signal])),
);

function end(): void {
  child.kill('SIGTERM');
  setTimeout(() => child.kill('SIGKILL'), END_TIMEOUT);
}
process.stdin.once('close', end).resume();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end);
