/** The command lines of scripts: their options, `--help`, and the end of a script that cannot do what it was asked for. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;

/** For wrong options. */
const EXIT_CODE = 2;
const help = { help: { type: 'boolean', short: 'h' } } as const;

/** Says why the script cannot do what it was asked for, and ends it. */
export function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(EXIT_CODE);
}

/**
 * The options of this script. Prints the usage and ends the script where it is asked for, or an option is wrong.
 * @param options as of `parseArgs`, without `help`
 */
export function readOptions<const Given extends Options>(usage: string, options: Given) {
  return readCommandLine(usage, { options, allowPositionals: false }).values;
}

/** As `readOptions`, with what is no option. */
export function readArguments<const Given extends Options>(usage: string, options: Given) {
  return readCommandLine(usage, { options, allowPositionals: true });
}

function readCommandLine<const Given extends Options, const Positionals extends boolean>(
  usage: string,
  { options, allowPositionals }: { readonly options: Given; readonly allowPositionals: Positionals },
) {
  const parsed = parse(usage, { options: { ...options, ...help }, allowPositionals });
  if ('help' in parsed.values && parsed.values.help) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }
  return parsed;
}

function parse<const Config extends ParseArgsConfig>(usage: string, config: Config) {
  try {
    return parseArgs(config);
  } catch (error) {
    fail(`${error instanceof Error ? error.message : error}\n${usage}`);
  }
}
