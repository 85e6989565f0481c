/** Covers the ICE servers in replies: a TURN credential at each point where a client gathers candidates, fresh each time. */
import { describe, expect, test, vi } from 'vitest';
import type { IceServer } from '../../shared/media.ts';
import { useServer, withTokens } from '../support/weir.ts';

const urls = ['turn:turn.example.com:3478?transport=udp', 'turns:turn.example.com:443?transport=tcp'];
const weir = useServer({
  ...withTokens,
  WEIR_TURN_URLS: urls.join(','),
  WEIR_TURN_SECRET: 'a secret that a TURN server shares',
  WEIR_TURN_SECONDS: '60',
});

function relayOf(servers: readonly IceServer[]) {
  const relay = servers.find((server) => server.urls.some((url) => url.startsWith('turn')));
  const [expiry, user] = relay?.username?.split(':') ?? [];
  return { urls: relay?.urls, user, credential: relay?.credential, lifetime: Number(expiry) - Date.now() / 1000 };
}

describe('with TURN servers', () => {
  test('join, openTransport and restartIce reply with them, and a credential of the same user', async () => {
    const joined = await weir.enter('room', 'ann', {}, { transports: { send: false, recv: false } });
    const replies = [
      joined.reply,
      await joined.client.request('openTransport', { direction: 'send' }),
      await joined.client.request('openTransport', { direction: 'recv' }),
      await joined.client.request('restartIce', {}),
    ].map(({ iceServers }) => relayOf(iceServers));
    for (const relay of replies) {
      expect(relay).toMatchObject({ urls, user: replies[0]?.user, credential: expect.stringMatching(/^[\w+/]{27}=$/) });
      expect(relay.lifetime).toBeGreaterThan(50);
      expect(relay.lifetime).toBeLessThanOrEqual(60);
    }
    const other = await weir.enter('room', 'bob');
    expect(relayOf(other.reply.iceServers).user).not.toBe(replies[0]?.user);
  });

  test('the credential of an ICE restart is fresh', async () => {
    const { client, reply } = await weir.enter('room', 'ann');
    const time = Date.now() + 45_000;
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => time);
    const { iceServers } = await client.request('restartIce', {}).finally(() => clock.mockRestore());
    expect(relayOf(iceServers).lifetime - relayOf(reply.iceServers).lifetime).toBeGreaterThan(43);
  });
});
