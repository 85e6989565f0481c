/** Sends mediasoup's own log lines to the server's log, at the level that they mean for whoever runs it. */
import { setLogEventListeners } from 'mediasoup';
import type { Logger } from 'pino';
import { isClosed } from './rethrowUnavailable.ts';

/**
 * A request named something that the worker had closed by then. Objects close from both ends (a producer takes its consumers
 * with it inside the worker, and Node hears of that later), so this is part of ordinary use. The request itself fails as
 * well: whoever made it decides whether that is worth a line.
 */
const NOT_FOUND = /\b(Consumer|Producer|Transport|Router|RtpObserver|WebRtcServer|handler with ID \S+) not found\b/;

/** Sends all that mediasoup and its workers log from now on, in this process, to `log`. */
export function logMediasoup(log: Logger): void {
  setLogEventListeners({
    onwarn: (namespace, message) => log[levelOf('warn', message)]({ namespace }, message),
    onerror: (namespace, message, error) => log[levelOf('error', message, error)]({ namespace, err: error }, message),
  });
}

/** The level of a line that mediasoup logs at `level`. */
export function levelOf(level: 'warn' | 'error', message: string, error?: unknown): 'debug' | 'warn' | 'error' {
  return NOT_FOUND.test(message) || isClosed(error) ? 'debug' : level;
}
