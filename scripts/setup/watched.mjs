/** Preloaded into the server by `npm run dev`: ends `node --watch` when the launcher ends. */
import { isMainThread } from 'node:worker_threads';
import { isRunning } from './processes.mjs';
import { leash } from './signals.mjs';

const launcher = Number(process.env.WEIR_LAUNCHER);
const watcher = process.ppid;
// The launcher's variable is not meant for the server.
delete process.env.WEIR_LAUNCHER;

if (launcher && isMainThread) {
  // The watcher does not run preloaded modules, so it is ended from here, and passes the signal on.
  leash(
    () => process.ppid !== watcher || !isRunning(launcher),
    () => process.kill(process.ppid === watcher ? watcher : process.pid, 'SIGTERM'),
  );
}
