/** Trials: a media worker is killed, or freezes; its rooms recover by themselves, other rooms are not affected. */

import { launchChromium, whyNoChromium } from '../../support/browsers/chromium.ts';
import { seeEachOther, Visitor } from '../../support/browsers/Visitor.ts';
import { startServer } from '../../support/servers/startServer.ts';
import { until } from '../../support/until.ts';
import { Guest } from '../support/Guest.ts';
import { type Figure, type Trial, type TrialOptions, timeFigures } from '../support/Trial.ts';

const TIMEOUT = 30_000;

export const workers: Trial = {
  name: 'workers',
  title: 'Killed media workers',
  about:
    'Two people are in a call in Chromium, and the worker of their room is killed with SIGKILL. Times are from then to each of them seeing new frames of the other. In a room on another worker, a headless viewer counts gaps of more than 200 ms. Stale participants are people in the room beyond the two.',
  times: 50,
  whyNotHere: whyNoChromium,
  run: (options) => hitWorkers('SIGKILL', 5000, options),
};

export const frozen: Trial = {
  name: 'frozen',
  title: 'Frozen media workers',
  about:
    'The same with SIGSTOP, which freezes the worker without ending it. Weir detects that it does not answer (after 5 seconds by default) and kills it.',
  times: 10,
  whyNotHere: whyNoChromium,
  run: (options) => hitWorkers('SIGSTOP', 12_000, options),
};

async function hitWorkers(
  signal: 'SIGKILL' | 'SIGSTOP',
  most: number,
  { times, report }: TrialOptions,
): Promise<Figure[]> {
  // One worker for the unaffected room, one for the room under test, and one to which that can move.
  await using server = await startServer({
    WEIR_WORKERS: '3',
    WEIR_RESUME_SECONDS: '30',
    WEIR_MESSAGES_PER_SECOND: '1000',
  });
  const { pool, rooms } = server.app;
  using publisher = await Guest.enter(server.url, 'spared', 'publisher', true);
  using viewer = await Guest.enter(server.url, 'spared', 'viewer');
  await viewer.flows();
  const spared = pool.workers.find(({ routers }) => routers === 1);
  await using chromium = await launchChromium();
  const ada = await Visitor.enter(chromium, server.url, 'hit', 'Ada');
  const bob = await Visitor.enter(chromium, server.url, 'hit', 'Bob');
  await seeEachOther(ada, bob, TIMEOUT);
  const back: number[] = [];
  let staleParticipants = 0;
  for (let turn = 0; turn < times; turn += 1) {
    const victim = pool.workers.find((worker) => worker !== spared && worker.routers > 0);
    const room = await rooms.find('hit');
    if (!victim || !room) throw new Error('The room is not where it should be.');
    process.kill(victim.pid, signal);
    const hit = performance.now();
    await until('the room ending', TIMEOUT, () => room.closed);
    await seeEachOther(ada, bob, TIMEOUT);
    back.push(performance.now() - hit);
    staleParticipants += Math.max(0, ((await rooms.find('hit'))?.size ?? 0) - 2);
    await until('the worker being replaced', TIMEOUT, () => pool.complete);
    report(`${turn + 1} of ${times}: back after ${Math.round(back.at(-1) ?? 0)} ms, ${viewer.gaps} gaps elsewhere`);
  }
  return [
    ...timeFigures('Each sees the other again', back, { most }),
    { name: 'Recoveries', value: back.length, unit: '', least: times },
    { name: 'Gaps in the other room', value: viewer.gaps, unit: '', most: 0 },
    { name: 'Longest pause in the other room', value: viewer.longestGap, unit: 'ms' },
    {
      name: 'Sessions that were lost in the other room',
      value: viewer.ends.length + publisher.ends.length,
      unit: '',
      most: 0,
    },
    { name: 'Stale participants', value: staleParticipants, unit: '', most: 0 },
  ];
}
