/** Trial: a third one joins a direct call, which moves to the server, and leaves again. */
import { setTimeout } from 'node:timers/promises';
import { whyNoChromium } from '../../support/browsers/chromium.ts';
import {
  direct,
  enterBoth,
  launchSpeaker,
  leaveAll,
  untilDirect,
  watchTracks,
} from '../../support/servers/DirectCall.ts';
import { startMeasured } from '../../support/servers/measured.ts';
import { Guest } from '../support/Guest.ts';
import { type Figure, type Trial, timeFigures } from '../support/Trial.ts';
import { type Continuity, stopWatching, watch } from './continuity.ts';

/** How long is watched before and after a change, in milliseconds. */
const EDGE = 1000;
/** Of so many turns, one is also watched while nothing changes. */
const STILL = 4;

export const third: Trial = {
  name: 'third',
  title: 'A third one joins a direct call',
  about:
    'Two people are in a call in Chromium, and exchange media directly. A third one joins, so that all media goes through the server, and leaves, so that theirs goes directly again. Each page notes when a frame of the other is presented, and records what it hears. Gaps are the longest times without a new frame, and without sound, from a second before the join (or the end) until a second after everything comes the other way. The camera gives 30 frames a second.',
  times: 20,
  whyNotHere: whyNoChromium,
  async run({ times, report }) {
    await using server = await startMeasured(direct);
    await using one = await launchSpeaker(server.url);
    await using other = await launchSpeaker(server.url);
    const visitors = await enterBoth([one, other], server.url, 'room');
    await untilDirect(visitors);
    await setTimeout(2000);
    const [joined, left]: [Continuity[], Continuity[]] = [[], []];
    const still: Continuity[] = [];
    const moments: { toServer: number[]; back: number[] } = { toServer: [], back: [] };
    /** Watches both pages over a change. */
    const over = async (change: () => Promise<void>): Promise<Continuity[]> => {
      await Promise.all([watch(visitors[0].page, 'Bob'), watch(visitors[1].page, 'Ada')]);
      await setTimeout(EDGE);
      await change();
      await setTimeout(EDGE);
      return Promise.all(visitors.map(({ page }) => stopWatching(page)));
    };
    for (let turn = 0; turn < times; turn += 1) {
      if (turn % STILL === 0) still.push(...(await over(() => setTimeout(EDGE))));
      let guest: Guest | undefined;
      joined.push(
        ...(await over(async () => {
          const replaced = await watchTracks(visitors);
          const began = performance.now();
          guest = await Guest.enter(server.url, 'room', 'Carol');
          await replaced();
          moments.toServer.push(performance.now() - began);
        })),
      );
      await untilDirect(visitors, false);
      left.push(
        ...(await over(async () => {
          const replaced = await watchTracks(visitors);
          const began = performance.now();
          guest?.[Symbol.dispose]();
          await replaced();
          moments.back.push(performance.now() - began);
        })),
      );
      await untilDirect(visitors);
      const [frames, sound] = worst([...joined, ...left]);
      report(
        `${turn + 1} of ${times}: at most ${Math.round(frames)} ms without a frame, ${Math.round(sound)} ms without sound`,
      );
    }
    await leaveAll(visitors);
    return [
      ...gapFigures('when a third one joins', joined, { frames: 300, sound: 100 }),
      ...gapFigures('when a third one leaves', left, { frames: 300, sound: 100 }),
      ...gapFigures('while nothing changes', still),
      ...timeFigures('All media through the server', moments.toServer),
      ...timeFigures('Direct again (after 5 s alone)', moments.back),
    ];
  },
};

function worst(gaps: readonly Continuity[]): [frames: number, sound: number] {
  return [Math.max(...gaps.map(({ frames }) => frames)), Math.max(...gaps.map(({ sound }) => sound))];
}

function gapFigures(
  when: string,
  gaps: readonly Continuity[],
  most: { readonly frames?: number; readonly sound?: number } = {},
): Figure[] {
  const of = (key: keyof Continuity) => gaps.map((gap) => gap[key]);
  return [
    ...timeFigures(`Without a new frame ${when}`, of('frames'), { most: most.frames }),
    ...timeFigures(`Without sound ${when}`, of('sound'), { most: most.sound }),
  ];
}
