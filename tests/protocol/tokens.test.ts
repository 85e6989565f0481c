/** Owns which tokens open a room: each abuse of one, by its name. */
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

/** The claims of a good token; a change to undefined takes a claim out. */
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

describe('a good token', () => {
  test('opens its room and says who it is', async () => {
    const jwt = await sign(claims({ name: ' Ada ', metadata: '{"seat":7}' }));
    const { identity, name } = await join(jwt);
    expect({ identity, name }).toEqual({ identity: 'ada', name: 'Ada' });
    const other = await weir.enter(room, 'bob');
    expect(other.reply.peers).toMatchObject([{ identity: 'ada', name: 'Ada', metadata: '{"seat":7}' }]);
  });

  test('has the last word on the name', async () => {
    const client = await weir.connect();
    const jwt = await sign(claims({ name: 'Ada' }));
    expect((await client.join({ room, token: jwt, name: 'Somebody else' })).name).toBe('Ada');
  });

  test('without iat and nbf is good', async () => {
    await expect(join(await sign(claims({ iat: undefined, nbf: undefined })))).resolves.toBeDefined();
  });

  test('that has expired within the leeway is good', async () => {
    await expect(join(await sign(claims({ exp: now() - 5 })))).resolves.toBeDefined();
  });

  test('that becomes valid within the leeway is good', async () => {
    await expect(join(await sign(claims({ nbf: now() + 5 })))).resolves.toBeDefined();
  });

  test('may carry a name, an identity and metadata of the greatest length', async () => {
    const jwt = await sign(claims({ sub: 'i'.repeat(256), name: 'n'.repeat(256), metadata: 'm'.repeat(MAX_METADATA) }));
    await expect(join(jwt)).resolves.toMatchObject({ identity: 'i'.repeat(256) });
  });

  test('may say null for every claim that may be left out, as JWT libraries do', async () => {
    const absent = { name: null, metadata: null, iat: null, nbf: null, jti: null, aud: null };
    const grants = ['canPublish', 'canPublishSources', 'canSubscribe', 'canPublishData', 'hidden', 'roomAdmin'];
    const video = { room, roomJoin: true, broadcast: null, ...Object.fromEntries(grants.map((name) => [name, null])) };
    const nulls: unknown = { ...claims({ video }), ...absent };
    const jwt = await sign(Object.assign({}, nulls));
    const { grants: given } = await join(jwt);
    expect(given).toEqual((await weir.enter(room, 'bob')).reply.grants);
  });

  test('opens its room in every spelling, and the room is one', async () => {
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

  test('of an identity that shows nothing, without a name, is for a guest', async () => {
    await expect(join(await sign(claims({ sub: '\u2060' })))).resolves.toMatchObject({
      identity: '\u2060',
      name: 'Guest',
    });
  });

  test('of a server with tokens is asked for in welcome', async () => {
    expect((await weir.connect()).welcome.auth).toBe('token');
  });
});

describe('refused is', () => {
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
    // Nor with somebody else's signature at its end.
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

  test('a token of another secret', async () => {
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
  test('the old token is refused and a newly issued one accepted', async () => {
    const admin = await weir.enter(room, 'admin', { roomAdmin: true });
    const old = await sign(claims({ sub: 'mallory' }));
    const { peerId } = await join(old);
    await admin.client.request('kick', { peerId });
    await expect(join(old)).rejects.toMatchObject(unauthorized);
    // Made in the same second, as far as a token of whole seconds can say.
    const renewed = await sign(claims({ sub: 'mallory', jti: 'another' }));
    await expect(join(renewed)).resolves.toMatchObject({ identity: 'mallory' });
    // Another old one, of a second before.
    const older = await sign(claims({ sub: 'mallory', iat: now() - 2 }));
    await expect(join(older)).rejects.toMatchObject(unauthorized);
  });

  test('a token from a clock that is ahead is refused as well, seen before or not', async () => {
    const admin = await weir.enter(room, 'admin', { roomAdmin: true });
    const ahead = await sign(claims({ sub: 'ahead', iat: now() + 5 }));
    const { peerId } = await join(ahead);
    await admin.client.request('kick', { peerId });
    await expect(join(ahead)).rejects.toMatchObject(unauthorized);
    const another = await sign(claims({ sub: 'ahead', iat: now() + 3 }));
    await expect(join(another)).rejects.toMatchObject(unauthorized);
    // What that clock says now.
    await expect(join(await sign(claims({ sub: 'ahead', iat: now() + 5, jti: 'new' })))).resolves.toBeDefined();
  });

  test('a token without iat and nbf is refused: nobody knows how old it is', async () => {
    const admin = await weir.enter(room, 'admin', { roomAdmin: true });
    const { peerId } = await join(await sign(claims({ sub: 'trudy' })));
    await admin.client.request('kick', { peerId });
    const undated = await sign(claims({ sub: 'trudy', iat: undefined, nbf: undefined }));
    await expect(join(undated)).rejects.toMatchObject(unauthorized);
  });
});

describe('a token that expires in mid-call', () => {
  test('ends nothing, but does not open the room again', async () => {
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
