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

  const stateOf = async (side: 'a' | 'b', state: FileTransferState) =>
    until(`${state} at ${side}`, TIMEOUT, () => pair.transfer(side).state === state);

  /** Offers a file of A to B, and waits until B has the offer. @returns its id */
  async function offer(file: File): Promise<string> {
    const [{ id } = { id: '' }] = await pair.a.transfers.send(file, ['peer-b']);
    await until('the offer', TIMEOUT, () => pair.b.transfers.transfers.some((one) => one.id === id));
    return id;
  }

  async function expectEqual(file: File): Promise<void> {
    await Promise.all([stateOf('a', 'completed'), stateOf('b', 'completed')]);
    expect(await sha256(pair.transfer('b').blob)).toBe(await sha256(file));
  }

  /** How many bytes of chunks were sent. */
  const sentBytes = () =>
    pair.sent.reduce((sum, { message }) => sum + (message.type === 'chunk' ? message.data.length : 0), 0);

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
      await until('nothing on its way', TIMEOUT, () => pair.inFlight === 0);
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

  test('a receiver that was away hears that the sender has cancelled', async () => {
    await pair.b.transfers.accept(await offer(randomFile(SIZE)));
    await stateOf('b', 'active');
    pair.leave('b');
    pair.a.transfers.cancel(pair.transfer('a').id);
    pair.comeBack('b');
    await stateOf('b', 'cancelled');
  });

  test('a sender that was away hears that the receiver has declined', async () => {
    const id = await offer(randomFile(SIZE));
    pair.leave('a');
    pair.b.transfers.decline(id);
    pair.comeBack('a');
    await stateOf('a', 'declined');
  });

  test('a sender that was away when the file was complete hears of it', async () => {
    const file = randomFile(SIZE);
    pair.fault = (message) => (message.type === 'done' ? [] : [message]);
    await pair.b.transfers.accept(await offer(file));
    await stateOf('b', 'completed');
    pair.leave('a');
    pair.fault = (message) => [message];
    pair.comeBack('a');
    await expectEqual(file);
  });

  test('the end of an earlier session does not end a later one of the same page', async () => {
    const file = randomFile(SIZE);
    const id = await offer(file);
    const former = {
      peerId: 'peer-b',
      send: async () => {},
      peers: () => [],
      maySend: () => true,
      maxBytes: 1,
      hasMedia: () => false,
    };
    pair.b.transfers.detach({ ...former, notify: () => {} });
    await pair.b.transfers.accept(id);
    await expectEqual(file);
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

  test.each(['a', 'b'] as const)('%s rejoins in the middle, and the rest follows the last good block', async (side) => {
    const file = randomFile(5 * BLOCK_BYTES);
    await pair.b.transfers.accept(await offer(file));
    await until('half', TIMEOUT, () => pair.transfer('b').transferred > 2.5 * BLOCK_BYTES);
    pair.rejoin(side);
    await expectEqual(file);
    expect(sentBytes()).toBeLessThan(file.size + 4 * BLOCK_BYTES);
    expect(pair.transfer(side === 'a' ? 'b' : 'a').peer.peerId).toContain('again');
  });

  test('a receiver that comes back as somebody else goes on, although it still seems to be there', async () => {
    const file = randomFile(SIZE);
    const id = await offer(file);
    pair.fault = (message) => (message.type === 'request' && pair.peers.b.identity === 'bert' ? [] : [message]);
    await pair.b.transfers.accept(id);
    pair.peers.b = { peerId: 'peer-c', identity: 'guest', name: 'Bert' };
    await expectEqual(file);
    expect(pair.transfer('a').peer.peerId).toBe('peer-c');
  });

  describe('both ends come back at once as somebody else', () => {
    /** In the middle of a file; what they send meanwhile is lost. */
    async function comeBackAsOthers(file: File): Promise<void> {
      await pair.b.transfers.accept(await offer(file));
      await until('a block', TIMEOUT, () => pair.transfer('b').transferred > BLOCK_BYTES);
      pair.comeBackAsOthers();
    }
    const seeks = (from: 'a' | 'b') =>
      pair.sent.flatMap(({ message, from: side }) => (message.type === 'seek' && side === from ? [message] : []));

    test.each([0, 1, 2])('and find each other, although %i questions are lost', async (lost) => {
      const file = randomFile(5 * BLOCK_BYTES);
      const left = { a: lost, b: lost };
      pair.fault = (message, from) => {
        if (message.type !== 'seek' || left[from] === 0) return [message];
        left[from] -= 1;
        return [];
      };
      await comeBackAsOthers(file);
      await expectEqual(file);
      expect(left).toEqual({ a: 0, b: 0 });
      expect(pair.transfer('a').peer).toEqual(pair.peers.b);
      expect(sentBytes()).toBeLessThan(file.size + 4 * BLOCK_BYTES);
    });

    test('a third member who repeats a question is not taken for its sender', async () => {
      const file = randomFile(3 * BLOCK_BYTES);
      const third = { peerId: 'peer-m', identity: 'mallory', name: 'Bert' };
      pair.fault = (message) => (message.type === 'seek' ? [] : [message]);
      await comeBackAsOthers(file);
      pair.others = [third];
      const [question] = await until('a question', TIMEOUT, () => seeks('b').length > 0 && seeks('b'));
      if (!question) throw new Error('There is none.');
      const before = pair.sent.length;
      pair.a.transfers.onData(third.peerId, encodeMessage(question));
      expect(pair.sent.length).toBe(before);
      expect(pair.transfer('a').state).toBe('waiting');
      // It is a good question if the right one asks.
      pair.fault = (message) => [message];
      pair.a.transfers.onData(pair.peers.b.peerId, encodeMessage(question));
      await expectEqual(file);
    });

    test('who does not answer is asked three times, and who asks without end is not listened to', async () => {
      pair.fault = (message) => (message.type === 'seek' ? [] : [message]);
      await comeBackAsOthers(randomFile(3 * BLOCK_BYTES));
      await until('the third question', TIMEOUT, () => seeks('a').length === 3 && seeks('b').length === 3);
      const [question] = seeks('b');
      if (!question) throw new Error('There is none.');
      const wrong = encodeMessage({ type: 'seek', hashes: ['0'.repeat(64)] });
      for (let index = 0; index < 20; index += 1) pair.a.transfers.onData(pair.peers.b.peerId, wrong);
      pair.a.transfers.onData(pair.peers.b.peerId, encodeMessage(question));
      // Longer than the pause before a fourth question.
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(seeks('a')).toHaveLength(3);
      expect(pair.transfer('a').state).toBe('waiting');
    });
  });

  test('who is away is waited for', async () => {
    const file = randomFile(SIZE);
    const id = await offer(file);
    pair.b.transfers.onPeerLeft('peer-a');
    expect(pair.transfer('b').state).toBe('waiting');
    await pair.b.transfers.accept(id);
    expect(pair.transfer('b').state).toBe('waiting');
    pair.b.transfers.onPeerJoined(pair.peers.a);
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
    pair.maySend = false;
    await expect(pair.a.transfers.send(randomFile(10), ['peer-b'])).rejects.toMatchObject({ code: 'forbidden' });
    pair.maySend = true;
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

async function sha256(blob: Blob | undefined): Promise<string> {
  if (!blob) throw new Error('There is no file.');
  return createHash('sha256')
    .update(new Uint8Array(await blob.arrayBuffer()))
    .digest('hex');
}
