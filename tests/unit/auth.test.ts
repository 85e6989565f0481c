/** Tests of access control without a server: both authenticators, revocation, and the rules of grants. */
import { decodeJwt } from 'jose';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AccessControl } from '../../server/auth/AccessControl.ts';
import type { Authenticator } from '../../server/auth/Authenticator.ts';
import { anonymousAuthenticator } from '../../server/auth/anonymousAuthenticator.ts';
import { toGrants, toVideoGrant } from '../../server/auth/claims.ts';
import { grantsOf, normalizeGrants, patchGrants } from '../../server/auth/grants.ts';
import { Moderation } from '../../server/auth/Moderation.ts';
import { tokenAuthenticator } from '../../server/auth/tokenAuthenticator.ts';
import { signToken } from '../../server/auth/tokens.ts';

const keys = { apiKey: 'key', apiSecret: 'a secret of tests, of at least 32 characters' };
const LEEWAY = 10_000;
const MAX_LIFETIME = 3_600_000;
const START = 1_800_000_000_000;

beforeEach(() => {
  vi.useFakeTimers({ now: START, toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const tokens = () => tokenAuthenticator({ ...keys, leeway: LEEWAY, maxLifetime: MAX_LIFETIME });
const moderation = () => new Moderation({ lifetime: MAX_LIFETIME + 3 * LEEWAY, leeway: LEEWAY });
const sign = (options: Partial<Parameters<typeof signToken>[0]> = {}) =>
  signToken({ ...keys, identity: 'ada', video: { room: 'room', roomJoin: true }, lifetime: 60, ...options });
const at = (milliseconds: number) => vi.setSystemTime(START + milliseconds);

describe('the token authenticator', () => {
  test('accepts a token up to the leeway after its expiry, and not a millisecond longer', async () => {
    const token = await sign();
    at(60_000 + LEEWAY - 1);
    await expect(tokens().authenticate({ room: 'room', token })).resolves.toMatchObject({ identity: 'ada' });
    at(60_000 + LEEWAY);
    await expect(tokens().authenticate({ room: 'room', token })).rejects.toMatchObject({ reason: 'expired' });
  });

  test('accepts a token from the leeway before its nbf on', async () => {
    const token = await sign({ issuedAt: START / 1000 + 30 });
    at(30_000 - LEEWAY - 1);
    await expect(tokens().authenticate({ room: 'room', token })).rejects.toMatchObject({ code: 'unauthorized' });
    at(30_000 - LEEWAY);
    await expect(tokens().authenticate({ room: 'room', token })).resolves.toMatchObject({ identity: 'ada' });
  });

  test('limits the lifetime of a token from its iat', async () => {
    const longest = (MAX_LIFETIME + LEEWAY) / 1000;
    const authenticate = async (lifetime: number) =>
      tokens().authenticate({ room: 'room', token: await sign({ issuedAt: START / 1000, lifetime }) });
    await expect(authenticate(longest)).resolves.toMatchObject({ identity: 'ada' });
    await expect(authenticate(longest + 1)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  test.each([
    [true, undefined, 'broadcast'],
    [false, undefined, 'call'],
    [undefined, 'broadcast', 'broadcast'],
    [undefined, undefined, 'call'],
    [true, 'broadcast', 'broadcast'],
  ] as const)(
    'a token for broadcast %s and a request for %s give the role of a %s',
    async (broadcast, kind, expected) => {
      const token = await sign({
        video: { room: 'room', roomJoin: true, ...(broadcast !== undefined && { broadcast }) },
      });
      expect((await tokens().authenticate({ room: 'room', kind, token })).kind).toBe(expected);
    },
  );

  test('rejects a token for another kind of room or another room', async () => {
    const token = await sign({ video: { room: 'room', roomJoin: true, broadcast: true } });
    for (const request of [{ room: 'room', kind: 'call' as const }, { room: 'other' }]) {
      await expect(tokens().authenticate({ ...request, token })).rejects.toMatchObject({ reason: 'otherRoom' });
    }
  });

  test('signs a refreshed token for the same room with the given grants', async () => {
    const grants = { ...grantsOf('speaker'), canPublishSources: [] };
    const who = { identity: 'ada', name: 'Ada', metadata: '{}', grants, policy: 'p2p' as const };
    const fresh = await tokens().refresh({ kind: 'broadcast', name: 'room' }, who);
    const again = await tokens().authenticate({ room: 'room', token: fresh?.jwt });
    expect(again).toEqual({ ...who, kind: 'broadcast', token: fresh?.presented });
    expect(fresh?.lifetime).toBe(600_000);
  });

  test('signs an iat that is never a whole second, which would stand for any moment of that second', async () => {
    expect(decodeJwt(await sign()).iat).toBe(START / 1000 + 0.0005);
  });
});

describe('the anonymous authenticator', () => {
  test('derives the identity from the guest secret without revealing it', async () => {
    const guest = 'a'.repeat(22);
    const [one, same, other] = await Promise.all([
      anonymousAuthenticator().authenticate({ room: 'room', guest }),
      anonymousAuthenticator().authenticate({ room: 'other', guest }),
      anonymousAuthenticator().authenticate({ room: 'room' }),
    ]);
    expect(same.identity).toBe(one.identity);
    expect(other.identity).not.toBe(one.identity);
    expect(one.identity).not.toContain(guest);
  });

  test.each([
    [undefined, undefined, 'speaker'],
    ['call', undefined, 'speaker'],
    ['broadcast', undefined, 'viewer'],
    ['broadcast', 'host', 'host'],
    ['call', 'viewer', 'viewer'],
  ] as const)('a participant of a %s who requests %s gets the grants of a %s', async (kind, role, expected) => {
    const { grants } = await anonymousAuthenticator().authenticate({ room: 'room', kind, role });
    // Viewers of a broadcast without a token send no data.
    expect(grants).toEqual({ ...grantsOf(expected), canPublishData: kind !== 'broadcast' || expected !== 'viewer' });
  });
});

describe('access control', () => {
  const who = { room: 'room', identity: 'ada' };

  test('applies a decision that is made during a join', async () => {
    const decisions = moderation();
    const access = new AccessControl(tokens(), decisions);
    const admission = await access.admit({ room: 'room', token: await sign() });
    expect(admission.grants).toEqual(grantsOf('speaker'));
    decisions.overrideGrants(who, grantsOf('viewer'));
    expect(admission.grants).toEqual(grantsOf('viewer'));
    admission.assertNotRevoked();
    decisions.revoke(who);
    expect(() => admission.assertNotRevoked()).toThrow(expect.objectContaining({ reason: 'removed' }));
  });

  test('rejects revoked tokens, and limits a decision about a call to that call', async () => {
    const decisions = moderation();
    const access = new AccessControl(tokens(), decisions);
    const token = await sign();
    await access.admit({ room: 'room', token });
    decisions.revoke(who);
    await expect(access.admit({ room: 'room', token })).rejects.toMatchObject({ reason: 'removed' });
    await expect(access.admit({ room: 'room', kind: 'broadcast', token })).resolves.toBeDefined();
  });

  test('revokes refreshed tokens, too, even one that is being signed during the decision', async () => {
    const decisions = moderation();
    const signing = Promise.withResolvers<void>();
    const real = tokens();
    const slow: Authenticator = {
      ...real,
      async refresh(...args) {
        const fresh = await real.refresh(...args);
        await signing.promise;
        return fresh;
      },
    };
    const access = new AccessControl(slow, decisions);
    const admission = await access.admit({ room: 'room', token: await sign() });
    const refreshing = admission.refreshToken(admission.grants);
    at(5);
    decisions.revoke(who);
    signing.resolve();
    const fresh = await refreshing;
    await expect(access.admit({ room: 'room', token: fresh?.jwt })).rejects.toMatchObject({ reason: 'removed' });
  });

  test('hides viewers of a broadcast, and lets no hidden peer of a call publish', async () => {
    const access = new AccessControl(anonymousAuthenticator(), moderation());
    const viewer = await access.admit({ room: 'room', kind: 'broadcast', role: 'viewer' });
    expect(viewer.grants).toMatchObject({ canPublish: false, hidden: true });
    expect(viewer.credentials.grants.hidden).toBe(false);
    const tokenAccess = new AccessControl(tokens(), moderation());
    const token = await sign({ video: { room: 'room', roomJoin: true, hidden: true } });
    expect((await tokenAccess.admit({ room: 'room', token })).grants).toMatchObject({
      canPublish: false,
      hidden: true,
    });
  });
});

describe('grants', () => {
  test('are consistent once normalized, and normalizing again changes nothing', () => {
    for (const kind of ['call', 'broadcast'] as const) {
      for (const hidden of [false, true]) {
        for (const canPublish of [false, true]) {
          const grants = normalizeGrants(kind, { ...grantsOf('speaker'), hidden, canPublish });
          expect(grants.hidden && grants.canPublish).toBe(false);
          if (kind === 'broadcast') expect(grants.hidden).toBe(!canPublish);
          expect(normalizeGrants(kind, grants)).toEqual(grants);
        }
      }
    }
  });

  test('take exactly the fields of a patch, false included', () => {
    const grants = grantsOf('host');
    expect(patchGrants(grants, {})).toEqual(grants);
    expect(patchGrants(grants, { canPublish: undefined, roomAdmin: false })).toEqual({ ...grants, roomAdmin: false });
  });

  test('survive being written into a token and read back', () => {
    const some = [grantsOf('host'), grantsOf('viewer'), { ...grantsOf('speaker'), canPublishSources: [] }];
    for (const grants of some) expect(toGrants(toVideoGrant('call', 'room', grants))).toEqual(grants);
  });
});
