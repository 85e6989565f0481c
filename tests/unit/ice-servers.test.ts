/** Covers the ICE servers that clients are told of: TURN credentials as coturn computes them, and whom they name. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { IceServers, type TurnSettings } from '../../server/ice/IceServers.ts';
import { turnCredentials } from '../../server/ice/turnCredentials.ts';
import { clientRequests } from '../../shared/clientRequests.ts';

const secret = 'a secret that a TURN server shares';

test('a credential is what coturn computes: base64 of the HMAC-SHA1 of expiry and user', () => {
  // printf '%s' 1700000300:ann | openssl dgst -sha1 -hmac 'a secret that a TURN server shares' -binary | base64
  expect(turnCredentials(secret, 'ann', 1_700_000_300_999)).toEqual({
    username: '1700000300:ann',
    credential: 'KCZrwTTTKZNZjtgNZaB9H+OVaB0=',
  });
});

test('a client takes a reply without servers, of another version of Weir, for none', () => {
  expect(clientRequests.restartIce.reply.parse({})).toEqual({ iceServers: [] });
});

describe('the servers for a person', () => {
  const turn: TurnSettings = {
    urls: ['turn:turn.example.com:3478?transport=udp', 'turns:turn.example.com:443?transport=tcp'],
    secret,
    lifetime: 300_000,
  };
  beforeEach(() => vi.useFakeTimers({ now: 1_700_000_000_000 }));
  afterEach(() => vi.useRealTimers());

  const credentialOf = (servers: IceServers, identity: string) => {
    const [username = '', credential] =
      servers.for(identity).map((server) => [server.username, server.credential])[0] ?? [];
    const [expiry, user = ''] = username.split(':');
    return { expiry: Number(expiry), user, credential };
  };

  test('are none unless configured', () => {
    expect(new IceServers({ turn: undefined }).for('ann')).toEqual([]);
    expect(new IceServers({ turn: undefined, stunUrls: () => [] }).for('ann')).toEqual([]);
  });

  test('are STUN without and TURN with a credential, which lives as long as configured from now', () => {
    const servers = new IceServers({ turn, stunUrls: () => ['stun:weir.example.com:3478'] });
    const [stun, relay, ...others] = servers.for('ann');
    expect(stun).toEqual({ urls: ['stun:weir.example.com:3478'] });
    expect(relay).toMatchObject({ urls: turn.urls, username: expect.stringMatching(/^1700000300:[\w-]{16}$/) });
    expect(others).toEqual([]);
    vi.advanceTimersByTime(10_000);
    expect(servers.for('ann')[1]?.username).toMatch(/^1700000310:/);
  });

  test('name the same user for the same person, another one for others, and never the identity', () => {
    const servers = new IceServers({ turn });
    const [ann, annAgain, bob] = ['ann', 'ann', 'bob'].map((identity) => credentialOf(servers, identity));
    expect(ann?.user).toBe(annAgain?.user);
    expect(ann?.user).not.toBe(bob?.user);
    const elsewhere = new IceServers({ turn: { ...turn, secret: 'another secret of another TURN server' } });
    expect(credentialOf(elsewhere, 'ann').user).not.toBe(ann?.user);
    for (const identity of ['ann', 'a:b', '한글', 'x'.repeat(256)]) {
      const { user } = credentialOf(servers, identity);
      expect(user).toMatch(/^[\w-]{16}$/);
      expect(user).not.toContain(identity);
    }
  });
});
