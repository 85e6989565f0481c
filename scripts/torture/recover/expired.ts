/**
 * Trials: a worker, or all of Weir, is killed during a call whose tokens have expired; everybody must rejoin with the
 * same identity and grants.
 */

import { launchChromium, whyNoChromium } from '../../support/browsers/chromium.ts';
import { startServer } from '../../support/servers/startServer.ts';
import { until } from '../../support/until.ts';
import { Invited, tokenSettings } from '../support/Invited.ts';
import { startWeir } from '../support/startWeir.ts';
import { type Figure, type Trial, timeFigures } from '../support/Trial.ts';

const TIMEOUT = 60_000;

const about =
  'Three people are in a room in Chromium: a host, a speaker, and somebody who may not publish any more since the host changed their grants. The tokens with which they joined have expired.';

export const expiredWorkers: Trial = {
  name: 'expired-workers',
  title: 'Killed media workers, expired tokens',
  about: `${about} The room's worker is killed with SIGKILL. Times are from then to all three being in the room and the two publishers seeing each other.`,
  times: 20,
  whyNotHere: whyNoChromium,
  async run({ times, report }) {
    await using server = await startServer({
      ...tokenSettings,
      WEIR_WORKERS: '2',
      WEIR_RESUME_SECONDS: '30',
      WEIR_MESSAGES_PER_SECOND: '1000',
    });
    const { pool, rooms } = server.app;
    await using chromium = await launchChromium();
    const call = await Invited.enter(chromium, server.url, 'room', TIMEOUT);
    const tally = new Tally(call);
    for (let turn = 0; turn < times; turn += 1) {
      const room = await rooms.find('room');
      const victim = pool.workers.find((worker) => worker.routers > 0);
      if (!victim || !room) throw new Error('The room is not where it should be.');
      process.kill(victim.pid, 'SIGKILL');
      const hit = performance.now();
      await until('the room ending', TIMEOUT, () => room.closed);
      await tally.takeBack(hit);
      await until('the worker being replaced', TIMEOUT, () => pool.complete);
      report(`${turn + 1} of ${times}: ${tally.words}`);
    }
    return tally.figures(times, 5000);
  },
};

export const expiredNode: Trial = {
  name: 'expired-node',
  title: 'A killed server, expired tokens',
  about: `${about} The server is killed with SIGKILL, and another is started on the same port, without the host's decisions. Times are from the new server running to all three being in the room and the two publishers seeing each other.`,
  times: 20,
  whyNotHere: whyNoChromium,
  async run({ times, report }) {
    let weir = await startWeir(tokenSettings);
    const settings = { ...tokenSettings, WEIR_PORT: new URL(weir.url).port };
    try {
      await using chromium = await launchChromium();
      const tally = new Tally(await Invited.enter(chromium, weir.url, 'room', TIMEOUT));
      for (let turn = 0; turn < times; turn += 1) {
        process.kill(weir.pid, 'SIGKILL');
        await weir.exit;
        weir = await startWeir(settings);
        await tally.takeBack(performance.now());
        report(`${turn + 1} of ${times}: ${tally.words}`);
      }
      return tally.figures(times, 8000);
    } finally {
      await weir[Symbol.asyncDispose]();
    }
  },
};

/** Results of each round. */
class Tally {
  readonly #call: Invited;
  readonly #back: number[] = [];
  #changed = 0;
  #staleParticipants = 0;

  constructor(call: Invited) {
    this.#call = call;
  }

  get words(): string {
    return `back after ${Math.round(this.#back.at(-1) ?? 0)} ms, ${this.#changed} with other grants`;
  }

  /** Waits until everybody has rejoined. @param since `performance.now()` */
  async takeBack(since: number): Promise<void> {
    await this.#call.isWhole(TIMEOUT);
    this.#back.push(performance.now() - since);
    this.#changed += await this.#call.changed();
    this.#staleParticipants += await this.#call.staleParticipants();
  }

  figures(times: number, most: number): Figure[] {
    return [
      ...timeFigures('All are back', this.#back, { most }),
      { name: 'Recoveries', value: this.#back.length, unit: '', least: times },
      { name: 'People with other grants than before', value: this.#changed, unit: '', most: 0 },
      { name: 'Stale participants', value: this.#staleParticipants, unit: '', most: 0 },
    ];
  }
}
