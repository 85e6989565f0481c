/** Benchmark of direct media: the age of a picture when it is seen, and the CPU of both browsers, against the way by the server. */
import { setTimeout } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../support/browsers/chromium.ts';
import { childrenOf, cpuMicroseconds } from '../support/process/cpu.ts';
import { type Measured, startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import { distributionOf } from '../support/statistics/distribution.ts';
import { median } from '../support/statistics/median.ts';
import { until } from '../support/until.ts';
import type { Benchmark, Figure } from './support/Benchmark.ts';
import { ClockHost, ClockViewer } from './support/clockPages.ts';
import { type FrameAges, frameAgesOf } from './support/frameAges.ts';
import { figuresOf, type Pair, ratioOf, runPairs } from './support/pairs.ts';

/** Milliseconds from the join until frames count, and for how long they count. */
const TIMES = { settle: 4000, full: 5000, quick: 2000 } as const;
const TIMEOUT = 20_000;

interface Stage {
  readonly server: Measured;
  readonly hosts: Browser;
  readonly viewers: Browser;
}

interface Sample {
  readonly ages: FrameAges;
  /** Of both browsers, and of the server with its media worker: milliseconds of CPU a second. */
  readonly pages: number;
  readonly server: number;
}

export const directMedia: Benchmark = {
  name: 'direct',
  title: 'Direct media',
  about: `Two are in a call in two Chromium browsers on one machine. One publishes a canvas of 1280x720, 30 frames a second, each of which shows the time at which it was drawn; the other reads it and subtracts it from the time at which the frame is presented (expectedDisplayTime). In a room with the policy auto the picture goes directly, in one with the policy sfu through the server, which forwards the highest of three layers. Each look is a new call; frames and CPU count after ${TIMES.settle / 1000} s. CPU is that of all processes of both browsers.`,
  a: 'direct',
  b: 'through the server',
  limits: raised,
  slow: true,
  async run({ quick, report }) {
    const depth = quick ? 'quick' : 'full';
    await using opening = new AsyncDisposableStack();
    const server = opening.use(await startMeasured({ WEIR_ROOM_POLICY: 'auto', WEIR_RESUME_SECONDS: '30' }));
    const stage: Stage = {
      server,
      hosts: opening.use(await launchChromium({ secure: server.url })),
      viewers: opening.use(await launchChromium({ secure: server.url })),
    };
    let calls = 0;
    const look = (policy: 'auto' | 'sfu') => {
      calls += 1;
      return sample(stage, `call-${calls}`, policy, TIMES[depth]);
    };
    const pairs = await runPairs(
      () => look('auto'),
      () => look('sfu'),
      { warmUp: 1, onPair: (pair, of) => report(`pair ${pair} of ${of}`) },
    );
    const ratio = (name: string, unit: string, of: (result: Sample) => number) =>
      ratioOf(figuresOf(pairs, of), { name, unit, better: 'lower' });
    return {
      srtp: 'SRTP_AEAD_AES_128_GCM',
      ratios: [
        ratio('Glass to glass, median', 'ms', ({ ages }) => median(ages.ages)),
        ratio('CPU of both browsers', 'ms a second', ({ pages }) => pages),
      ],
      figures: [...figures(pairs, 'a', 'direct'), ...figures(pairs, 'b', 'through the server')],
    };
  },
};

async function sample(
  { server, hosts, viewers }: Stage,
  room: string,
  policy: 'auto' | 'sfu',
  time: number,
): Promise<Sample> {
  const where = { url: server.url, room, policy };
  await using _host = await ClockHost.enter(hosts, where);
  await using viewer = await ClockViewer.enter(viewers, where);
  if (policy === 'auto') await until('direct media', TIMEOUT, () => viewer.isDirect());
  await setTimeout(TIMES.settle);
  await viewer.frames();
  const before = await viewer.stats();
  const cpu = cpuOf(server);
  const began = performance.now();
  await setTimeout(time);
  const cpuAfter = cpuOf(server);
  const seconds = (performance.now() - began) / 1000;
  const [frames, after] = await Promise.all([viewer.frames(), viewer.stats()]);
  if (policy === 'auto' && !(await viewer.isDirect())) throw new Error('The picture does not come directly any more.');
  const ages = frameAgesOf(frames, before, after);
  if (ages.ages.length === 0) throw new Error(`None of ${frames.length} frames could be read.`);
  return {
    ages,
    pages: (cpuAfter.pages - cpu.pages) / 1000 / seconds,
    server: (cpuAfter.server - cpu.server) / 1000 / seconds,
  };
}

/** Microseconds of CPU so far, of all processes of the browsers and of those of the server. */
function cpuOf({ node }: Measured): { pages: number; server: number } {
  const total = (pid: number): number =>
    cpuMicroseconds(pid) + childrenOf(pid).reduce((sum, child) => sum + total(child), 0);
  const pages = childrenOf(process.pid).filter((pid) => pid !== node);
  return { pages: pages.reduce((sum, pid) => sum + total(pid), 0), server: total(node) };
}

function figures(pairs: readonly Pair<Sample>[], side: 'a' | 'b', way: string): Figure[] {
  const all = pairs.map((pair) => pair[side]);
  const ages = distributionOf(all.flatMap((one) => one.ages.ages));
  return [
    { name: `Glass to glass, p50, ${way}`, value: ages.p50, unit: 'ms' },
    { name: `Glass to glass, p95, ${way}`, value: ages.p95, unit: 'ms' },
    { name: `Frames, p50, ${way}`, value: median(all.map((one) => one.ages.rate)), unit: 'a second' },
    { name: `CPU of both browsers, ${way}`, value: median(all.map(({ pages }) => pages)), unit: 'ms a second' },
    { name: `CPU of the server, ${way}`, value: median(all.map((one) => one.server)), unit: 'ms a second' },
  ];
}
