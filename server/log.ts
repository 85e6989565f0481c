/** The log: JSON, one object a line, for programs; readable lines where somebody looks on. */
import { type DestinationStream, type Logger, pino } from 'pino';

/**
 * @param level the lowest that is written
 * @param terminal whether standard output is one
 */
export async function createLog(level: string, terminal: boolean): Promise<Logger> {
  const options = { level, redact: ['token', '*.token'] };
  return terminal ? pino(options, await readable()) : pino(options);
}

/**
 * Lines for people, in their order among what else is written.
 * @param destination file descriptor, or a stream that tests read
 */
export async function readable(destination: number | NodeJS.WritableStream = 1): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  const colorize = destination === 1 && process.stdout.hasColors();
  return pretty({ destination, sync: true, colorize, translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname' });
}
