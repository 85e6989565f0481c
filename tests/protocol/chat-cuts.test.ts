/** Chat messages across cut connections: each is received once and in order. `npm run torture -- chat` is the long form. */
import { describe, expect, test } from 'vitest';
import { ChatExchange } from '../../scripts/support/endpoint/ChatExchange.ts';
import { ChatMember } from '../../scripts/support/endpoint/ChatMember.ts';
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

describe('after a rejoin', () => {
  const guest = 'a-secret-of-22-or-more-characters';
  const texts = ({ chat }: ChatMember) => chat.messages.map(({ text }) => text);
  const enter = (name: string, former?: ChatMember) =>
    ChatMember.join({
      url: weir.url,
      room: 'rejoin',
      name,
      ...(name === 'ada' && { guest }),
      ...(former && { former }),
    });
  const ended = (member: ChatMember) => until('the end of the session', 20_000, () => member.end);

  test('what was missed is there, and what may be lost is sent once', async () => {
    using ada = await enter('ada');
    using bob = await enter('bob');
    await bob.chat.send('before');
    await until('it', 20_000, () => texts(ada).length === 1);
    // The session ends before the reply, but the room has the message.
    const room = await weir.app.rooms.find('rejoin');
    room?.events.on({ chatMessage: ({ by }) => by.id === ada.peerId && by.close('mediaLost') });
    await expect(ada.chat.send('unsure')).rejects.toMatchObject({ code: 'closed' });
    expect(await ended(ada)).toBe('mediaLost');
    await bob.chat.send('meanwhile');
    using again = await enter('ada', ada);
    const all = ['before', 'unsure', 'meanwhile'];
    await until(
      'all',
      20_000,
      () => texts(again).length === 3 && again.chat.messages.every(({ state }) => state === 'sent'),
    );
    expect([texts(again), texts(bob)]).toEqual([all, all]);
    const [, unsent] = again.chat.messages;
    await again.chat.edit(unsent?.id ?? '', 'sure');
    await until('the edit', 20_000, () => texts(bob)[1] === 'sure');
  });

  test('in a new room of the same name, the former messages remain', async () => {
    using ada = await enter('ada');
    await ada.chat.send('former');
    const room = await weir.app.rooms.find('rejoin');
    room?.close('mediaLost');
    await ended(ada);
    using again = await enter('ada', ada);
    using bob = await enter('bob');
    await bob.chat.send('new');
    await until('it', 20_000, () => texts(again).length === 2);
    expect([texts(again), texts(bob)]).toEqual([['former', 'new'], ['new']]);
  });
});
