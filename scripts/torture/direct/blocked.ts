/** Trials: a firewall lets media reach the server but not the other person, from the start, or from the middle of a call on. */
import { setTimeout } from 'node:timers/promises';
import { whyNoChromium } from '../../support/browsers/chromium.ts';
import { seeEachOther, Visitor } from '../../support/browsers/Visitor.ts';
import { enterBoth, leaveAll, untilDirect } from '../../support/servers/DirectCall.ts';
import { DividedNetwork, whyNoDividedNetwork } from '../../support/servers/DividedNetwork.ts';
import { median } from '../../support/statistics/median.ts';
import { until } from '../../support/until.ts';
import { type Figure, type Trial, timeFigures } from '../support/Trial.ts';

const TIMEOUT = 40_000;
/** Length of a call before it is cut, in milliseconds. */
const SETTLED = 2000;
/** Frames in flight at the cut have been shown after this time, in milliseconds. */
const DRAINED = 500;
const whyNotHere = () => whyNoChromium() ?? whyNoDividedNetwork();

export const blocked: Trial = {
  name: 'blocked',
  title: 'Direct media that is blocked from the start',
  about:
    'Ada is in a room, in the network of the server; Bob joins it from another network, and a firewall drops all UDP between them but that with the server. Times are from the navigation of Bob to his first frame of Ada: in a room with the policy `auto`, and in one with the policy `sfu`, in turns.',
  times: 15,
  whyNotHere,
  async run({ times, report }) {
    await using network = await DividedNetwork.open();
    await network.setBlocked(true);
    const first: Record<'auto' | 'sfu', number[]> = { auto: [], sfu: [] };
    for (let turn = 0; turn < times; turn += 1) {
      for (const policy of turn % 2 === 0 ? (['auto', 'sfu'] as const) : (['sfu', 'auto'] as const)) {
        const room = `${policy}-${turn}`;
        const ada = await Visitor.enter(network.browsers[0], network.url, room, 'Ada', { query: { policy } });
        await until('Ada', TIMEOUT, async () => (await ada.room()).state === 'joined');
        await setTimeout(500);
        const began = performance.now();
        const bob = await Visitor.enter(network.browsers[1], network.url, room, 'Bob', { query: { policy } });
        await until('a frame of Ada', TIMEOUT, async () => (await bob.frames('Ada')) > 0);
        first[policy].push(performance.now() - began);
        await leaveAll([ada, bob]);
      }
      report(
        `${turn + 1} of ${times}: ${Math.round(first.auto.at(-1) ?? 0)} ms, by the server only ${Math.round(first.sfu.at(-1) ?? 0)} ms`,
      );
    }
    const ratio: Figure = {
      name: 'First frame, blocked, against that of a room with the policy sfu (ratio of medians)',
      ...{ value: median(first.auto) / median(first.sfu), unit: 'x', most: 1.5 },
    };
    return [
      ratio,
      ...timeFigures('First frame, blocked', first.auto),
      ...timeFigures('First frame, policy sfu', first.sfu),
    ];
  },
};

export const cut: Trial = {
  name: 'cut',
  title: 'A direct call that is cut',
  about:
    'Two people are in a call in Chromium in two networks, and exchange media directly. A firewall then drops all UDP between them but that with the server. Times are from then to each of them seeing new frames of the other. Each time is a new call.',
  times: 20,
  whyNotHere,
  async run({ times, report }) {
    await using network = await DividedNetwork.open();
    const back: number[] = [];
    let changed = 0;
    for (let turn = 0; turn < times; turn += 1) {
      const visitors = await enterBoth(network.browsers, network.url, `room-${turn}`);
      await untilDirect(visitors);
      await setTimeout(SETTLED);
      const before = await Promise.all(visitors.map((visitor) => visitor.room()));
      await network.setBlocked(true);
      const began = performance.now();
      await setTimeout(DRAINED);
      await seeEachOther(...visitors, TIMEOUT);
      back.push(performance.now() - began);
      const after = await Promise.all(visitors.map((visitor) => visitor.room()));
      changed += after.filter(({ peerId }, index) => peerId !== before[index]?.peerId).length;
      report(`${turn + 1} of ${times}: frames again after ${Math.round(back.at(-1) ?? 0)} ms`);
      await leaveAll(visitors);
      await network.setBlocked(false);
    }
    return [
      ...timeFigures('Each sees the other again', back, { most: 6000 }),
      { name: 'Sessions that were lost', value: changed, unit: '', most: 0 },
    ];
  },
};
