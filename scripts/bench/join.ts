/**
 * Benchmark of joining: time from opening the socket to the first packet and the first frame, at several round-trip
 * times.
 */
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { addresses, Namespaces } from '../support/network/namespaces.ts';
import { Child } from '../support/process/Child.ts';
import { startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import { distributionOf } from '../support/statistics/distribution.ts';
import type { Benchmark, Figure } from './support/Benchmark.ts';
import { firstFrames } from './support/browser.ts';
import { figuresOf, type Ratio, ratioOf, runPairs } from './support/pairs.ts';
import { startSteps } from './support/servers.ts';

/** Round-trip times, in milliseconds. */
const ROUND_TRIPS = [0, 50, 150];
/**
 * Pause between joins, in milliseconds: the server requests at most one key frame a second, and closer joins would wait
 * for it.
 */
const PAUSE = 1200;
/** Lifetime of the emulated link, in seconds. */
const LINK = 1500;

const TimedJoin = z.object({ opened: z.number(), packet: z.number(), frame: z.number(), srtp: z.string() });

export const join: Benchmark = {
  name: 'join',
  title: 'Joining',
  about:
    "From the moment a newcomer's socket begins to open to its first media packet, and to a whole key frame (360p VP8). The newcomer publishes audio meanwhile. Server and newcomer are in two network namespaces with a delayed link; one publisher with camera and microphone is on the server's side. For Chromium, the SDK is loaded already, and time runs from `join()` to the first presented frame.",
  a: 'Weir',
  b: 'one awaited step at a time',
  limits: raised,
  async run({ quick, report }) {
    await using namespaces = await Namespaces.create({}, LINK);
    const settings = { WEIR_HOST: addresses.b, WEIR_RTC_HOST: addresses.b };
    const beside = { namespaces, side: 'b' } as const;
    await using weir = await startMeasured(settings, beside);
    await using steps = await startSteps(settings, beside);
    await using publisher = Child.start(new URL('support/joinProcess.ts', import.meta.url), { within: beside });
    await using joiner = Child.start(new URL('support/joinProcess.ts', import.meta.url), {
      within: { namespaces, side: 'a' },
    });
    const targets = {
      weir: { which: 'weir', url: weir.url, room: 'bench' },
      steps: { which: 'steps', url: steps.url, room: 'bench' },
    } as const;
    await publisher.ask('publish', z.undefined(), targets.weir);
    await publisher.ask('publish', z.undefined(), targets.steps);
    const timeJoin = async (which: 'weir' | 'steps') => {
      await setTimeout(PAUSE);
      return joiner.ask('timeJoin', TimedJoin, targets[which]);
    };
    const ratios: Ratio[] = [];
    const figures: Figure[] = [];
    let srtp = '';
    for (const roundTrip of quick ? [150] : ROUND_TRIPS) {
      await namespaces.set({ delay: roundTrip / 2 });
      const pairs = await runPairs(
        () => timeJoin('weir'),
        () => timeJoin('steps'),
        {
          pairs: quick ? 10 : 15,
          warmUp: 1,
          onPair: (pair, of) => report(`${roundTrip} ms: pair ${pair} of ${of}`),
        },
      );
      srtp = pairs[0]?.a.srtp ?? '';
      ratios.push(
        ratioOf(
          figuresOf(pairs, ({ packet }) => packet),
          {
            name: `First packet, ${roundTrip} ms round trip`,
            unit: 'ms',
            better: 'lower',
            ...(roundTrip === 150 && { goal: { ratio: 0.6, why: 'two waits instead of six' } }),
          },
        ),
        ratioOf(
          figuresOf(pairs, ({ packet, opened }) => packet - opened),
          { name: `First packet, ${roundTrip} ms round trip, from the open socket`, unit: 'ms', better: 'lower' },
        ),
        ratioOf(
          figuresOf(pairs, ({ frame }) => frame),
          { name: `First key frame, ${roundTrip} ms round trip`, unit: 'ms', better: 'lower' },
        ),
      );
      if (quick) continue;
      report(`${roundTrip} ms: Chromium`);
      const times = await firstFrames(namespaces, targets.weir, 20, PAUSE);
      const { p50, p95 } = distributionOf(times);
      figures.push(
        { name: `First decoded frame in Chromium, p50, ${roundTrip} ms round trip`, value: p50, unit: 'ms' },
        {
          name: `First decoded frame in Chromium, p95, ${roundTrip} ms round trip`,
          value: p95,
          unit: 'ms',
          ...(roundTrip === 0 && { goal: { most: 500 } }),
        },
      );
    }
    return { srtp, ratios, figures };
  },
};
