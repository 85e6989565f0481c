/** Trial: the network drops all UDP in the middle of a call, as firewalls and VPNs do; TCP still works. */
import { setTimeout } from 'node:timers/promises';
import { whyNoChromium } from '../../support/browsers/chromium.ts';
import { seeEachOther, Visitor } from '../../support/browsers/Visitor.ts';
import { whyNoNamespaces } from '../../support/network/namespaces.ts';
import { TwoNetworks } from '../../support/servers/TwoNetworks.ts';
import { type Trial, timeFigures } from '../support/Trial.ts';

const TIMEOUT = 40_000;
/** Length of the call before the drop, in milliseconds: bandwidth estimates and layers are stable by then. */
const SETTLED = 3000;
/** Frames in flight at the drop have been shown after this time, in milliseconds: later frames are new ones. */
const DRAINED = 500;
/** Poll interval of the page, in milliseconds. */
const POLL = 50;

export const udp: Trial = {
  name: 'udp',
  title: 'UDP that is blocked during a call',
  about:
    'Two people are in a call in Chromium, in two network namespaces, one of them with the server. UDP between the namespaces is blocked, and TCP is not. Times are from then to the page saying that media is being reconnected, and to each of them seeing new frames of the other. Each time is a new call.',
  times: 20,
  whyNotHere: () => whyNoChromium() ?? whyNoNamespaces(),
  async run({ times, report }) {
    await using networks = await TwoNetworks.open();
    const { namespaces, url } = networks;
    const back: number[] = [];
    const said: number[] = [];
    let blamed = 0;
    let changed = 0;
    for (let turn = 0; turn < times; turn += 1) {
      const room = `room-${turn}`;
      const ada = await Visitor.enter(networks.near, url, room, 'Ada');
      const bob = await Visitor.enter(networks.far, url, room, 'Bob');
      await seeEachOther(ada, bob, TIMEOUT);
      await setTimeout(SETTLED);
      const before = (await bob.room()).peerId;
      await namespaces.set({ dropUdp: true });
      const dropped = performance.now();
      const over = new AbortController();
      const words = watchWords(bob, dropped, over.signal);
      await setTimeout(DRAINED);
      await seeEachOther(ada, bob, TIMEOUT);
      back.push(performance.now() - dropped);
      over.abort();
      const { saidAfter, blamesOther } = await words;
      if (saidAfter !== undefined) said.push(saidAfter);
      if (blamesOther) blamed += 1;
      if ((await bob.room()).peerId !== before) changed += 1;
      report(`${turn + 1} of ${times}: frames again after ${Math.round(back.at(-1) ?? 0)} ms`);
      await namespaces.set({ dropUdp: false });
      await Promise.all([ada, bob].map(({ page }) => page.context().close()));
    }
    return [
      ...timeFigures('Until the page says so', said, { most: 2000 }),
      { name: 'Times that the page said so', value: said.length, unit: '', least: times },
      { name: 'Times that the page blamed the other person', value: blamed, unit: '', most: 0 },
      ...timeFigures('Each sees the other again', back, { most: 5000 }),
      { name: 'Sessions that were lost', value: changed, unit: '', most: 0 },
    ];
  },
};

/**
 * The page's messages meanwhile: when it first reported that media is reconnecting, and whether it ever blamed the
 * peer's connection.
 */
async function watchWords(
  { page }: Visitor,
  since: number,
  over: AbortSignal,
): Promise<{ saidAfter: number | undefined; blamesOther: boolean }> {
  let saidAfter: number | undefined;
  let blamesOther = false;
  while (!over.aborted) {
    const text = await page.evaluate(() => document.querySelector<HTMLElement>('.call')?.innerText ?? '');
    if (text.includes('Reconnecting sound and picture')) saidAfter ??= performance.now() - since;
    if (text.includes("'s connection is weak")) blamesOther = true;
    await setTimeout(POLL);
  }
  return { saidAfter, blamesOther };
}
