/** Tests of file transfers whose other end leaves, does not answer, or may not: each state ends, with words, or goes on. */
import { afterAll, describe, expect, test } from 'vitest';
import { until } from '../../scripts/support/until.ts';
import { BLOCK_BYTES, createTransferId } from '../../web/client/files/fileMessages.ts';
import { IncomingTransfer } from '../../web/client/files/IncomingTransfer.ts';
import { OutgoingTransfer } from '../../web/client/files/OutgoingTransfer.ts';
import { RoomTransfers } from '../../web/client/files/RoomTransfers.ts';
import { SentFile } from '../../web/client/files/SentFile.ts';
import { type FileRoom, transferDelays } from '../../web/client/files/transfers.ts';
import { FilePair, randomFile, SHORT_ABSENCE, SHORT_SILENCE } from '../support/files/FilePair.ts';
import { transferContext } from '../support/files/transferContext.ts';

const TIMEOUT = 8000;
const SIZE = 2 * BLOCK_BYTES;
const peer = { peerId: 'peer-x', identity: 'x', name: 'X' };
type Side = 'a' | 'b';
const otherSide = (side: Side): Side => (side === 'a' ? 'b' : 'a');

/** What both ends show before something happens to one of them. */
const stages = ['offered', 'active', 'paused by a', 'paused by b'] as const;
type Stage = (typeof stages)[number];

/** Tests run beside each other, since most of them wait. */
const pairs: FilePair[] = [];
afterAll(() => {
  for (const pair of pairs) pair.close();
});

function createPair(delays: typeof SHORT_ABSENCE): FilePair {
  const pair = new FilePair(delays);
  pairs.push(pair);
  return pair;
}

/** A pair of which B has accepted the file of A or not, and one of them has paused it or not. */
async function pairIn(
  stage: Stage,
  delays: typeof SHORT_ABSENCE,
  size = SIZE,
): Promise<{ pair: FilePair; id: string }> {
  const made = createPair(delays);
  // The file takes longer than any of these tests.
  made.delay = 20;
  made.isNarrow = true;
  const id = await made.offer(randomFile(size));
  if (stage === 'offered') return { pair: made, id };
  await made.b.transfers.accept(id);
  await until('some of it', TIMEOUT, () => made.transfer('b').transferred > 0);
  if (stage === 'active') return { pair: made, id };
  made[stage === 'paused by a' ? 'a' : 'b'].transfers.setPaused(id, true);
  await Promise.all([made.reaches('a', 'paused'), made.reaches('b', 'paused')]);
  return { pair: made, id };
}

describe.concurrent.each(stages)('while it is %s', (stage) => {
  describe.each(['a', 'b'] as const)('%s', (side) => {
    test('leaves for good: the other one is told', async () => {
      const { pair: made } = await pairIn(stage, SHORT_ABSENCE);
      const other = otherSide(side);
      made.leave(side);
      expect(made.transfer(other).state).toBe('waiting');
      await made.reaches(other, 'failed');
      expect(made.transfer(other)).toMatchObject({ endReason: 'left', isAccepted: stage !== 'offered' });
      expect(made.transfer(other).error?.message).toContain('has left');
      expect(made[other].events.filter(({ event }) => event === 'fileFailed')).toHaveLength(1);
    });

    test('loses the grant to send: both are told', async () => {
      const { pair: made } = await pairIn(stage, SHORT_SILENCE);
      const other = otherSide(side);
      made.maySend[side] = false;
      await made.reaches(other, 'failed');
      expect(made.transfer(other)).toMatchObject({ endReason: 'unanswered' });
      // Whoever was only offered a file might have got the grant back, and hears that this is over.
      await made.reaches(side, 'failed');
      const isOnlyOffered = stage === 'offered' && side === 'b';
      expect(made.transfer(side)).toMatchObject({ endReason: isOnlyOffered ? 'unknown' : 'forbidden' });
    });
  });
});

describe('whoever had left and comes back', () => {
  test('is offered again what was not accepted', async () => {
    const { pair: made, id } = await pairIn('offered', SHORT_ABSENCE, 1000);
    made.leave('a');
    await made.reaches('b', 'failed');
    await expect(made.b.transfers.accept(id)).rejects.toMatchObject({ code: 'conflict' });
    made.comeBack('a');
    await made.reaches('b', 'offered');
    const offers = () => made.b.events.filter(({ event }) => event === 'fileOffered');
    await until('a second offer', TIMEOUT, () => offers().length === 2);
    expect(made.transfer('b')).toMatchObject({ endReason: undefined, error: undefined });
    await made.b.transfers.accept(id);
    expect(await made.received()).toHaveLength(1000);
    expect(offers()).toHaveLength(2);
  });

  test.each(['a', 'b'] as const)('%s goes on after the last good block', async (side) => {
    const made = createPair(SHORT_ABSENCE);
    const stop = 1.5 * BLOCK_BYTES;
    made.fault = (message) => (message.type === 'chunk' && message.position >= stop ? [] : [message]);
    await made.b.transfers.accept(await made.offer(randomFile(SIZE)));
    await until('all before', TIMEOUT, () => made.transfer('b').transferred === stop);
    made.leave(side);
    await made.reaches(otherSide(side), 'failed');
    made.fault = (message) => [message];
    const before = made.sent.length;
    made.comeBack(side);
    expect(await made.received()).toHaveLength(SIZE);
    const after = made.sent
      .slice(before)
      .flatMap(({ message }) => (message.type === 'request' ? [message.position] : []));
    expect(Math.min(...after)).toBe(BLOCK_BYTES);
  });

  test('hears that the other one has removed the transfer, or cancelled it', async () => {
    for (const [act, state] of [['remove', 'failed'] as const, ['cancel', 'cancelled'] as const]) {
      const { pair: made, id } = await pairIn('active', SHORT_ABSENCE);
      made.leave('b');
      await made.reaches('a', 'failed');
      await made.a.transfers[act](id);
      made.comeBack('b');
      await made.reaches('b', state);
    }
  });
});

