/** The log: JSON, one object a line; readable lines on a terminal. */
import { type DestinationStream, type Logger, pino } from 'pino';

/** Fields whose value is never written, at the top and one level below. */
const SECRETS = ['token', 'authorization', 'secret', 'password', 'credential', 'guest', 'resumeKey'].flatMap((name) => [
  name,
  `*.${name}`,
]);

/**
 * @param level the lowest level that is written
 * @param terminal whether standard output is a terminal
 */
export async function createLog(level: string, terminal: boolean): Promise<Logger> {
  const options = { level, redact: [...SECRETS] };
  return terminal ? pino(options, await readable()) : pino(options);
}

/**
 * Formats lines for people, who are shown a self-test as a table. Writes are synchronous, so that they keep their order among other output.
 * @param destination file descriptor, or a stream (in tests)
 */
export async function readable(destination: number | NodeJS.WritableStream = 1): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  const colorize = destination === 1 && process.stdout.hasColors();
  return pretty({ destination, sync: true, colorize, translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname,selfTest' });
}
