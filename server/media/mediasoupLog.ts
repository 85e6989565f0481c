/** Forwards mediasoup's own log lines to the server's log, at the level that they have for an operator. */
import { setLogEventListeners } from 'mediasoup';
import type { Logger } from 'pino';
import { isClosed } from './rethrowUnavailable.ts';

/**
 * The target of a request had been closed by the worker. Objects close at both ends (inside the worker, a producer
 * closes its consumers, and Node is notified later), so this is part of ordinary use. The request itself fails as well:
 * its caller decides whether that is logged.
 */
const NOT_FOUND = /\b(Consumer|Producer|Transport|Router|RtpObserver|WebRtcServer|handler with ID \S+) not found\b/;

/** Forwards everything that mediasoup and its workers log in this process from now on to `log`. */
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
