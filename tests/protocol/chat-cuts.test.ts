/** Chat messages across cut connections: each is received once and in order. `npm run torture -- chat` is the long form. */
import { expect, test } from 'vitest';
import { ChatExchange } from '../../scripts/support/endpoint/ChatExchange.ts';
import { NetworkFault } from '../../scripts/support/network/NetworkFault.ts';
import { until } from '../../scripts/support/until.ts';
import { useServer } from '../support/weir.ts';

const SENDERS = 10;
const CUTS = 5;
/** Messages of each sender at each cut. */
const EACH = 4;

const weir = useServer(
  { WEIR_RESUME_SECONDS: '30', WEIR_MESSAGES_PER_SECOND: '1000' },
  { chatRateLimit: { limit: 1000, window: 1000, minInterval: 0 } },
);

test('200 messages of ten senders, five cuts, a late joiner: everybody has each message once, in the same order', async () => {
  await using fault = await NetworkFault.start(weir.url);
  using exchange = new ChatExchange('room');
  for (let index = 0; index < SENDERS; index += 1) {
    await exchange.join(index % 2 ? fault.url : weir.url, `sender${index}`, true);
  }
  const affected = exchange.members.filter((_, index) => index % 2 === 1);
  const cut = async (count: number) => {
    await until('the senders being at it', 20_000, () => exchange.written > count * SENDERS * EACH + SENDERS / 2);
    fault.cut('reset');
    await until('the cut being noticed', 20_000, () => affected.every(({ counts }) => counts.lost > count));
    await fault.mend();
    await until('the sessions being resumed', 20_000, () => affected.every(({ counts }) => counts.resumed > count));
  };
  for (let count = 0; count < CUTS; count += 1) await Promise.all([exchange.write(EACH), cut(count)]);
  await exchange.join(weir.url, 'late', false);
  expect(await exchange.findings(20_000)).toEqual({ missing: 0, repeated: 0, disordered: 0, leaked: 0, outdated: 0 });
  expect(exchange.written).toBe(SENDERS * CUTS * EACH);
  expect(exchange.interrupted).toBeGreaterThanOrEqual(CUTS);
  expect(exchange.members.map(({ end }) => end)).toEqual(exchange.members.map(() => undefined));
});
