/** Tests of file transfers over a link in memory: order, damage, loss, pauses, cancels, windows, rejoins and limits. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../scripts/support/until.ts';
import { WeirError } from '../../shared/errors.ts';
import { BLOCK_BYTES, CHUNK_BYTES, encodeMessage, type FileMessage } from '../../web/client/files/fileMessages.ts';
import type { FileTransferState } from '../../web/client/files/transfers.ts';
import { FilePair, PATIENT, randomFile } from '../support/files/FilePair.ts';

const SIZE = 3 * BLOCK_BYTES + 12_345;
const TIMEOUT = 8000;

describe('file transfers', () => {
  let pair: FilePair;
  beforeEach(() => {
    pair = new FilePair();
  });
  afterEach(() => pair.close());

  function bePatient(): void {
    pair.close();
    pair = new FilePair(PATIENT);
  }

  const stateOf = (side: 'a' | 'b', state: FileTransferState) => pair.reaches(side, state);
  const offer = (file: File) => pair.offer(file);
  const sentBytes = () => pair.sentBytes;

  async function expectEqual(file: File): Promise<void> {
    expect(sha256(await pair.received())).toBe(sha256(new Uint8Array(await file.arrayBuffer())));
  }

  test.each([0, 1, CHUNK_BYTES, BLOCK_BYTES, BLOCK_BYTES + 1, SIZE])(
    '%i bytes arrive as they are, once',
    async (size) => {
      bePatient();
      const file = randomFile(size);
      const id = await offer(file);
      expect(pair.transfer('b')).toMatchObject({ state: 'offered', direction: 'receive', name: 'photo.jpg', size });
      expect(pair.transfer('b').peer.name).toBe('Alice');
      expect(sentBytes()).toBe(0);
      await pair.b.transfers.accept(id);
      await expectEqual(file);
      expect(sentBytes()).toBe(size);
      expect(pair.transfer('a')).toMatchObject({ transferred: size });
      const events = pair.b.events.map(({ event }) => event);
      expect(events.filter((event) => event === 'fileOffered')).toHaveLength(1);
      expect(events.filter((event) => event === 'fileCompleted')).toHaveLength(1);
    },
  );

  test('a damaged block is requested again, and only from there', async () => {
    bePatient();
    const file = randomFile(SIZE);
    const damage = onceFor(
      ({ position }) => position === BLOCK_BYTES + CHUNK_BYTES,
      (chunk) => [damaged(chunk)],
    );
    pair.fault = damage;
    await pair.b.transfers.accept(await offer(file));
    await expectEqual(file);
    const requests = pair.sent.flatMap(({ message }) => (message.type === 'request' ? [message.position] : []));
    expect(requests).toEqual([0, BLOCK_BYTES]);
  });

  test('a block that is always damaged fails at both ends, with words', async () => {
    pair.fault = (message) => (message.type === 'chunk' && message.position === 0 ? [damaged(message)] : [message]);
    await pair.b.transfers.accept(await offer(randomFile(SIZE)));
    await Promise.all([stateOf('a', 'failed'), stateOf('b', 'failed')]);
    expect(pair.transfer('a').error?.message).toContain('does not match');
    expect(pair.transfer('b').blob).toBeUndefined();
    expect(pair.b.events.filter(({ event }) => event === 'fileFailed')).toHaveLength(1);
  });

  test('a file whose hash does not match as a whole is no file', async () => {
    pair.fault = (message) => [message.type === 'complete' ? { ...message, sha256: '0'.repeat(64) } : message];
    await pair.b.transfers.accept(await offer(randomFile(SIZE)));
    await Promise.all([stateOf('a', 'failed'), stateOf('b', 'failed')]);
    expect(pair.transfer('b').blob).toBeUndefined();
  });

  test('lost, repeated and reordered chunks are made good', async () => {
    const file = randomFile(SIZE);
    let held: FileMessage | undefined;
    let count = 0;
    pair.fault = (message) => {
      if (message.type !== 'chunk') return [message];
      count += 1;
      if (count === 20) return [];
      if (count % 7 === 0) return [message, message];
      if (count === 100) {
        held = message;
        return [];
      }
      const after = held ? [message, held] : [message];
      held = undefined;
      return after;
    };
    await pair.b.transfers.accept(await offer(file));
    await expectEqual(file);
  });

  test.each(['offer', 'request', 'block', 'complete', 'done'] as const)('a lost %s is repeated', async (type) => {
    const file = randomFile(BLOCK_BYTES + 10);
    let isLost = false;
    pair.fault = (message) => {
      if (message.type !== type || isLost) return [message];
      isLost = true;
      return [];
    };
    await pair.b.transfers.accept(await offer(file));
    await expectEqual(file);
    expect(isLost).toBe(true);
  });

  test('no more than the window is on its way, and a receiver that cannot store stops the sender', async () => {
    const file = randomFile(8 * BLOCK_BYTES);
    pair.delay = 1;
    const id = await offer(file);
    await pair.b.transfers.accept(id);
    await until('half', TIMEOUT, () => pair.transfer('b').transferred > BLOCK_BYTES);
    expect(pair.mostInFlight).toBeLessThanOrEqual(2 * BLOCK_BYTES + CHUNK_BYTES);
    expect(pair.mostInFlight).toBeGreaterThan(4 * CHUNK_BYTES);
    // No acknowledgement arrives any more.
    pair.fault = (message) => (message.type === 'ack' || message.type === 'request' ? [] : [message]);
    const most = pair.transfer('a').transferred + 4 * BLOCK_BYTES;
    await until('silence', TIMEOUT, async () => {
      const before = pair.sent.length;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return pair.sent.length === before;
    });
    expect(pair.transfer('b').transferred).toBeLessThan(most);
  });

  test('several files at once take turns', async () => {
    pair.isNarrow = true;
    const files = [0, 1, 2, 3].map((index) => randomFile(2 * BLOCK_BYTES, `${index}.bin`));
    const ids = await Promise.all(files.map(offer));
    await Promise.all(ids.map((id) => pair.b.transfers.accept(id)));
    await until('all', TIMEOUT, () => pair.b.transfers.transfers.every(({ state }) => state === 'completed'));
    const order = pair.sent.flatMap(({ message }) => (message.type === 'chunk' ? [message.id] : []));
    const allBegan = Math.max(...ids.map((id) => order.indexOf(id)));
    const next = order.slice(allBegan, allBegan + 40);
    for (const id of ids) expect(next.filter((one) => one === id).length).toBeGreaterThanOrEqual(6);
  });

  test.each(['a', 'b'] as const)('%s pauses and goes on', async (side) => {
    const file = randomFile(4 * BLOCK_BYTES);
    const id = await offer(file);
    await pair.b.transfers.accept(id);
    await until('a block', TIMEOUT, () => pair.transfer('b').transferred > BLOCK_BYTES);
    pair[side].transfers.setPaused(id, true);
    await Promise.all([stateOf('a', 'paused'), stateOf('b', 'paused')]);
    expect(pair.transfer(side).pausedBy).toBe('self');
    expect(pair.transfer(side === 'a' ? 'b' : 'a').pausedBy).toBe('peer');
    await until('nothing on its way', TIMEOUT, () => pair.inFlight === 0);
    const at = pair.transfer('b').transferred;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(pair.transfer('b').transferred).toBe(at);
    expect(at).toBeLessThan(file.size);
    pair[side].transfers.setPaused(id, false);
    await expectEqual(file);
  });

  test('what arrives in a pause of the receiver counts at both ends, and is not sent again', async () => {
    bePatient();
    const file = randomFile(4 * BLOCK_BYTES);
    pair.delay = 2;
    const id = await offer(file);
    await pair.b.transfers.accept(id);
    await until('much on its way', TIMEOUT, () => pair.inFlight > 8 * CHUNK_BYTES);
    pair.b.transfers.setPaused(id, true);
    const atPause = pair.transfer('b').transferred;
    await stateOf('a', 'paused');
    await until('nothing on its way', TIMEOUT, () => pair.inFlight === 0);
    const { transferred } = pair.transfer('b');
    expect(transferred).toBeGreaterThan(atPause + 2 * CHUNK_BYTES);
    // Acknowledgements come with every second chunk.
    await until('the same', TIMEOUT, () => pair.transfer('a').transferred > transferred - 2 * CHUNK_BYTES);
    pair.b.transfers.setPaused(id, false);
    await expectEqual(file);
    expect(sentBytes()).toBe(file.size);
  });

  test.each([
    ['forbidden', 'forbidden'],
    ['badRequest', 'unsupported'],
    ['unsupported', 'unsupported'],
  ] as const)('chunks that are refused as %s end it at both ends as %s', async (code, reason) => {
    pair.refusal = new WeirError(code, 'No chunks today.');
    await pair.b.transfers.accept(await offer(randomFile(SIZE)));
    await Promise.all([stateOf('a', 'failed'), stateOf('b', 'failed')]);
    for (const side of ['a', 'b'] as const)
      expect(pair.transfer(side)).toMatchObject({ endReason: reason, error: { code: reason } });
    if (reason === 'unsupported') expect(pair.transfer('a').error?.message).toBe('No chunks today.');
  });

  describe.each(['a', 'b'] as const)('%s cancels', (side) => {
    test.each(['offered', 'active', 'paused'] as const)('while it is %s', async (stage) => {
      pair.delay = 1;
      const id = await offer(randomFile(8 * BLOCK_BYTES));
      if (stage !== 'offered') {
        await pair.b.transfers.accept(id);
        await until('some of it', TIMEOUT, () => pair.transfer('b').transferred > 0);
      }
      if (stage === 'paused') pair.a.transfers.setPaused(id, true);
      pair[side].transfers.cancel(id);
      await Promise.all([stateOf('a', 'cancelled'), stateOf('b', 'cancelled')]);
      expect(pair.transfer(side).error).toBeUndefined();
      expect(pair.transfer(side === 'a' ? 'b' : 'a').error?.message).toContain('cancelled');
      await until('nothing on its way', TIMEOUT, () => pair.pending === 0);
      const count = pair.sent.length;
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(pair.sent.length).toBe(count);
    });
  });

  test('a sender that has missed the refusal learns of it when it offers the file again', async () => {
    let isLost = false;
    pair.fault = (message) => {
      if (message.type !== 'end' || isLost) return [message];
      isLost = true;
      return [];
    };
    const id = await offer(randomFile(10));
    pair.b.transfers.decline(id);
    await stateOf('a', 'declined');
    expect(isLost).toBe(true);
  });

  test('a declined file is not sent', async () => {
    const id = await offer(randomFile(SIZE));
    pair.b.transfers.decline(id);
    await Promise.all([stateOf('a', 'declined'), stateOf('b', 'declined')]);
    expect(sentBytes()).toBe(0);
    expect(pair.transfer('a').error?.message).toContain('declined');
    await expect(pair.b.transfers.accept(id)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('what is stored is read once: nobody accepts it meanwhile', async () => {
    const file = randomFile(SIZE);
    const id = await offer(file);
    const first = pair.b.transfers.accept(id);
    const second = pair.b.transfers.accept(id);
    await expect(second).rejects.toMatchObject({ code: 'conflict' });
    await first;
    await expectEqual(file);
  });

  test('a stranger cannot interfere, not even with the right id', async () => {
    const file = randomFile(SIZE);
    pair.delay = 1;
    const id = await offer(file);
    await pair.b.transfers.accept(id);
    pair.b.transfers.onData('stranger', encodeMessage({ type: 'end', id, reason: 'cancelled' }));
    pair.b.transfers.onData('peer-a', Uint8Array.of(0, 1, 2, 3));
    pair.b.transfers.onData('peer-a', new Uint8Array());
    await expectEqual(file);
  });

  test('files that are too large, not permitted or for nobody are refused, at both ends', async () => {
    pair.maxBytes = 1000;
    pair.attach('a');
    await expect(pair.a.transfers.send(randomFile(1001), ['peer-b'])).rejects.toMatchObject({
      code: 'badRequest',
      message: expect.stringContaining('1000'),
    });
    await expect(pair.a.transfers.send(randomFile(10), ['nobody'])).rejects.toMatchObject({ code: 'notFound' });
    await expect(pair.a.transfers.send(randomFile(10), [])).rejects.toMatchObject({ code: 'notFound' });
    pair.maySend.a = false;
    await expect(pair.a.transfers.send(randomFile(10), ['peer-b'])).rejects.toMatchObject({ code: 'forbidden' });
    pair.maySend.a = true;
    pair.maxBytes = 0;
    pair.attach('a');
    await expect(pair.a.transfers.send(randomFile(0), ['peer-b'])).rejects.toMatchObject({ code: 'forbidden' });
    // A sender that does not know the limit.
    pair.maxBytes = 10_000;
    pair.attach('a');
    pair.maxBytes = 1000;
    pair.attach('b');
    await pair.a.transfers.send(randomFile(5000), ['peer-b']);
    await stateOf('a', 'failed');
    expect(pair.transfer('a').error?.message).toContain('larger than this server allows');
    expect(pair.b.transfers.transfers).toEqual([]);
  });

  test('a file that changes while it is sent fails with words', async () => {
    const file = randomFile(SIZE);
    const id = await offer(file);
    Object.defineProperty(file, 'slice', { value: () => new Blob([]) });
    await pair.b.transfers.accept(id);
    await Promise.all([stateOf('a', 'failed'), stateOf('b', 'failed')]);
    expect(pair.transfer('b').error?.message).toContain('changed, moved or deleted');
  });

  test('offers that are taken back are not kept for ever', async () => {
    for (let index = 0; index < 120; index += 1) {
      const id = await offer(randomFile(1));
      pair.a.transfers.cancel(id);
      await until('its end', TIMEOUT, () => pair.b.transfers.transfers.every(({ state }) => state === 'cancelled'));
    }
    expect(pair.b.transfers.transfers.length).toBeLessThanOrEqual(101);
  });

  test('one peer can offer so many files and no more', async () => {
    for (let index = 0; index < 25; index += 1) await pair.a.transfers.send(randomFile(1), ['peer-b']);
    await until('answers', TIMEOUT, () => pair.a.transfers.transfers.some(({ state }) => state === 'declined'));
    expect(pair.b.transfers.transfers).toHaveLength(20);
  });
});

type ChunkMessage = Extract<FileMessage, { type: 'chunk' }>;

function onceFor(matches: (chunk: ChunkMessage) => boolean, change: (chunk: ChunkMessage) => FileMessage[]) {
  let isDone = false;
  return (message: FileMessage) => {
    if (message.type !== 'chunk' || isDone || !matches(message)) return [message];
    isDone = true;
    return change(message);
  };
}

function damaged(chunk: ChunkMessage): ChunkMessage {
  const data = chunk.data.slice();
  data[0] = (data[0] ?? 0) ^ 1;
  return { ...chunk, data };
}

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
