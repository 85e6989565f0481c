/** The process that a signal is sent to: a pid that is missing must not become 0, which is this process and all of its group. */

/** @throws {Error} where there is no process, or it has not started */
export function pidOf(process: { readonly pid?: number | undefined } | undefined): number {
  if (!process?.pid) throw new Error('The process does not run: there is nothing to send a signal to.');
  return process.pid;
}
