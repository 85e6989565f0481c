/** The torture command: runs fault-injection trials and writes their results. Usage: `npm run torture -- --help`. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { Progress } from './setup/progress.mjs';
import { fail, readArguments } from './support/commandLine.ts';
import { machineOf } from './support/machine.ts';
import { chat } from './torture/chat/chat.ts';
import { blocked, cut } from './torture/direct/blocked.ts';
import { third } from './torture/direct/third.ts';
import { address } from './torture/recover/address.ts';
import { crowd } from './torture/recover/crowd.ts';
import { cuts } from './torture/recover/cuts.ts';
import { drain } from './torture/recover/drain.ts';
import { expiredNode, expiredWorkers } from './torture/recover/expired.ts';
import { halfOpen } from './torture/recover/halfOpen.ts';
import { node } from './torture/recover/node.ts';
import { udp } from './torture/recover/udp.ts';
import { udpCut } from './torture/recover/udpCut.ts';
import { frozen, workers } from './torture/recover/workers.ts';
import { fragments } from './torture/sdp/fragments.ts';
import { offers } from './torture/sdp/offers.ts';
import { players } from './torture/sdp/players.ts';
import { type Figure, holds, type Trial } from './torture/support/Trial.ts';
import { narrow, verdict } from './torture/verdict/verdict.ts';
import { webhooks } from './torture/webhooks/webhooks.ts';

/** Trials that are run together, and written to one record and one page. */
interface Suite {
  readonly trials: readonly Trial[];
  readonly record: URL;
  readonly page: URL;
  /** Heading and introduction of the page. */
  readonly heading: string;
}

const suites: Readonly<Record<string, Suite>> = {
  recover: {
    trials: [cuts, halfOpen, crowd, drain, workers, frozen, node, expiredWorkers, expiredNode, address, udp, udpCut],
    record: new URL('../torture/recover.json', import.meta.url),
    page: new URL('../docs/recovery.md', import.meta.url),
    heading:
      '# Recovery from failures\n\n<!-- Written by `npm run torture -- recover`. -->\n\nFailures that Weir has to survive, caused again and again on one machine, from outside Weir. How it survives them is\ndescribed in [architecture.md](architecture.md#failures).',
  },
  chat: {
    trials: [chat],
    record: new URL('../torture/chat.json', import.meta.url),
    page: new URL('../docs/chat.md', import.meta.url),
    heading:
      '# Chat across cut connections\n\n<!-- Written by `npm run torture -- chat`. -->\n\nWhether chat messages are lost, repeated or reordered when connections are cut again and again. How that is prevented is\ndescribed in [architecture.md](architecture.md#chat).',
  },
  direct: {
    trials: [third, blocked, cut],
    record: new URL('../torture/direct.json', import.meta.url),
    page: new URL('../docs/direct.md', import.meta.url),
    heading:
      '# Direct calls\n\n<!-- Written by `npm run torture -- direct`. -->\n\nTwo people who are alone in a room with the policy `auto` exchange media directly, and come back to the server whenever\nthey need it: how long that takes, and what they miss of each other. How it works is described in\n[architecture.md](architecture.md#direct-calls).',
  },
  sdp: {
    trials: [offers, players, fragments],
    record: new URL('../torture/sdp.json', import.meta.url),
    page: new URL('../docs/sdp.md', import.meta.url),
    heading:
      '# SDP from outside\n\n<!-- Written by `npm run torture -- sdp`. -->\n\nWhat WHIP and WHEP do with SDP that no client would send. How SDP is read is described in\n[architecture.md](architecture.md#whip-and-whep).',
  },
  webhooks: {
    trials: [webhooks],
    record: new URL('../torture/webhooks.json', import.meta.url),
    page: new URL('../docs/webhook-delivery.md', import.meta.url),
    heading:
      '# Delivery of webhooks\n\n<!-- Written by `npm run torture -- webhooks`. -->\n\nWhether events are lost, repeated or reordered when receiver and server fail. How webhooks are delivered is described in\n[webhooks.md](webhooks.md).',
  },
  verdict: {
    trials: [verdict, narrow],
    record: new URL('../torture/verdict.json', import.meta.url),
    page: new URL('../docs/verdict.md', import.meta.url),
    heading:
      '# Whose connection it is\n\n<!-- Written by `npm run torture -- verdict`. -->\n\nBad links and a starved server, caused again and again on one machine, and whether the pages name the right one. How it\nis judged is described in [architecture.md](architecture.md#whose-connection-it-is).',
  },
};

const usage = `Usage: npm run torture -- SUITE [TRIAL ...] [--times N] [--dry]

Causes failures on purpose, and writes the results to torture/SUITE.json and a page of docs/.

  SUITE      ${Object.entries(suites)
    .map(([name, { trials }]) => `${name}: ${trials.map((trial) => trial.name).join(', ')}`)
    .join('\n             ')}
  TRIAL      one or more of these; all of them without
  --times N  how often each is done, instead of its own number
  --dry      write nothing`;

