/** Tests of file transfers whose answers are lost, not permitted, given twice, or of which there are too many. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../../scripts/support/until.ts';
import type { BlockStore } from '../../web/client/files/BlockStore.ts';
import { blockHash } from '../../web/client/files/FileDigest.ts';
import { BLOCK_BYTES, CHUNK_BYTES, createTransferId, encodeMessage } from '../../web/client/files/fileMessages.ts';
import { IncomingTransfer } from '../../web/client/files/IncomingTransfer.ts';
import { OutgoingTransfer } from '../../web/client/files/OutgoingTransfer.ts';
import { FilePair, PATIENT, randomFile } from '../support/files/FilePair.ts';
import { transferContext } from '../support/files/transferContext.ts';

const TIMEOUT = 8000;
/** SHA-256 of nothing. */
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
let pair: FilePair;
beforeEach(() => {
  pair = new FilePair();
});
afterEach(() => pair.close());

test('a sender that has missed that the receiver has cancelled learns of it', async () => {
  pair.delay = 1;
  const id = await pair.offer(randomFile(8 * BLOCK_BYTES));
  await pair.b.transfers.accept(id);
  await until('some of it', TIMEOUT, () => pair.transfer('b').transferred > 0);
  let isLost = false;
  pair.fault = (message) => {
    if (message.type !== 'end' || isLost) return [message];
    isLost = true;
    return [];
  };
  pair.b.transfers.cancel(id);
  await pair.reaches('a', 'cancelled');
  expect(isLost).toBe(true);
});

test('a sender that has missed why the receiver has given up is told so when it asks', async () => {
  let isLost = false;
  pair.fault = (message) => {
    if (message.type === 'chunk' && message.position === 0)
      return [{ ...message, data: message.data.map((byte) => byte ^ 1) }];
    if (message.type !== 'end' || isLost) return [message];
    isLost = true;
    return [];
  };
  await pair.b.transfers.accept(await pair.offer(randomFile(1000)));
  await pair.reaches('a', 'failed');
  expect(isLost).toBe(true);
  expect(pair.transfer('a').endReason).toBe('corrupted');
});

test('nothing is offered to one whose grants do not permit data', async () => {
  pair.others = [{ peerId: 'mute', identity: 'mute', name: 'Mute', canExchangeData: false }];
  const error = { code: 'forbidden', message: expect.stringContaining('Mute') };
  await expect(pair.a.transfers.send(randomFile(1000), ['peer-b', 'mute'])).rejects.toMatchObject(error);
  expect([pair.a.transfers.transfers, pair.sent]).toEqual([[], []]);
});

test('whoever may not answer cannot accept', async () => {
  const id = await pair.offer(randomFile(1000));
  pair.maySend.b = false;
  await expect(pair.b.transfers.accept(id)).rejects.toMatchObject({ code: 'forbidden' });
  expect(pair.transfer('b').state).toBe('offered');
});

test('what changed between two sessions is told in the next one', async () => {
  pair.delay = 1;
  await pair.b.transfers.accept(await pair.offer(randomFile(8 * BLOCK_BYTES)));
  await pair.reaches('b', 'active');
  pair.leave('b');
  const before = pair.b.events.length;
  // The other end has not come back.
  const peers = { ...pair.peers.a };
  pair.peers.a = { ...peers, peerId: '', identity: 'nobody' };
  pair.attach('b');
  const events = pair.b.events.slice(before).map(({ event, transfer }) => [event, transfer.state]);
  expect(events).toEqual([['fileStateChanged', 'waiting']]);
});

