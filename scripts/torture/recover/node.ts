/** Trial: Weir is killed; none of its processes remain, and clients rejoin by themselves once it runs again. */
import { launchChromium, whyNoChromium } from '../../support/browsers/chromium.ts';
import { seeEachOther, Visitor } from '../../support/browsers/Visitor.ts';
import { until } from '../../support/until.ts';
import { startWeir } from '../support/startWeir.ts';
import { type Trial, timeFigures } from '../support/Trial.ts';

const TIMEOUT = 60_000;
/** When the workers of a killed server must have ended, in milliseconds. */
const ORPHAN = 2000;

export const node: Trial = {
  name: 'node',
  title: 'A killed server',
  about:
    'Two people are in a call in Chromium. The server is killed with SIGKILL, every second time with a frozen worker, and another is started on the same port. Times are from the new server running to each of them seeing new frames of the other. Orphans are processes of the killed server that are alive two seconds later.',
  times: 20,
  whyNotHere: whyNoChromium,
  async run({ times, report }) {
    let weir = await startWeir();
    const settings = { WEIR_PORT: new URL(weir.url).port };
    try {
      await using chromium = await launchChromium();
      const ada = await Visitor.enter(chromium, weir.url, 'room', 'Ada');
      const bob = await Visitor.enter(chromium, weir.url, 'room', 'Bob');
      await seeEachOther(ada, bob, TIMEOUT);
      const back: number[] = [];
      let orphans = 0;
      let staleParticipants = 0;
      for (let turn = 0; turn < times; turn += 1) {
        const killed = weir;
        if (turn % 2) for (const pid of killed.workers) process.kill(pid, 'SIGSTOP');
        process.kill(killed.pid, 'SIGKILL');
        await killed.exit;
        orphans += await until('nothing being left', ORPHAN, () => killed.descendants.length === 0).then(
          () => 0,
          () => killed.descendants.length,
        );
        weir = await startWeir(settings);
        const running = performance.now();
        await seeEachOther(ada, bob, TIMEOUT);
        back.push(performance.now() - running);
        staleParticipants += Math.max(0, (await ada.room()).others.length - 1);
        report(`${turn + 1} of ${times}: back after ${Math.round(back.at(-1) ?? 0)} ms, ${orphans} orphans`);
      }
      return [
        ...timeFigures('Each sees the other again', back, { most: 8000 }),
        { name: 'Recoveries', value: back.length, unit: '', least: times },
        { name: 'Orphans', value: orphans, unit: '', most: 0 },
        { name: 'Stale participants', value: staleParticipants, unit: '', most: 0 },
      ];
    } finally {
      await weir[Symbol.asyncDispose]();
    }
  },
};
