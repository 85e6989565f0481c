/** Reads the command line of the server; everything else is set by variables. */
import { parseArgs } from 'node:util';
import { ConfigError } from './ConfigError.ts';

export const usage = `Usage: npm start [-- options]
  --lan   serve HTTPS with a certificate of Weir's own, so that phones and other devices in this network can join
  --help  print this

All settings are environment variables; README.md lists them.`;

export interface Options {
  readonly lan: boolean;
  readonly help: boolean;
}

/** @throws {ConfigError} for an unknown option */
export function readOptions(args: readonly string[]): Options {
  try {
    const options = { lan: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
    const { lan = false, help = false } = parseArgs({ args: [...args], options }).values;
    return { lan, help };
  } catch (cause) {
    throw new ConfigError(`${cause instanceof Error ? cause.message : cause}\n${usage}`, { cause });
  }
}