test('offers of senders who have left do not become more and more, and nobody is asked for them', async () => {
  pair.close();
  pair = new FilePair(PATIENT);
  await pair.b.transfers.restored();
  for (let visit = 0; visit < 8; visit += 1) {
    const peerId = `visit-${visit}`;
    pair.peers.a = { peerId, identity: peerId, name: 'Visitor' };
    pair.b.transfers.onPeerJoined(pair.peers.a);
    for (let count = 0; count < 25; count += 1) {
      const message = { type: 'offer' as const, id: createTransferId(), name: 'file', size: 1 };
      pair.b.transfers.onData(peerId, encodeMessage(message));
    }
    pair.b.transfers.onPeerLeft(peerId);
  }
  expect(pair.b.transfers.transfers).toHaveLength(100);
  const late = { peerId: 'late', identity: 'late', name: 'Late' };
  pair.others = [late];
  pair.b.transfers.onPeerJoined(late);
  expect(pair.sent.filter(({ message }) => message.type === 'seek')).toEqual([]);
});

/** A transfer to us whose store a test answers for. */
function incoming(size: number, store: Partial<BlockStore>) {
  const { context, posted } = transferContext(PATIENT);
  const id = createTransferId();
  const transfer = new IncomingTransfer(
    { id, name: 'file', size },
    { peerId: 'peer-a', identity: 'a', name: 'A' },
    context,
  );
  const accepted = transfer.accept({
    blocks: 0,
    hasHandle: false,
    write: async () => {},
    read: async () => new Uint8Array(),
    finish: async () => new Blob(),
    discard: async () => {},
    ...store,
  });
  const round = () => posted.findLast((message) => message.type === 'request')?.round ?? 0;
  return { id, transfer, accepted, posted, round };
}

test('a sender that does not keep to its window makes no more than a few blocks wait for the disk', async () => {
  const count = 20;
  const { id, transfer, accepted, round } = incoming(count * BLOCK_BYTES, { write: () => new Promise(() => {}) });
  await accepted;
  const data = new Uint8Array(BLOCK_BYTES);
  const sha256 = await blockHash(data);
  for (let index = 0; index < count; index += 1) {
    for (let start = 0; start < BLOCK_BYTES; start += CHUNK_BYTES) {
      const position = index * BLOCK_BYTES + start;
      const chunk = data.subarray(start, start + CHUNK_BYTES);
      transfer.onMessage({ type: 'chunk', id, round: round(), position, data: chunk });
    }
    transfer.onMessage({ type: 'block', id, round: round(), index, sha256 });
  }
  expect(transfer.transferred).toBeLessThanOrEqual(9 * BLOCK_BYTES);
});

test('what is cancelled while it is finished has no file', async () => {
  const finished = Promise.withResolvers<Blob>();
  const { transfer, accepted, id, posted } = incoming(0, { finish: () => finished.promise });
  await accepted;
  transfer.onMessage({ type: 'complete', id, sha256: EMPTY });
  await Promise.resolve();
  transfer.end('cancelled');
  finished.resolve(new Blob(['x']));
  await new Promise((resolve) => setImmediate(resolve));
  expect(transfer.snapshot()).toMatchObject({ state: 'cancelled', blob: undefined });
  expect(posted.map(({ type }) => type)).not.toContain('done');
});

test('a receiver that takes its time to save a file answers, so that its sender waits', async () => {
  const finished = Promise.withResolvers<Blob>();
  const { transfer, accepted, id, posted } = incoming(0, { finish: () => finished.promise });
  await accepted;
  transfer.onMessage({ type: 'complete', id, sha256: EMPTY });
  posted.length = 0;
  transfer.onMessage({ type: 'complete', id, sha256: EMPTY });
  expect(posted.map(({ type }) => type)).toEqual(['ack']);
  finished.resolve(new Blob());
  await until('its end', TIMEOUT, () => transfer.state === 'completed');
});

test('a sender whose page was reloaded hears that the file had arrived, although it has not been chosen again', () => {
  const { context, posted } = transferContext(PATIENT);
  const about = { id: createTransferId(), name: 'file', size: 10 };
  const transfer = new OutgoingTransfer(about, undefined, { peerId: 'peer-b', identity: 'b', name: 'B' }, context);
  expect(transfer.state).toBe('needsFile');
  expect(posted).toEqual([{ type: 'pause', id: about.id, paused: true }]);
  transfer.onMessage({ type: 'done', id: about.id });
  expect(transfer.state).toBe('completed');
});
