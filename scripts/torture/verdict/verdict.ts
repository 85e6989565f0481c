/** Trials: a link or the server becomes bad, and both pages have to say whose connection it is, and nobody else's. */
import { whyNoChromium } from '../../support/browsers/chromium.ts';
import { type Fault, faults, QualityCall, type Told } from '../../support/browsers/QualityCall.ts';
import { whyNoNamespaces } from '../../support/network/namespaces.ts';
import { percentile } from '../../support/statistics/distribution.ts';
import type { Figure, Trial } from '../support/Trial.ts';

/**
 * In milliseconds: within which the pages have to say it, how long a fault lasts at least, how long it may
 * take until nothing is said after it, and until bandwidth estimates have recovered, and the pause after that.
 */
const TIMES = { most: 10_000, least: 5000, healed: 60_000, recovered: 30_000, pause: 2000 };
/** How long nothing may be said without a fault, in milliseconds, and how long bandwidth estimates take to settle. */
const CALM = { time: 20_000, settle: 12_000 };
/** The share that has to be named right, in percent. */
const RIGHT = 95;
/** How often each fault is caused in one call at most: the estimates of a new call are not those of one that has been narrow. */
const ROUNDS = 4;

export const verdict = trialOf(faults, {
  name: 'verdict',
  title: 'Whose connection it is',
  about:
    'Two people are in a call in Chromium; between one of them and the server is a link. Its uplink or downlink loses 15 % of the packets or carries 250 kbit/s, or the media worker is stopped for 400 of every 500 ms. Right is: both pages name the cause on the right tile within ten seconds, and no other tile or cause is named as long as the fault lasts. Then it ends, and the next one begins when nothing is said any more and the bandwidth estimate has recovered. After four times of each a new call begins, with 20 s without a fault, in which nothing may be said.',
});

/** Only links that become narrow, whose effects differ the most from one time to the next. */
export const narrow = trialOf(
  faults.filter(({ name }) => name.includes('kbit/s')),
  {
    name: 'narrow',
    title: 'Whose link is narrow',
    about: 'As above, with only a link that carries 250 kbit/s, in one direction and then in the other.',
  },
);

/** A trial in which each of these faults is caused so many times. */
function trialOf(faults: readonly Fault[], words: Pick<Trial, 'name' | 'title' | 'about'>): Trial {
  return {
    ...words,
    times: 20,
    whyNotHere: () => whyNoChromium() ?? whyNoNamespaces(),
    run: (run) => cause(faults, run),
  };
}

async function cause(faults: readonly Fault[], { times, report }: Parameters<Trial['run']>[0]): Promise<Figure[]> {
  const told = new Map<string, Told[]>(faults.map(({ name }) => [name, []]));
  const calm: (readonly string[])[] = [];
  let notTakenBack = 0;
  const count = (fault: Fault) => told.get(fault.name)?.length ?? 0;
  while (faults.some((fault) => count(fault) < times)) {
    await using call = await QualityCall.begin(1800);
    await call.stayGood(CALM.settle);
    calm.push(await call.stayGood(CALM.time));
    for (const fault of Array.from({ length: ROUNDS }, () => faults).flat()) {
      if (count(fault) >= times) continue;
      const one = await call.tell(fault, TIMES);
      told.get(fault.name)?.push(one);
      report(`${count(fault)} of ${times}: ${fault.name}: ${describe(one)}`);
      const still = await call.isGood(TIMES.healed);
      if (still) {
        notTakenBack += 1;
        report(`${fault.name}: still said: ${JSON.stringify(still)}`);
        break;
      }
      if (!(await call.recovers(TIMES.recovered))) report(`${fault.name}: the bandwidth estimate stays low`);
      await call.stayGood(TIMES.pause);
    }
  }
  return [
    ...[...told].flatMap(([name, all]) => figuresOf(name, all)),
    { name: 'Times without a fault', value: calm.length, unit: '' },
    {
      name: 'Times that something was said then',
      value: calm.filter(({ length }) => length > 0).length,
      unit: '',
      most: 0,
    },
    { name: 'Times that it was still said a minute after the fault', value: notTakenBack, unit: '' },
  ];
}

function figuresOf(name: string, all: readonly Told[]): Figure[] {
  const right = all.filter(({ after, wrong }) => after !== undefined && wrong.length === 0);
  const times = all.flatMap(({ after }) => after ?? []);
  return [
    { name: `${name}: named right`, value: (right.length / Math.max(1, all.length)) * 100, unit: '%', least: RIGHT },
    ...(times.length > 0
      ? [{ name: `${name}: until said, p95`, value: percentile(times, 95), unit: 'ms', most: TIMES.most }]
      : []),
  ];
}

function describe({ after, wrong, last }: Told): string {
  const when = after === undefined ? `not said, but ${JSON.stringify(last)}` : `after ${Math.round(after)} ms`;
  return wrong.length > 0 ? `${when}, and wrongly ${wrong.join(', ')}` : when;
}
