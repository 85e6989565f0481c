/** Tests of who may use the API: each grant for each endpoint and method, keys that are replaced, and a server without keys. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { randomFrom } from '../../scripts/support/random.ts';
import { endpoints } from '../../server/api/rest/endpoints.ts';
import { roomService } from '../../server/api/twirp/roomService.ts';
import type { SignOptions } from '../../server/auth/tokens.ts';
import { adminToken, api, problem } from '../support/api.ts';
import { apiKey, apiSecret, token, useServer, withTokens } from '../support/weir.ts';

const further = { apiKey: 'further-key', apiSecret: 'another secret of tests with 32 characters' };
const weir = useServer({ ...withTokens, WEIR_API_KEYS: `${further.apiKey}: ${further.apiSecret}` });
const open = useServer();

/** Of each method of LiveKit's: the grant that it needs. */
const methodGrants = Object.fromEntries(
  [...roomService.keys()].map((method) => {
    if (method === 'ListRooms') return [method, 'roomList'];
    return [method, method === 'CreateRoom' || method === 'DeleteRoom' ? 'roomCreate' : 'roomAdmin'];
  }),
);

interface Case {
  readonly name: string;
  readonly grant: string;
  /** Sends it to a server. @returns the status, and the code of an error of Twirp */
  send(url: string, jwt: string | undefined): Promise<{ status: number; code?: unknown }>;
}

const rest: Case[] = endpoints.map(({ id, method, path, grant, body }) => ({
  name: `REST ${id}`,
  grant,
  async send(url, jwt) {
    const filled = path.replace(':room', 'room').replace(/:\w+/g, 'x');
    const query = id === 'updateBroadcast' ? '?kind=call' : '';
    const { status, headers } = await api(url, `${method} ${filled}${query}`, {
      ...(body && { body: id === 'createRoom' ? { name: 'a/b' } : {} }),
      headers: { ...(jwt !== undefined && { authorization: `Bearer ${jwt}` }) },
    });
    expect(headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null);
    return { status };
  },
}));

