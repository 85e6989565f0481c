/** Covers the requests about transports: their counters, and new ICE credentials. */
import { describe, expect, test } from 'vitest';
import { failure, useServer, withTokens } from '../support/weir.ts';

const weir = useServer(withTokens);

describe('getTransportStats', () => {
  test('starts at 0, with transports or without, and requires a join', async () => {
    for (const wanted of [true, false]) {
      const { client } = await weir.enter('room', 'ada', {}, { transports: { send: wanted, recv: wanted } });
      expect(await client.request('getTransportStats', {})).toEqual({ sent: 0, received: 0 });
    }
    const outside = await weir.connect();
    await expect(outside.request('getTransportStats', {})).rejects.toMatchObject(failure('notJoined'));
  });
});

describe('restartIce', () => {
  test('gives new credentials for both transports, at a limited rate', async () => {
    const { client, reply } = await weir.enter('room', 'ada');
    const fresh = await client.request('restartIce', {});
    for (const direction of ['send', 'recv'] as const) {
      expect(fresh[direction]?.usernameFragment).not.toBe(reply.transports[direction]?.iceParameters.usernameFragment);
      expect(fresh[direction]?.password.length).toBeGreaterThan(20);
    }
    await expect(client.request('restartIce', {})).rejects.toMatchObject(failure('rateLimited'));
  });

  test('requires a join', async () => {
    const client = await weir.connect();
    await expect(client.request('restartIce', {})).rejects.toMatchObject(failure('notJoined'));
  });
});
