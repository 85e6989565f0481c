/**
 * Benchmark of joining where UDP does not get through: time from `join()` to the first frame over ICE-TCP and over TURN,
 * compared with host UDP, in Chromium and Firefox.
 */

import { setTimeout } from 'node:timers/promises';
import { type BrowserName, NetworkCall, networks } from '../support/servers/NetworkCall.ts';
import { raised } from '../support/servers/settings.ts';
import { distributionOf } from '../support/statistics/distribution.ts';
import type { Benchmark, Figure } from './support/Benchmark.ts';
import { type Pair, type Ratio, ratioOf } from './support/pairs.ts';

/** One way, in milliseconds. */
const DELAY = 25;
/** Timeout of a join, in milliseconds. */
const TIMEOUT = 40_000;
/** Pause between joins, in milliseconds: the server requests at most one key frame a second, and a join would wait for it. */
const PAUSE = 1200;
/** Joins over each network: those before the first are warm-up. */
const ROUNDS = { full: 20, quick: 10, warmUp: 1 };
/** Lifetime of the network, in seconds. */
const LIFETIME = 3000;

const browsers: readonly BrowserName[] = ['Chromium', 'Firefox'];
const compared = [
  { name: 'ICE-TCP', network: networks.iceTcp },
  { name: 'TURN over UDP', network: networks.relayUdp },
  { name: 'TURN over TCP', network: networks.relayTcp },
  { name: 'TURN over TLS', network: networks.relayTls },
];
const baseline = { name: 'host UDP', network: networks.hostUdp };

export const reach: Benchmark = {
  name: 'reach',
  title: 'Joining without UDP',
  about: `From \`join()\` to the first presented frame, with the SDK loaded, in a network that leaves one way for media: UDP to the media port, TCP to it (ICE-TCP), or a TURN server over UDP, TCP or TLS. ${2 * DELAY} ms there and back to server and TURN server. The partner beside the server publishes a camera in three layers; the newcomer publishes one, too. The ways take turns, one join each, and each is compared with the join over host UDP of the same turn.`,
  a: 'the other way',
  b: 'host UDP',
  limits: raised,
  slow: true,
  async run({ quick, report }) {
    await using call = await NetworkCall.start({ delay: DELAY }, LIFETIME);
    const rounds = ROUNDS[quick ? 'quick' : 'full'];
    const ratios: Ratio[] = [];
    const figures: Figure[] = [];
    for (const browser of browsers) {
      const times = await timeInTurns(call, browser, rounds, report);
      const usual = times.get(baseline.name) ?? [];
      for (const { name } of compared) {
        const pairs = (times.get(name) ?? []).map(
          (a, index): Pair<number> => ({ a, b: usual[index] ?? 0, first: 'b' }),
        );
        ratios.push(ratioOf(pairs, { name: `First frame, ${name}, ${browser}`, unit: 'ms', better: 'lower' }));
      }
      for (const [name, all] of times) {
        figures.push({ name: `First frame, ${name}, ${browser}, p95`, value: distributionOf(all).p95, unit: 'ms' });
      }
    }
    return { srtp: '', ratios, figures };
  },
};

/** Joins over each network in turn; the order is reversed in every other round. @returns times by name of the way */
async function timeInTurns(
  call: NetworkCall,
  browser: BrowserName,
  rounds: number,
  report: (what: string) => void,
): Promise<Map<string, number[]>> {
  const ways = [baseline, ...compared];
  const times = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
  for (let round = -ROUNDS.warmUp; round < rounds; round += 1) {
    for (const { name, network } of round % 2 === 0 ? ways : ways.toReversed()) {
      await call.network.setAccess(network);
      await setTimeout(PAUSE);
      const visitor = await call.enter(browser);
      try {
        const time = await visitor.firstFrame(TIMEOUT);
        if (round >= 0) times.get(name)?.push(time);
      } finally {
        await visitor.leave();
      }
    }
    if (round >= 0) report(`${browser}: round ${round + 1} of ${rounds}`);
  }
  return times;
}
