/** Owns the leash of the watched server, preloaded by `npm run dev`: `node --watch` ends with the launcher. */
import { isMainThread } from 'node:worker_threads';
import { isRunning } from './processes.mjs';
import { leash } from './signals.mjs';

const launcher = Number(process.env.WEIR_LAUNCHER);
const watcher = process.ppid;
// No business of the server's.
delete process.env.WEIR_LAUNCHER;

if (launcher && isMainThread) {
  // The watcher itself preloads nothing, so it is ended from here, and passes the signal on to us.
  leash(
    () => process.ppid !== watcher || !isRunning(launcher),
    () => process.kill(process.ppid === watcher ? watcher : process.pid, 'SIGTERM'),
  );
}
