/** Trial: half-open connections, which both sides must detect by themselves with Weir's default settings. */
import { NetworkFault } from '../../support/network/NetworkFault.ts';
import { until } from '../../support/until.ts';
import { Guest } from '../support/Guest.ts';
import { startWeir } from '../support/startWeir.ts';
import { type Trial, timeFigures } from '../support/Trial.ts';

/** When both sides must have noticed, in milliseconds, with a tolerance of one timer period. */
const KNOWN = 15_000;
const LEEWAY = 250;

export const halfOpen: Trial = {
  name: 'half-open',
  title: 'Half-open connections',
  about:
    'Packets of a connection are dropped in both directions, without either end being told. Times are from then to the client opening another connection, and to the server notifying the others that this peer is away. Settings are the defaults: a ping every 5 s, a timeout of 15 s.',
  times: 20,
  async run({ times, report }) {
    await using weir = await startWeir({ WEIR_MAX_CONNECTIONS_PER_IP: '1000' });
    await using network = await NetworkFault.start(weir.url);
    using cleanUp = new DisposableStack();
    using watcher = await Guest.enter(weir.url, 'half', 'watcher');
    const guests: Guest[] = [];
    for (let index = 0; index < times; index += 1) {
      guests.push(cleanUp.use(await Guest.enter(network.url, 'half', `guest-${index}`)));
    }
    const began = performance.now();
    network.cut('silence');
    const noticed = guests.map(async (guest) => {
      await until(`${guest.name} noticing`, 2 * KNOWN, () => guest.cuts.length > 0);
      return (guest.cuts[0] ?? 0) - began;
    });
    const marked = guests.map(async ({ member, name }) => {
      const at = await until(`${name} being marked`, 2 * KNOWN, () => watcher.awaySince.get(member.peerId));
      return at - began;
    });
    const client = await Promise.all(noticed);
    report(`all ${times} clients have noticed`);
    const server = await Promise.all(marked);
    return [
      ...timeFigures('Until the client notices', client, { most: KNOWN }),
      ...timeFigures('Until the server has notified the others', server, { most: KNOWN + LEEWAY }),
    ];
  },
};
