/** Trial: twenty people write while their connections are cut; everybody must have each message once and in order. */
import { setTimeout } from 'node:timers/promises';
import { ChatExchange } from '../../support/endpoint/ChatExchange.ts';
import { type Cut, NetworkFault } from '../../support/network/NetworkFault.ts';
import { randomFrom } from '../../support/random.ts';
import { until } from '../../support/until.ts';
import { startWeir } from '../support/startWeir.ts';
import type { Trial } from '../support/Trial.ts';

const SENDERS = 20;
/** By how many ways they reach the server, one of which is never cut. */
const WAYS = 5;
/** Messages of each sender at each cut, on average. */
const EACH = 2.5;
/** How long an outage lasts after the clients have noticed, at most, in milliseconds. */
const AWAY = 1500;
/** Until a client has noticed silence, at most, in milliseconds. */
const NOTICE = 12_000;

export const chat: Trial = {
  name: 'chat',
  title: 'Chat messages across cut connections',
  about: `${SENDERS} people write in the chat of a room at once, ${SENDERS * EACH} messages at each cut: every seventh to one only, some are edited or deleted. Meanwhile the connections of four of them are cut between client and server, every second time by a reset, otherwise by dropping packets. One more joins at half, and one at the end. Then everybody, those two included, must have each message that is for them, once, as last edited, and in the same order. Who writes too fast is refused by the server, and sends again.`,
  times: 20,
  async run({ times, report }) {
    await using weir = await startWeir({ WEIR_CHAT_HISTORY: '2000' });
    await using ways = new AsyncDisposableStack();
    const faults: NetworkFault[] = [];
    for (let index = 1; index < WAYS; index += 1) faults.push(ways.use(await NetworkFault.start(weir.url)));
    using exchange = new ChatExchange('torture');
    for (let index = 0; index < SENDERS; index += 1) {
      await exchange.join(faults[index % WAYS]?.url ?? weir.url, `sender${index}`, true);
    }
    const random = randomFrom(3);
    for (let turn = 0; turn < times; turn += 1) {
      if (turn === times >> 1) await exchange.join(weir.url, 'late', false);
      const how: Cut = turn % 2 ? 'silence' : 'reset';
      const fault = faults[(turn >> 1) % faults.length];
      if (!fault) continue;
      const affected = exchange.members.filter((_, index) => faults[index % WAYS] === fault && index < SENDERS);
      const cut = async () => {
        await setTimeout(random.int(10));
        const before = affected.map(({ counts }) => counts.resumed);
        fault.cut(how);
        await until('the cut being noticed', NOTICE, () =>
          affected.every(({ counts }, i) => counts.lost > (before[i] ?? 0)),
        );
        await setTimeout(random.int(AWAY));
        await fault.mend();
        await until('the sessions being resumed', 10_000, () =>
          affected.every(({ counts }, i) => counts.resumed > (before[i] ?? 0)),
        );
      };
      await Promise.all([exchange.write(turn % 2 ? Math.floor(EACH) : Math.ceil(EACH)), cut()]);
      report(`cut ${turn + 1} of ${times}: ${exchange.written} messages, ${exchange.interrupted} of them during a cut`);
    }
    await exchange.join(weir.url, 'last', false);
    const { missing, repeated, disordered, leaked, outdated } = await exchange.findings(10_000);
    const ended = exchange.members.filter(({ end }) => end !== undefined).length;
    return [
      { name: 'Messages', value: exchange.written, unit: '' },
      { name: 'Members at the end', value: exchange.members.length, unit: '' },
      { name: 'Messages written or unconfirmed during a cut', value: exchange.interrupted, unit: '', least: times },
      { name: 'Messages refused for their rate, and sent again', value: exchange.limited, unit: '' },
      { name: 'Missing at a member', value: missing, unit: '', most: 0 },
      { name: 'Repeated at a member', value: repeated, unit: '', most: 0 },
      { name: 'In another order than at others', value: disordered, unit: '', most: 0 },
      { name: 'Shown though private or deleted', value: leaked, unit: '', most: 0 },
      { name: 'Not as last edited', value: outdated, unit: '', most: 0 },
      { name: 'Sessions that were lost', value: ended, unit: '', most: 0 },
    ];
  },
};
