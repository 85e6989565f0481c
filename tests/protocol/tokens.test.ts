/** Covers which tokens admit to a room: valid ones, each kind of invalid one, and revoked ones. */
import { generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { opus } from '../../scripts/support/media/clientParameters.ts';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import { MAX_METADATA } from '../../shared/protocol.ts';
import { TestClient } from '../support/client.ts';
import { apiKey, apiSecret, failure, token, useServer, withTokens } from '../support/weir.ts';

const weir = useServer({ ...withTokens, WEIR_TOKEN_LEEWAY_SECONDS: '10', WEIR_TOKEN_MAX_SECONDS: '3600' });
const room = 'room';
const key = new TextEncoder().encode(apiSecret);
const now = () => Math.floor(Date.now() / 1000);

/** The claims of a valid token; a change to undefined removes a claim. */
const claims = (changes: JWTPayload = {}): JWTPayload => ({
  iss: apiKey,
  sub: 'ada',
  iat: now(),
  nbf: now(),
  exp: now() + 60,
  video: { room, roomJoin: true },
  ...changes,
});
const sign = (payload: JWTPayload, alg = 'HS256', secret: Parameters<SignJWT['sign']>[0] = key) =>
  new SignJWT(payload).setProtectedHeader({ alg }).sign(secret);
const join = async (jwt: string | undefined) => (await weir.connect()).join({ room, token: jwt });
const unauthorized = failure('unauthorized');

describe('a valid token', () => {
  test('admits to its room, with its identity, name and metadata', async () => {
    const jwt = await sign(claims({ name: ' Ada ', metadata: '{"seat":7}' }));
    const { identity, name } = await join(jwt);
    expect({ identity, name }).toEqual({ identity: 'ada', name: 'Ada' });
    const other = await weir.enter(room, 'bob');
    expect(other.reply.peers).toMatchObject([{ identity: 'ada', name: 'Ada', metadata: '{"seat":7}' }]);
  });

  test('has a name that overrides the one in the request', async () => {
    const client = await weir.connect();
    const jwt = await sign(claims({ name: 'Ada' }));
    expect((await client.join({ room, token: jwt, name: 'Somebody else' })).name).toBe('Ada');
  });

  test('needs neither iat nor nbf', async () => {
    await expect(join(await sign(claims({ iat: undefined, nbf: undefined })))).resolves.toBeDefined();
  });

  test('may have expired within the leeway', async () => {
    await expect(join(await sign(claims({ exp: now() - 5 })))).resolves.toBeDefined();
  });

  test('may become valid within the leeway', async () => {
    await expect(join(await sign(claims({ nbf: now() + 5 })))).resolves.toBeDefined();
  });

  test('may have a name, identity and metadata of the maximum length', async () => {
    const jwt = await sign(claims({ sub: 'i'.repeat(256), name: 'n'.repeat(256), metadata: 'm'.repeat(MAX_METADATA) }));
    await expect(join(jwt)).resolves.toMatchObject({ identity: 'i'.repeat(256) });
  });

  test('may have null for every optional claim, as JWT libraries write', async () => {
    const absent = { name: null, metadata: null, iat: null, nbf: null, jti: null, aud: null };
    const grants = ['canPublish', 'canPublishSources', 'canSubscribe', 'canPublishData', 'hidden', 'roomAdmin'];
    const video = { room, roomJoin: true, broadcast: null, ...Object.fromEntries(grants.map((name) => [name, null])) };
    const nulls: unknown = { ...claims({ video }), ...absent };
    const jwt = await sign(Object.assign({}, nulls));
    const { grants: given } = await join(jwt);
    expect(given).toEqual((await weir.enter(room, 'bob')).reply.grants);
  });

  test('admits to the same room in every spelling', async () => {
    const bob = claims({ sub: 'bob', video: { room: `${room.toUpperCase()}\u200b`, roomJoin: true } });
    const { peerId } = await join(await sign(claims()));
    await expect(join(await sign(bob))).resolves.toMatchObject({ peers: [{ peerId }] });
    const other = await (await weir.connect()).join({ room: ` ${room.toUpperCase()}`, token: await sign(claims()) });
    expect(other.peers.map(({ identity }) => identity)).toEqual(['bob']);
  });

  test.each([
    ['breaks lines and turns the text around it', 'Ada\n\u202eLovelace', 'Ada Lovelace'],
    ['is longer than names may be', 'x'.repeat(150), `${'x'.repeat(99)}…`],
    ['shows nothing, for which its identity stands', '\u200b\u202e', 'ada'],
  ])('may have a name that %s', async (_what, name, shown) => {
    await expect(join(await sign(claims({ name })))).resolves.toMatchObject({ name: shown });
  });

  test('of an invisible identity and without a name gives the name Guest', async () => {
    await expect(join(await sign(claims({ sub: '\u2060' })))).resolves.toMatchObject({
      identity: '\u2060',
      name: 'Guest',
    });
  });

  test('is required according to welcome', async () => {
    expect((await weir.connect()).welcome.auth).toBe('token');
  });
});

describe('rejected:', () => {
  test('no token', async () => {
    await expect(join(undefined)).rejects.toMatchObject(unauthorized);
  });

  test.each(['', 'garbage', 'a.b.c', '..', '{}', '\u{1f511}', 'null'])('the token %j', async (jwt) => {
    await expect(join(jwt)).rejects.toMatchObject(unauthorized);
  });

  test('a token in the URL of the connection', async () => {
    const jwt = await sign(claims());
    for (const path of [`/ws?token=${jwt}`, `/ws?access_token=${jwt}`]) {
      const client = await weir.connect({ path, headers: { authorization: `Bearer ${jwt}` } });
      await expect(client.join({ room })).rejects.toMatchObject(unauthorized);
    }
  });

  test('a token with `alg: none`', async () => {
    const jwt = new UnsecuredJWT(claims()).encode();
    await expect(join(jwt)).rejects.toMatchObject(unauthorized);
    // Nor with the signature of another token appended.
    const signature = (await sign(claims())).split('.')[2];
    await expect(join(`${jwt}${signature}`)).rejects.toMatchObject(unauthorized);
  });

  test('a token of HS512 or HS384 with the same secret', async () => {
    await expect(join(await sign(claims(), 'HS512'))).rejects.toMatchObject(unauthorized);
    await expect(join(await sign(claims(), 'HS384'))).rejects.toMatchObject(unauthorized);
  });

  test('a token of RS256', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    await expect(join(await sign(claims(), 'RS256', privateKey))).rejects.toMatchObject(unauthorized);
  });

  test('a token signed with another secret', async () => {
    const other = new TextEncoder().encode('another secret, also of 32 characters and more');
    await expect(join(await sign(claims(), 'HS256', other))).rejects.toMatchObject(unauthorized);
  });

  test('a token whose claims were changed after it was signed', async () => {
    const [header, , signature] = (await sign(claims())).split('.');
    const forged = Buffer.from(JSON.stringify(claims({ sub: 'admin' }))).toString('base64url');
    await expect(join(`${header}.${forged}.${signature}`)).rejects.toMatchObject(unauthorized);
  });

  const abuses: [string, () => JWTPayload][] = [
    ['of another issuer', () => claims({ iss: 'somebody' })],
    ['of no issuer', () => claims({ iss: undefined })],
    ['that has expired beyond the leeway', () => claims({ exp: now() - 15 })],
    ['that is not valid yet', () => claims({ nbf: now() + 30 })],
    ['that never expires', () => claims({ exp: undefined })],
    ['that lives too long', () => claims({ exp: now() + 3600 + 30 })],
    ['that lives for ever', () => claims({ exp: 1e300 })],
    ['for another room', () => claims({ video: { room: 'other', roomJoin: true } })],
    ['for what is no room', () => claims({ video: { room: 'a/b', roomJoin: true } })],
    ['for no room', () => claims({ video: { roomJoin: true } })],
    ['without roomJoin', () => claims({ video: { room } })],
    ['with roomJoin: false', () => claims({ video: { room, roomJoin: false } })],
    ['with roomJoin: "true"', () => claims({ video: { room, roomJoin: 'true' } })],
    ['without grants', () => claims({ video: undefined })],
    ['whose grants are a list', () => claims({ video: [room] })],
    ['whose room is a list', () => claims({ video: { room: [room], roomJoin: true } })],
    ['whose canPublish is 1', () => claims({ video: { room, roomJoin: true, canPublish: 1 } })],
    ['whose sources are text', () => claims({ video: { room, roomJoin: true, canPublishSources: 'camera' } })],
    ['whose identity is null', () => claims({ sub: null as unknown as string })],
    ['whose expiry is null', () => claims({ exp: null as unknown as number })],
    ['whose grants are null', () => claims({ video: null })],
    ['whose room is null', () => claims({ video: { room: null, roomJoin: true } })],
    ['whose roomJoin is null', () => claims({ video: { room, roomJoin: null } })],
    ['made longer before its expiry than tokens may live', () => claims({ iat: now() - 3600 })],
    ['without an identity', () => claims({ sub: undefined })],
    ['with an empty identity', () => claims({ sub: '' })],
    ['whose identity is too long', () => claims({ sub: 'x'.repeat(257) })],
    ['whose identity is a lone surrogate', () => claims({ sub: '\ud800' })],
    ['whose name is too long', () => claims({ name: 'x'.repeat(MAX_METADATA + 1) })],
    ['whose name is a number', () => claims({ name: 7 })],
    ['whose name is a lone surrogate', () => claims({ name: '\udfff' })],
    ['whose metadata is too long', () => claims({ metadata: 'x'.repeat(MAX_METADATA + 1) })],
    ['whose metadata is an object', () => claims({ metadata: { a: 1 } })],
  ];
  test.each(abuses)('a token %s', async (_name, payload) => {
    const jwt = await new SignJWT(payload()).setProtectedHeader({ alg: 'HS256' }).sign(key);
    await expect(join(jwt)).rejects.toMatchObject(unauthorized);
    expect(weir.app.rooms.size).toBe(0);
  });

  test('a token of more than 64 KiB, together with its connection', async () => {
    const client = await weir.connect();
    await expect(client.join({ room, token: 'x'.repeat(70_000) })).rejects.toThrow();
    expect((await client.closed).code).toBe(1009);
  });
});

