/** Covers `getConnectionQuality`: who may be asked about, what is told, and how often. */
import { describe, expect, test } from 'vitest';
import { failure, useServer, withTokens } from '../support/weir.ts';

const weir = useServer(withTokens);
const well = { overloaded: false, uplinkLoss: 0, downlinkLoss: 0, downlinkLimited: false, downlinkEstimateLow: false };

describe('getConnectionQuality', () => {
  test('tells of peers in the room a level only, and leaves out all others', async () => {
    const { client } = await weir.enter('room', 'ada');
    const { reply: bob } = await weir.enter('room', 'bob');
    const { reply: elsewhere } = await weir.enter('other', 'cleo');
    const reply = await client.request('getConnectionQuality', {
      peerIds: [bob.peerId, bob.peerId, elsewhere.peerId, 'nobody'],
    });
    expect(reply).toEqual({ ...well, peers: [{ peerId: bob.peerId, uplink: 'good', overloaded: false }] });
  });

  test('does not tell of hidden peers', async () => {
    const { client } = await weir.enter('hiding', 'ada');
    const { reply: hidden } = await weir.enter('hiding', 'spy', { hidden: true });
    const reply = await client.request('getConnectionQuality', { peerIds: [hidden.peerId] });
    expect(reply.peers).toEqual([]);
  });

  test('tells others that the bandwidth of a client is not enough, when it says so', async () => {
    const ada = await weir.enter('limited', 'ada');
    const bob = await weir.enter('limited', 'bob');
    const cleo = await weir.enter('limited', 'cleo');
    const about = { peerIds: [bob.reply.peerId] };
    await bob.client.request('getConnectionQuality', { peerIds: [], uplinkLimited: true });
    expect((await ada.client.request('getConnectionQuality', about)).peers[0]?.uplink).toBe('poor');
    // It is his uplink, and nobody else's.
    const other = await cleo.client.request('getConnectionQuality', { peerIds: [ada.reply.peerId] });
    expect(other.peers[0]?.uplink).toBe('good');
  });

  test('works without transports, and requires a join', async () => {
    const { client } = await weir.enter('bare', 'ada', {}, { transports: { send: false, recv: false } });
    expect(await client.request('getConnectionQuality', { peerIds: [] })).toEqual({ ...well, peers: [] });
    const outside = await weir.connect();
    await expect(outside.request('getConnectionQuality', { peerIds: [] })).rejects.toMatchObject(failure('notJoined'));
  });

  test('is limited in rate and in the number of peers', async () => {
    const { client } = await weir.enter('often', 'ada');
    await client.request('getConnectionQuality', { peerIds: [] });
    const again = client.request('getConnectionQuality', { peerIds: [] });
    await expect(again).rejects.toMatchObject(failure('rateLimited'));
    const many = Array.from({ length: 33 }, (_, index) => `peer-${index}`);
    await expect(client.request('getConnectionQuality', { peerIds: many })).rejects.toMatchObject(
      failure('badRequest'),
    );
  });
});