test.concurrent('who thinks about an offer, or pauses, for longer than the silence is not given up', async () => {
  const delays = SHORT_SILENCE;
  const made = createPair(delays);
  const ids = await Promise.all([0, 1, 2].map((index) => made.offer(randomFile(SIZE, `${index}`))));
  const [offered = '', byA = '', byB = ''] = ids;
  made.delay = 20;
  made.isNarrow = true;
  for (const id of [byA, byB]) await made.b.transfers.accept(id);
  const at = (side: Side, id: string) => made[side].transfers.transfers.find((one) => one.id === id);
  await until('both', TIMEOUT, () => [byA, byB].every((id) => (at('b', id)?.transferred ?? 0) > 0));
  made.a.transfers.setPaused(byA, true);
  made.b.transfers.setPaused(byB, true);
  await until('pauses', TIMEOUT, () => at('b', byA)?.state === 'paused' && at('a', byB)?.state === 'paused');
  const begun = performance.now();
  const sent = made.sent.length;
  /** Messages of each end about each transfer since then. */
  const count = (from: Side, id: string) =>
    made.sent.slice(sent).filter(({ from: side, message }) => side === from && 'id' in message && message.id === id)
      .length;
  const least = Math.ceil((1.5 * delays.silence) / delays.longest / 2);
  await until('messages', TIMEOUT, () =>
    ids.every((id) => count('a', id) >= least && count('b', id) >= least && performance.now() - begun > delays.silence),
  );
  for (const side of ['a', 'b'] as const) {
    expect(at(side, offered)?.state).toBe('offered');
    for (const id of [byA, byB]) expect(at(side, id)?.state).toBe('paused');
  }
});

test.concurrent('a sender that rejoins while the receiver has paused shows the pause, and goes on after it', async () => {
  const { pair: made, id } = await pairIn('paused by b', SHORT_SILENCE);
  made.rejoin('a');
  await made.reaches('a', 'paused');
  expect(made.transfer('a').pausedBy).toBe('peer');
  made.isNarrow = false;
  made.delay = 0;
  made.b.transfers.setPaused(id, false);
  expect(await made.received()).toHaveLength(SIZE);
});

describe('time passes', () => {
  const late = () => performance.now() + 10 * transferDelays.silence;

  /** A room in which X is, with a file of ours for X. */
  function roomWith(state: { away: boolean; isReconnecting: boolean }) {
    const transfers = new RoomTransfers('room', transferDelays, () => {});
    const room: FileRoom = {
      peerId: 'self',
      send: async () => {},
      peers: () => [{ ...peer, away: state.away }],
      isReconnecting: () => state.isReconnecting,
      maySend: () => true,
      maxBytes: 1,
      hasMedia: () => false,
      notify: () => {},
    };
    transfers.open(room);
    const about = { id: createTransferId(), name: 'file', size: 1 };
    const sent = new SentFile(randomFile(1));
    const transfer = transfers.add(new OutgoingTransfer(about, sent, peer, transfers.context(about.id)));
    return { transfers, transfer };
  }

  test.each(['away', 'isReconnecting'] as const)('while one is %s, nobody is given up', (which) => {
    const state = { away: false, isReconnecting: false, [which]: true };
    const { transfers, transfer } = roomWith(state);
    transfers.tick(late());
    expect(transfer.state).toBe('offered');
    state[which] = false;
    transfers.tick(late() + 10 * transferDelays.silence);
    expect(transfer.snapshot()).toMatchObject({ state: 'failed', endReason: 'unanswered' });
    transfers.close();
  });

  test('a sender that needs its file waits for its user, but not for a receiver that has left', () => {
    const { context, posted } = transferContext(transferDelays);
    const transfer = new OutgoingTransfer({ id: createTransferId(), name: 'file', size: 1 }, undefined, peer, context);
    transfer.tick(late());
    expect(transfer.state).toBe('needsFile');
    expect(posted.map(({ type }) => type)).toEqual(['pause', 'pause']);
    transfer.disconnect();
    transfer.tick(late());
    expect(transfer.snapshot()).toMatchObject({ state: 'failed', endReason: 'left' });
    transfer.connect(peer);
    expect(transfer.state).toBe('needsFile');
  });

  test('what is stored is kept although its sender leaves while it is being read', async () => {
    const { context } = transferContext(transferDelays);
    const about = { id: createTransferId(), name: 'file', size: 2 * BLOCK_BYTES };
    const transfer = new IncomingTransfer(about, { ...peer, peerId: '' }, context);
    const read = Promise.withResolvers<Uint8Array>();
    let isDiscarded = false;
    const accepted = transfer.accept({
      ...{ blocks: 1, hasHandle: false, read: () => read.promise },
      write: async () => {},
      finish: async () => new Blob(),
      discard: async () => {
        isDiscarded = true;
      },
    });
    transfer.tick(late());
    expect(transfer.snapshot()).toMatchObject({ state: 'failed', endReason: 'left' });
    read.resolve(new Uint8Array(BLOCK_BYTES));
    await accepted;
    expect(isDiscarded).toBe(false);
    transfer.connect(peer);
    expect(transfer.snapshot()).toMatchObject({ state: 'active', transferred: BLOCK_BYTES });
    transfer.end('cancelled');
    await until('its end', TIMEOUT, () => isDiscarded);
  });
});