describe('after a kick', () => {
  test('the old token is rejected and a newly issued one accepted', async () => {
    const admin = await weir.enter(room, 'admin', { roomAdmin: true });
    const began = now();
    const old = await sign(claims({ sub: 'mallory' }));
    const { peerId } = await join(old);
    await admin.client.request('kick', { peerId });
    await expect(join(old)).rejects.toMatchObject(unauthorized);
    // Issued in the same second, as far as whole seconds can show.
    const renewed = await sign(claims({ sub: 'mallory', jti: 'another' }));
    await expect(join(renewed)).resolves.toMatchObject({ identity: 'mallory' });
    // Another old one, issued seconds before the removal.
    const older = await sign(claims({ sub: 'mallory', iat: began - 2 }));
    await expect(join(older)).rejects.toMatchObject(unauthorized);
  });

  test('a token of an issuer whose clock is ahead is refused too, presented before or not', async () => {
    const admin = await weir.enter(room, 'admin', { roomAdmin: true });
    const began = now();
    const ahead = await sign(claims({ sub: 'ahead', iat: began + 5 }));
    const { peerId } = await join(ahead);
    await admin.client.request('kick', { peerId });
    await expect(join(ahead)).rejects.toMatchObject(unauthorized);
    const another = await sign(claims({ sub: 'ahead', iat: began + 3 }));
    await expect(join(another)).rejects.toMatchObject(unauthorized);
    // Issued now, by that clock.
    await expect(join(await sign(claims({ sub: 'ahead', iat: now() + 5, jti: 'new' })))).resolves.toBeDefined();
  });

  test('a token without iat and nbf is refused: its age is unknown', async () => {
    const admin = await weir.enter(room, 'admin', { roomAdmin: true });
    const { peerId } = await join(await sign(claims({ sub: 'trudy' })));
    await admin.client.request('kick', { peerId });
    const undated = await sign(claims({ sub: 'trudy', iat: undefined, nbf: undefined }));
    await expect(join(undated)).rejects.toMatchObject(unauthorized);
  });
});

describe('a token that expires during a call', () => {
  test('ends nothing, but admits nobody any more', async () => {
    await using server = await startServer({ ...withTokens, WEIR_TOKEN_LEEWAY_SECONDS: '0' });
    const bob = await TestClient.connect(server.url);
    await bob.join({ room, token: await token(room, 'bob') });
    const ada = await TestClient.connect(server.url);
    const jwt = await token(room, 'ada', {}, 1);
    await ada.join({ room, token: jwt });
    const expired = async () => {
      const late = await TestClient.connect(server.url);
      const outcome = await late.join({ room: 'probe', token: jwt }).catch((error: unknown) => String(error));
      late.cut();
      return outcome;
    };
    await expect.poll(expired, { timeout: 5000, interval: 100 }).toMatch(/expired/);
    await ada.request('produce', { source: 'microphone', rtpParameters: opus() });
    expect(await bob.event('peerSources')).toMatchObject({ sources: { microphone: 'live' } });
    expect(ada.open).toBe(true);
  });
});
