/** Owns the command line of the benchmarks: what may be asked for, and what is said of what is wrong. */
import { parseArgs } from 'node:util';

/** A name or a flag that is wrong; the message says what is accepted. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface BenchCommand {
  /** Each one once, in the order in which they run. */
  readonly names: readonly string[];
  /** Whether somebody named them, rather than all being meant. */
  readonly named: boolean;
  readonly quick: boolean;
  /** Whether they are to be told, not run. */
  readonly list: boolean;
}

/** @param known all benchmarks' names */
export function usage(known: readonly string[]): string {
  return [
    `Usage: npm run bench -- [${known.join('] [')}] [--quick] [--list]`,
    '',
    '  without a name  all of them, one after another',
    '  --quick         less of everything, and what is slow only where it is named; writes nothing, and fails where a ratio is more than 10 % worse than in bench/',
    '  --list          what there is',
    '  --help          this',
  ].join('\n');
}

/**
 * @param args as they stand on the command line
 * @returns undefined when help was asked for
 * @throws {UsageError}
 */
export function parseCommand(args: readonly string[], known: readonly string[]): BenchCommand | undefined {
  const { values, positionals } = parse(args, known);
  if (values.help) return undefined;
  const wrong = positionals.filter((name) => !known.includes(name));
  if (wrong.length > 0) {
    throw new UsageError(`There is no benchmark "${wrong.join('", "')}". There are: ${known.join(', ')}.`);
  }
  const names = positionals.length > 0 ? known.filter((name) => positionals.includes(name)) : known;
  return { names, named: positionals.length > 0, quick: values.quick, list: values.list };
}

function parse(args: readonly string[], known: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({ args: [...args], options: { quick: flag, list: flag, help: flag }, allowPositionals: true });
  } catch (cause) {
    // What Node says after its first sentence is of use to nobody here.
    const [why] = (cause instanceof Error ? cause.message : String(cause)).split('. ');
    throw new UsageError(`${why}.\n\n${usage(known)}`, { cause });
  }
}
