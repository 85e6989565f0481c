/** The load test command: parses options, shows progress, writes reports. Usage: `npm run load -- --help`. */
import { constants } from 'node:fs';
import { access, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseOptions, UsageError, usage } from './load/options.ts';
import { createPlan } from './load/plan.ts';
import { parseAssertion } from './load/report/assertions.ts';
import { reportHtml } from './load/report/html.ts';
import { progressLine, summaryText } from './load/report/text.ts';
import { load } from './load/run.ts';

/** Leaves secrets out of the command line that reports show. */
function commandOf(args: readonly string[]): string {
  const shown = args.map((arg, index) => {
    const hidden = args[index - 1] === '--api-secret' ? '...' : arg.replace(/^(--api-secret=).*/s, '$1...');
    return /^[\w@%+=:,./-]+$/.test(hidden) ? hidden : `'${hidden.replaceAll("'", "'\\''")}'`;
  });
  return ['npm run load --', ...shown].join(' ');
}

/** Checks the output file before the test rather than after it. @throws {UsageError} */
async function assertWritable(file: string): Promise<void> {
  const directory = dirname(resolve(file));
  try {
    await access(directory, constants.W_OK);
  } catch (cause) {
    throw new UsageError(`${file} cannot be written: there is no ${directory}, or it may not be written to.`, {
      cause,
    });
  }
}

/** @returns the exit code: 0; 1 when an assertion fails or nobody could join; 2 for a wrong command line */
async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (!options) {
    console.log(usage());
    return 0;
  }
  options.assertions.forEach(parseAssertion);
  for (const file of [options.json, options.html]) if (file) await assertWritable(file);
  const isTerminal = process.stdout.isTTY === true;
  const width = process.stdout.columns ?? 120;
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  const offered = createPlan(options).members.length;
  const results = await load(options, {
    command: commandOf(args),
    interrupted: interrupted.signal,
    prepare: (what) => console.error(what),
    show: (row) => {
      const line = progressLine(row, { width: width - 1, offered });
      if (isTerminal) process.stdout.write(`\r\x1b[K${line}`);
      else console.log(line);
    },
  });
  if (isTerminal) process.stdout.write('\r\x1b[K');
  console.log(summaryText(results, { width, colour: isTerminal }));
  if (options.json) await writeFile(options.json, `${JSON.stringify(results, undefined, 2)}\n`);
  if (options.html) await writeFile(options.html, reportHtml(results));
  return results.members.joined === 0 || results.assertions.some(({ ok }) => !ok) ? 1 : 0;
}

// The reader of a pipe may stop early, as `head` does.
process.stdout.on('error', () => {});
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError || error instanceof SyntaxError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
