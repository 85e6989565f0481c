/** Trial: signalling connections are cut; media must continue without a gap, in the same session. */
import { setTimeout } from 'node:timers/promises';
import { type Cut, NetworkFault } from '../../support/network/NetworkFault.ts';
import { randomFrom } from '../../support/random.ts';
import { until } from '../../support/until.ts';
import { Guest } from '../support/Guest.ts';
import { startWeir } from '../support/startWeir.ts';
import { type Figure, type Trial, timeFigures } from '../support/Trial.ts';

/**
 * Length of the outage after the client has noticed, in milliseconds: reconnection attempts are then in every state.
 */
const AWAY = 2000;
/**
 * Maximum time for a client to notice silence, in milliseconds: the ping interval, its tolerance, and the client's own
 * ping.
 */
const NOTICE = 12_000;

export const cuts: Trial = {
  name: 'cuts',
  title: 'Cut connections',
  about:
    "The signalling connection of a publisher and of a viewer is cut between client and server: every second time by a reset, otherwise by dropping packets. The network returns up to two seconds after the client has noticed. Times are from the network's return to the session being resumed. Gaps are pauses of more than 200 ms in the viewer's RTP; the control is a viewer whose connection is not cut.",
  times: 100,
  async run({ times, report }) {
    await using weir = await startWeir();
    await using near = await NetworkFault.start(weir.url);
    await using far = await NetworkFault.start(weir.url);
    using publisher = await Guest.enter(near.url, 'cuts', 'publisher', true);
    using viewer = await Guest.enter(far.url, 'cuts', 'viewer');
    using control = await Guest.enter(weir.url, 'cuts', 'control');
    await Promise.all([viewer.flows(), control.flows()]);
    const random = randomFrom(5);
    const ids = () => [publisher.member.peerId, viewer.member.peerId, viewer.consumerIds, control.consumerIds].join();
    const before = ids();
    const back: Record<Cut, number[]> = { reset: [], silence: [] };
    let changed = 0;
    for (let turn = 0; turn < times; turn += 1) {
      const how: Cut = turn % 2 ? 'silence' : 'reset';
      const [network, guest] = (turn >> 1) % 2 ? [far, viewer] : [near, publisher];
      const count = guest.resumes.length;
      network.cut(how);
      await until('the cut being noticed', NOTICE, () => guest.cuts.length > count);
      await setTimeout(random.int(AWAY));
      await network.mend();
      const mended = performance.now();
      await until('the stay being taken up', 10_000, () => guest.resumes.length > count);
      back[how].push((guest.resumes.at(-1) ?? 0) - mended);
      if (ids() !== before) changed += 1;
      report(`cut ${turn + 1} of ${times}: gaps ${viewer.gaps}, beside ${control.gaps} of the one who was not cut`);
    }
    await Promise.all([viewer.flows(), control.flows()]);
    const ended = [publisher, viewer, control].reduce((sum, { ends }) => sum + ends.length, 0);
    const figures: Figure[] = [
      ...timeFigures('Resumed', [...back.reset, ...back.silence], { most: 1000 }),
      ...timeFigures('Resumed after a reset', back.reset),
      ...timeFigures('Resumed after a silence', back.silence),
      { name: 'Gaps at the viewer', value: viewer.gaps, unit: '', most: control.gaps },
      { name: 'Gaps at the control', value: control.gaps, unit: '' },
      { name: 'Longest pause at the viewer', value: viewer.longestGap, unit: 'ms' },
      { name: 'Longest pause at the control', value: control.longestGap, unit: 'ms' },
      { name: 'Ids that changed', value: changed, unit: '', most: 0 },
      { name: 'Sessions that were lost', value: ended, unit: '', most: 0 },
    ];
    return figures;
  },
};
