/** Trial: a deployment, SIGTERM to `npm start` while media flows. */
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { until } from '../../support/until.ts';
import { Guest } from '../support/Guest.ts';
import { startWeir } from '../support/startWeir.ts';
import { type Trial, timeFigures } from '../support/Trial.ts';

/** Drain time in seconds; viewers; packets a second of the publisher. */
const DRAIN = 5;
const VIEWERS = 20;
const RATE = 180;
const root = fileURLToPath(new URL('../../../', import.meta.url));

export const drain: Trial = {
  name: 'drain',
  title: 'A deploy',
  about: `Weir is started by \`npm start\`, with a deadline of ${DRAIN} seconds; one client publishes and ${VIEWERS} watch. SIGTERM is sent to the server, every second time to npm. Required: media until the deadline, everybody notified, nobody let in, every request answered, exit code 0.`,
  times: 5,
  async run({ times, report }) {
    const lasted: number[] = [];
    let delivered = 1;
    let gaps = 0;
    let unanswered = 0;
    let untold = 0;
    let letIn = 0;
    let badExits = 0;
    let left = 0;
    for (let turn = 0; turn < times; turn += 1) {
      await using weir = await startWeir({ WEIR_DRAIN_SECONDS: String(DRAIN), WEIR_SKIP_SETUP: '1' }, [
        'npm',
        '--prefix',
        root,
        'start',
      ]);
      using cleanUp = new DisposableStack();
      cleanUp.use(await Guest.enter(weir.url, 'drain', 'publisher', true));
      const viewers: Guest[] = [];
      for (let index = 0; index < VIEWERS; index += 1) {
        viewers.push(cleanUp.use(await Guest.enter(weir.url, 'drain', `viewer-${index}`)));
      }
      await Promise.all(viewers.map((viewer) => viewer.flows()));
      const before = viewers.map(({ packets }) => packets);
      const toNpm = turn % 2 === 1;
      process.kill(toNpm ? weir.pid : weir.server, 'SIGTERM');
      const signalled = performance.now();
      await until('its not being ready', 2000, async () => !(await weir.ready()));
      letIn += await Guest.enter(weir.url, 'drain', 'late').then(
        () => 1,
        () => 0,
      );
      // Keeps sending requests throughout.
      const talk = (async () => {
        while (viewers[0]?.ends.length === 0) {
          await viewers[0].member.ping().catch(() => {
            if (viewers[0]?.ends.length === 0) unanswered += 1;
          });
          await setTimeout(10);
        }
      })();
      await until('the end', DRAIN * 1000 + 5000, () => viewers.every(({ ends }) => ends.length > 0));
      lasted.push(performance.now() - signalled);
      await talk;
      untold += viewers.filter(({ ends }) => ends[0] !== 'serverClosing').length;
      const due = (RATE * (lasted.at(-1) ?? 0)) / 1000;
      for (const [index, { packets, gaps: paused }] of viewers.entries()) {
        delivered = Math.min(delivered, (packets - (before[index] ?? 0)) / due);
        gaps += paused;
      }
      // npm itself exits as terminated, whatever the exit code of its script.
      if ((await weir.exit) !== 0 && !toNpm) badExits += 1;
      left += await until('nothing being left', 5000, () => weir.descendants.length === 0).then(
        () => 0,
        () => weir.descendants.length,
      );
      report(`${turn + 1} of ${times}: media flowed for ${Math.round(lasted.at(-1) ?? 0)} ms`);
    }
    return [
      ...timeFigures('From SIGTERM to the end of the call', lasted),
      { name: 'Shortest', value: Math.min(...lasted), unit: 'ms', least: DRAIN * 1000 - 100 },
      { name: 'Media delivered meanwhile, worst viewer', value: delivered * 100, unit: '%', least: 97 },
      { name: 'Gaps', value: gaps, unit: '', most: 0 },
      { name: 'Requests without an answer', value: unanswered, unit: '', most: 0 },
      { name: 'Viewers who were not notified', value: untold, unit: '', most: 0 },
      { name: 'Let in', value: letIn, unit: '', most: 0 },
      { name: 'Exit codes other than 0', value: badExits, unit: '', most: 0 },
      { name: 'Processes left', value: left, unit: '', most: 0 },
    ];
  },
};
