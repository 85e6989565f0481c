/** The command line of the benchmarks: parsing, usage text and error messages. */
import { parseArgs } from 'node:util';

/** A wrong name or flag; the message lists what is accepted. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface BenchCommand {
  /** Without duplicates, in the order in which they run. */
  readonly names: readonly string[];
  /** Whether the user named them; otherwise all are meant. */
  readonly named: boolean;
  readonly quick: boolean;
  /** Whether to list the benchmarks instead of running them. */
  readonly list: boolean;
}

/** @param known names of all benchmarks */
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
 * @param args command-line arguments
 * @returns undefined when help was requested
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
    // Only the first sentence of Node's message is useful here.
    const [why] = (cause instanceof Error ? cause.message : String(cause)).split('. ');
    throw new UsageError(`${why}.\n\n${usage(known)}`, { cause });
  }
}