const Result = z.object({
  name: z.string(),
  title: z.string(),
  about: z.string(),
  times: z.number(),
  seconds: z.number(),
  date: z.string(),
  machine: z.string(),
  figures: z.array(
    z.object({
      name: z.string(),
      value: z.number(),
      unit: z.string(),
      most: z.number().optional(),
      least: z.number().optional(),
    }),
  ),
});
type Result = z.infer<typeof Result>;

const progress = new Progress();

async function runOne(trial: Trial, title: string, times: number): Promise<Result> {
  progress.begin(title, trial.title);
  const began = performance.now();
  try {
    const figures = await trial.run({ times, report: (what) => progress.report(what) });
    progress.end('done');
    return {
      name: trial.name,
      title: trial.title,
      about: trial.about,
      times,
      seconds: Math.round((performance.now() - began) / 1000),
      date: new Date().toISOString().slice(0, 10),
      machine: describeMachine(),
      figures: [...figures],
    };
  } catch (error) {
    progress.end('failed');
    throw error;
  }
}

function describeMachine(): string {
  const { cpu, cores } = machineOf();
  return `${cores} × ${cpu}`;
}

function shown(value: number): string {
  return Math.abs(value) >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1);
}

function lineOf(figure: Figure): string {
  const { name, value, unit, most, least } = figure;
  const goal = [most !== undefined && `at most ${shown(most)}`, least !== undefined && `at least ${shown(least)}`]
    .filter((one) => one !== false)
    .join(', ');
  const verdict = holds(figure);
  return `  ${name}: ${shown(value)} ${unit}${goal && ` (${goal}: ${verdict ? 'reached' : 'MISSED'})`}`;
}

/** Replaces the results of the same name in the record. */
function keep({ trials, record, page, heading }: Suite, suite: string, results: readonly Result[]): void {
  let kept: Result[] = [];
  try {
    kept = z.array(Result).parse(JSON.parse(readFileSync(record, 'utf8')));
  } catch {
    // The record is missing or unreadable: write it anew.
  }
  const all = trials.flatMap(
    ({ name }) => results.find((one) => one.name === name) ?? kept.find((one) => one.name === name) ?? [],
  );
  mkdirSync(new URL('.', record), { recursive: true });
  writeFileSync(record, `${JSON.stringify(all, undefined, 2)}\n`);
  writeFileSync(page, pageOf(all, suite, heading));
}

function pageOf(results: readonly Result[], suite: string, heading: string): string {
  const rows = ({ figures }: Result) =>
    figures
      .map((figure) => {
        const { name, value, unit, most, least } = figure;
        const goal = [most !== undefined && `≤ ${shown(most)}`, least !== undefined && `≥ ${shown(least)}`];
        const verdict = holds(figure);
        return `| ${name} | ${shown(value)} ${unit} | ${goal.filter(Boolean).join(', ')} | ${verdict === undefined ? '' : verdict ? 'yes' : '**no**'} |`;
      })
      .join('\n');
  const sections = results.map(
    (one) =>
      `## ${one.title}\n\n${one.about}\n\n\`npm run torture -- ${suite} ${one.name}\`, ${one.times} times, ${one.date}, ${one.seconds} s on ${one.machine}.\n\n| figure | value | goal | reached |\n|---|---|---|---|\n${rows(one)}\n`,
  );
  return `${heading}\n\n${sections.join('\n')}`;
}

async function main(): Promise<number> {
  const { values, positionals } = readArguments(usage, { times: { type: 'string' }, dry: { type: 'boolean' } });
  const [what = '', ...names] = positionals;
  const suite = Object.hasOwn(suites, what) ? suites[what] : undefined;
  const times = values.times === undefined ? undefined : Number(values.times);
  const unknown = names.filter((name) => !suite?.trials.some((trial) => trial.name === name));
  const wrong = times !== undefined && !(Number.isInteger(times) && times > 0);
  if (!suite || unknown.length > 0 || wrong) fail(usage);
  const chosen = suite.trials.filter(({ name }) => names.length === 0 || names.includes(name));
  const results: Result[] = [];
  let failed = false;
  for (const [index, trial] of chosen.entries()) {
    const title = `[${index + 1}/${chosen.length}] ${trial.name}`;
    const why = trial.whyNotHere?.();
    if (why !== undefined) {
      console.log(`${title}: cannot run here: ${why}.`);
      failed = true;
      continue;
    }
    try {
      const result = await runOne(trial, title, times ?? trial.times);
      results.push(result);
      for (const figure of result.figures) console.log(lineOf(figure));
      failed ||= result.figures.some((figure) => holds(figure) === false);
      if (!values.dry) keep(suite, what, results);
    } catch (error) {
      console.error(error);
      failed = true;
    }
  }
  return failed ? 1 : 0;
}

process.exit(await main());