const livekit: Case[] = Object.entries(methodGrants).map(([method, grant]) => ({
  name: `RoomService ${method}`,
  grant: String(grant),
  async send(url, jwt) {
    const name = method === 'CreateRoom' ? 'a/b' : 'room';
    const response = await fetch(`${url}/twirp/livekit.RoomService/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(jwt !== undefined && { authorization: `Bearer ${jwt}` }) },
      body: JSON.stringify({ room: name, name, identity: 'x', names: [] }),
    });
    const reply: { code?: unknown } = await response.json();
    return { status: response.status, code: reply.code };
  },
}));

const grantsOf = (grant: string) => ({ [grant]: true, ...(grant === 'roomAdmin' && { room: 'room' }) });
const sign = (grants: object, options?: Partial<SignOptions>) => adminToken(grants, options);

describe.each([...rest, ...livekit])('$name', ({ name, grant, send }) => {
  const isTwirp = name.startsWith('RoomService');
  const refused = { status: 403, ...(isTwirp && { code: 'permission_denied' }) };
  const unknown = { status: 401, ...(isTwirp && { code: 'unauthenticated' }) };

  test('is for those who have its grant', async () => {
    for (const jwt of [await sign(grantsOf(grant)), await sign(grantsOf(grant), further)]) {
      const { status } = await send(weir.url, jwt);
      // There is no such room, or its name is invalid: whoever hears that is let in.
      expect([200, 400, 404, 412]).toContain(status);
    }
  });

  test('is closed to all others', async () => {
    const all = { roomCreate: true, roomList: true, roomAdmin: true, room: 'room' };
    const wrong = [
      { ...all, [grant]: false },
      { ...all, [grant]: undefined },
      {},
      { room: 'room', roomJoin: true },
      ...(grant === 'roomAdmin'
        ? [
            { ...all, room: 'other' },
            { ...all, room: undefined },
            { ...all, room: 'broadcast/room' },
            { ...all, broadcast: true },
            { ...all, room: '' },
          ]
        : []),
    ];
    for (const grants of wrong)
      expect(await send(weir.url, await sign(grants)), JSON.stringify(grants)).toEqual(refused);
  });

  test('is closed to whoever has no valid token', async () => {
    const minute = Date.now() / 1000 - 3600;
    const tokens = [
      undefined,
      'nonsense',
      await sign(grantsOf(grant), { apiSecret: 'a wrong secret, of at least 32 characters' }),
      await sign(grantsOf(grant), { apiKey: 'unknown' }),
      // Each key with its own secret only.
      await sign(grantsOf(grant), { apiKey: further.apiKey }),
      await sign(grantsOf(grant), { issuedAt: minute, lifetime: 60 }),
      await sign(grantsOf(grant), { lifetime: 10 * 86_400 }),
      `${await sign(grantsOf(grant))}x`,
    ];
    for (const jwt of tokens) expect(await send(weir.url, jwt), jwt).toEqual(unknown);
  });

  test('is closed to everybody while the server has no keys', async () => {
    for (const jwt of [undefined, await sign(grantsOf(grant)), await sign(grantsOf(grant), { apiKey: '' })]) {
      expect(await send(open.url, jwt)).toEqual(refused);
    }
  });
});

test('a server without keys says what opens the API, also in place of its description', async () => {
  for (const path of ['/rooms', '', '/openapi.json', '/reference.css']) {
    expect(await api(open.url, `GET ${path}`)).toMatchObject(problem(403, 'set WEIR_API_KEYS'));
  }
});

describe('a participant who is an administrator', () => {
  const patch = (jwt: string) =>
    api(weir.url, 'PATCH /rooms/room', { headers: { authorization: `Bearer ${jwt}` }, body: { metadata: 'x' } });

  test('may use the API with the token that it has joined with, until that is taken away', async () => {
    const jwt = await token('room', 'host', { roomAdmin: true });
    const other = await weir.enter('room', 'other', { roomAdmin: true });
    const host = await weir.connect();
    const { peerId } = await host.join({ room: 'room', token: jwt });
    expect((await patch(jwt)).status).toBe(200);
    await other.client.request('setGrants', { peerId, grants: { roomAdmin: false } });
    expect(await patch(jwt)).toMatchObject(problem(403, 'taken the grant roomAdmin'));
    await other.client.request('setGrants', { peerId, grants: { roomAdmin: true } });
    expect((await patch(jwt)).status).toBe(200);
    await other.client.request('kick', { peerId });
    expect(await patch(jwt)).toMatchObject(problem(401, 'removed from this room'));
  });
});

test('a room that was ended is opened again by whoever may create rooms, and by nobody who only joins', async () => {
  const grants = { roomCreate: true };
  const create = () => api(weir.url, 'POST /rooms', { grants, body: { name: 'ended' } });
  const end = () => api(weir.url, 'DELETE /rooms/ended', { grants });
  expect((await create()).status).toBe(201);
  const ada = await weir.enter('ended', 'ada');
  expect((await end()).status).toBe(204);
  expect(await ada.client.closed).toMatchObject({ reason: 'roomEnded' });
  await expect(weir.enter('ended', 'ada')).rejects.toMatchObject({ reason: 'roomEnded' });
  expect((await create()).status).toBe(201);
  await weir.enter('ended', 'ada');
  expect((await end()).status).toBe(204);
});

describe('keys that are replaced', () => {
  test('all open rooms, and fresh tokens are signed with the first', async () => {
    for (const key of [{ apiKey, apiSecret }, further]) {
      const client = await weir.connect();
      const jwt = await sign({ room: 'room', roomJoin: true }, { ...key, identity: key.apiKey });
      await client.join({ room: 'room', token: jwt });
      const { token: fresh } = await client.event('tokenRefreshed');
      const [, payload = ''] = fresh.split('.');
      expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ iss: apiKey, sub: key.apiKey });
    }
  });
});

describe('the description of the API', () => {
  test('is a valid OpenAPI 3.1 document that has every endpoint', async () => {
    const { body, status } = await api(weir.url, 'GET /openapi.json');
    expect(status).toBe(200);
    const validator = new Validator();
    const result = await validator.validate(JSON.parse(JSON.stringify(body)));
    expect(result).toMatchObject({ valid: true });
    expect(validator.version).toBe('3.1');
    const text = JSON.stringify(body);
    for (const { id, summary } of endpoints) {
      expect(text).toContain(`"operationId":"${id}"`);
      expect(text).toContain(JSON.stringify(summary));
    }
    // Every reference leads somewhere.
    const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
    expect(references).toContain('RoomSettingsPatch');
    for (const name of references) expect(text).toContain(`"${name}":{`);
    expect(text).not.toContain('$defs');
  });

  test('is a page as well', async () => {
    const response = await fetch(`${weir.url}/api/v1`);
    expect(response.headers.get('content-type')).toContain('text/html');
    const html = await response.text();
    for (const { id, path } of endpoints) {
      expect(html).toContain(`id="${id}"`);
      expect(html).toContain(`<code>${path}</code>`);
    }
    const sections = html.split('<section').slice(2);
    for (const [index, { address, body, reply }] of endpoints.entries()) {
      const described = [Object.keys(address.shape).length > 0, body !== undefined, reply !== undefined];
      expect(sections[index]?.match(/<table>/g)?.length ?? 0).toBe(described.filter(Boolean).length);
    }
    expect(sections[1]).toContain('<code>maxParticipants</code>');
    expect(sections[8]).toContain('<code>participants[].grants.canPublish</code>');
    expect(html).not.toMatch(/<script|style="|undefined|\[object/);
    const css = await fetch(`${weir.url}/api/v1/reference.css`);
    expect(css.headers.get('content-type')).toContain('text/css');
  });
});

describe('bodies and addresses at random', () => {
  const all = { roomCreate: true, roomList: true, roomAdmin: true, room: 'room' };
  /** The same in each run. */
  const { int: random, pick } = randomFrom(42);
  const names = [
    'name',
    'kind',
    'metadata',
    'grants',
    'tracks',
    'data',
    'topic',
    'identities',
    'muted',
    'subscribed',
    'live',
    '__proto__',
    'constructor',
    'emptyTimeout',
    'permission',
    'room',
    'identity',
    'track_sids',
    'destination_sids',
    'names',
    'max_participants',
  ] as const;
  const value = (depth: number): unknown => {
    const simple = [
      null,
      true,
      -1,
      1e308,
      0.5,
      2 ** 53,
      '',
      'room',
      'x'.repeat(300),
      '\ud800',
      '\0',
      'AAAA',
      'broadcast/room',
    ] as const;
    if (depth > 3 || random(3) > 0) return pick(simple);
    if (random(2) > 0) return Array.from({ length: random(5) }, () => value(depth + 1));
    return Object.fromEntries(Array.from({ length: random(6) }, () => [pick(names), value(depth + 1)]));
  };

  test('never fail inside of the server', async () => {
    const jwt = await sign(all);
    const ada = await weir.enter('room', 'ada');
    const authorization = `Bearer ${jwt}`;
    for (let round = 0; round < 40; round += 1) {
      for (const { method, path, id } of endpoints) {
        if (id === 'closeRoom' || id === 'removeParticipant') continue;
        const filled = path
          .replace(':room', 'room')
          .replace(/:\w+/g, () => encodeURIComponent(String(pick(['ada', value(4)])).toWellFormed()));
        const body = method === 'GET' ? {} : { body: value(0) ?? null };
        const { status } = await api(weir.url, `${method} ${filled}`, { ...body, headers: { authorization } });
        expect(status, `${method} ${filled} ${JSON.stringify(body)}`).toBeLessThan(500);
      }
      for (const method of roomService.keys()) {
        if (method === 'DeleteRoom' || method === 'RemoveParticipant') continue;
        const binary = random(2) > 0;
        const body = binary
          ? new Uint8Array(Array.from({ length: random(40) }, () => random(256)))
          : JSON.stringify({ room: 'room', identity: 'ada', ...Object(value(0)) });
        const response = await fetch(`${weir.url}/twirp/livekit.RoomService/${method}`, {
          method: 'POST',
          headers: { authorization, 'content-type': binary ? 'application/protobuf' : 'application/json' },
          body,
        });
        await response.arrayBuffer();
        expect(response.status, `${method} ${binary ? '' : body}`).toBeLessThan(500);
      }
    }
    // It is still there, and so is the server.
    await ada.client.request('ping', {});
    for (const room of weir.app.rooms.open) if (room.name !== 'room') room.close('roomClosed');
    expect(weir.app.rooms.open.map((room) => room.name)).toEqual(['room']);
  });
});
