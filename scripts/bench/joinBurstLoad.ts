/** Benchmark of a burst of joins through the load tester: 200 viewers join within one second. */

import { parseOptions } from '../load/options.ts';
import type { LoadResults } from '../load/results.ts';
import { load } from '../load/run.ts';
import { startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import type { Benchmark } from './support/Benchmark.ts';
import { figuresOf, ratioOf, runPairs } from './support/pairs.ts';

const BURST = { viewers: 200, seconds: 5 };
/** Join rate of the baseline, viewers a second. */
const BASELINE_RATE = 20;

/** Lets all viewers join once, on a server of their own. */
async function arrive(viewers: number, rate: number): Promise<LoadResults> {
  await using weir = await startMeasured();
  const options = parseOptions([
    ...['--url', weir.url, '--publishers', '1', '--subscribers', String(viewers)],
    ...['--duration', String(BURST.seconds), '--rate', String(rate), '--processes', '2', '--sample', '2'],
  ]);
  if (!options) throw new Error('the command line asks for help');
  const results = await load(options);
  if (results.firstKeyFrame.count === 0) throw new Error('No viewer got a picture.');
  return results;
}

export const joinBurstLoad: Benchmark = {
  name: 'join-burst-load',
  title: 'A burst of joins by an audience',
  about: `${BURST.viewers} viewers join one broadcaster (360p VP8 and audio) within one second, or ${BASELINE_RATE} a second. Times run from each viewer's socket to a whole key frame. The server asks the broadcaster for at most one key frame a second, whoever comes.`,
  a: 'all in one second',
  b: `${BASELINE_RATE} a second`,
  limits: raised,
  slow: true,
  async run({ report }) {
    const { viewers } = BURST;
    const arrivals: LoadResults[] = [];
    const pairs = await runPairs(
      async () => {
        const results = await arrive(viewers, viewers);
        arrivals.push(results);
        return results;
      },
      () => arrive(viewers, BASELINE_RATE),
      { onPair: (pair, of) => report(`pair ${pair} of ${of}`) },
    );
    const most = (of: (results: LoadResults) => number) => Math.max(...arrivals.map(of));
    const joined = arrivals.reduce((sum, { members }) => sum + members.joined, 0);
    const offered = arrivals.reduce((sum, { members }) => sum + members.offered, 0);
    return {
      srtp: arrivals[0]?.srtp ?? '',
      ratios: [
        ratioOf(
          figuresOf(pairs, ({ firstKeyFrame }) => firstKeyFrame.p95),
          { name: 'First key frame, p95', unit: 'ms', better: 'lower' },
        ),
        ratioOf(
          figuresOf(pairs, ({ join }) => join.p95),
          { name: 'Reply to join, p95', unit: 'ms', better: 'lower' },
        ),
      ],
      figures: [
        {
          name: 'Viewers that joined',
          value: (joined / offered) * 100,
          unit: '%',
          goal: { least: 100 },
        },
        {
          name: 'Viewers that failed, worst burst',
          value: most(({ members }) => members.failed),
          unit: '',
          goal: { most: 0 },
        },
        {
          name: 'Key frames requested, most in a burst',
          value: most(({ keyFrameRequests }) => keyFrameRequests),
          unit: '',
        },
        {
          name: 'First key frame, p95, worst burst',
          value: most(({ firstKeyFrame }) => firstKeyFrame.p95),
          unit: 'ms',
        },
        {
          name: "Busiest second of the tester's busiest process, share of a core",
          value: most(({ timeline }) => Math.max(...timeline.map(({ testerCpu }) => testerCpu))),
          unit: '',
        },
        {
          name: "Busiest second of the server's Node, share of a core",
          value: most(({ timeline }) => Math.max(...timeline.map(({ serverCpu = 0 }) => serverCpu))),
          unit: '',
        },
        {
          name: 'Busiest second of the worker, share of a core',
          value: most(({ timeline }) => Math.max(...timeline.map(({ workersCpu = 0 }) => workersCpu))),
          unit: '',
        },
      ],
    };
  },
};
