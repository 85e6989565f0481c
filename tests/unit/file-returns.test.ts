/** Tests of file transfers whose ends go away and come back: what they missed, what goes on, and as whom. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../scripts/support/until.ts';
import { BLOCK_BYTES, encodeMessage } from '../../web/client/files/fileMessages.ts';
import type { FileTransferState } from '../../web/client/files/transfers.ts';
import { FilePair, randomFile } from '../support/files/FilePair.ts';

const SIZE = 3 * BLOCK_BYTES + 12_345;
const TIMEOUT = 8000;

describe('file transfers whose ends go away', () => {
  let pair: FilePair;
  beforeEach(() => {
    pair = new FilePair();
  });
  afterEach(() => pair.close());

  const stateOf = (side: 'a' | 'b', state: FileTransferState) => pair.reaches(side, state);
  const offer = (file: File) => pair.offer(file);
  const sentBytes = () => pair.sentBytes;

  async function expectEqual(file: File): Promise<void> {
    expect(sha256(await pair.received())).toBe(sha256(new Uint8Array(await file.arrayBuffer())));
  }

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
      isReconnecting: () => false,
      maySend: () => true,
      maxBytes: 1,
      hasMedia: () => false,
    };
    pair.b.transfers.detach({ ...former, notify: () => {} });
    await pair.b.transfers.accept(id);
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

  test.each(['a', 'b'] as const)('%s is hidden for a while: both wait, and go on afterwards', async (side) => {
    const other = side === 'a' ? 'b' : 'a';
    const file = randomFile(5 * BLOCK_BYTES);
    await pair.b.transfers.accept(await offer(file));
    await until('half', TIMEOUT, () => pair.transfer('b').transferred > 2.5 * BLOCK_BYTES);
    pair.hide(side);
    expect([pair.transfer('a').state, pair.transfer('b').state]).toEqual(['waiting', 'waiting']);
    // Nothing comes of whoever joins meanwhile, and nothing is taken.
    pair[side].transfers.onPeerJoined(pair.peers[other]);
    expect(pair.transfer(side).state).toBe('waiting');
    await expect(pair[side].transfers.send(file, [pair.peers[other].peerId])).rejects.toMatchObject({
      code: 'forbidden',
    });
    const offered = encodeMessage({ type: 'offer', id: '0'.repeat(32), name: 'meanwhile', size: 1 });
    pair[side].transfers.onData(pair.peers[other].peerId, offered);
    expect(pair.transfer(side).name).toBe(file.name);
    pair.unhide(side);
    await expectEqual(file);
    expect(sentBytes()).toBeLessThan(file.size + 4 * BLOCK_BYTES);
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
      // The question is answered when the right peer asks.
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
});

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
