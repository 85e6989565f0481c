/** Covers rooms of the kind `diagnosis`, which need no token: of what use they are, and of none beyond that. */
import { describe, expect, test } from 'vitest';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import { TestClient } from '../support/client.ts';
import { failure, useServer, withTokens } from '../support/weir.ts';

/** Clients with addresses of their own. */
const behindProxy = { ...withTokens, WEIR_TRUST_PROXY: '1' };
const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });

describe('a diagnosis', () => {
  const weir = useServer(behindProxy);
  const enter = async (room: string, address = '192.0.2.1') => {
    const client = await weir.connect(from(address));
    return { client, reply: await client.join({ room, kind: 'diagnosis', name: 'Ada', role: 'host' }) };
  };
  const diagnosis = async (room: string) => (await weir.app.rooms.find(room, 'diagnosis')) ?? expect.fail('no room');

  test('needs no token where calls need one, and gives no right over others, no name and no token', async () => {
    await expect((await weir.connect()).join({ room: 'x' })).rejects.toMatchObject(failure('unauthorized'));
    const ada = await enter('x');
    expect(ada.reply).toMatchObject({
      kind: 'diagnosis',
      name: 'Diagnosis',
      peers: [],
      grants: {
        canPublish: true,
        canPublishSources: ['camera', 'microphone'],
        canPublishData: false,
        canSubscribe: true,
        hidden: false,
        roomAdmin: false,
      },
    });
    await ada.client.request('setHand', { raised: true, name: 'Somebody' });
    expect((await enter('x')).reply.peers).toMatchObject([{ name: 'Diagnosis' }]);
    await ada.client.request('ping', {});
    expect(ada.client.unreadEvents('tokenRefreshed')).toEqual([]);
  });

  test('ignores a token: it is another room than the call of that name', async () => {
    await weir.enter('x', 'ada');
    const client = await weir.connect();
    const reply = await client.join({ room: 'x', kind: 'diagnosis', token: await weir.token('x', 'bob') });
    expect(reply).toMatchObject({ kind: 'diagnosis', peers: [] });
    expect(reply.identity).not.toBe('bob');
  });

  test('has two peers, of one network', async () => {
    await enter('pair');
    await enter('pair');
    await expect(enter('pair')).rejects.toMatchObject(failure('roomFull'));
    await enter('other', '2001:db8:1:2::3');
    await expect(enter('other', '2001:db8:1:3::3')).rejects.toMatchObject(failure('forbidden'));
    await enter('other', '2001:db8:1:2::4');
  });

  test('stays with the network of its first peer until it has ended', async () => {
    const first = await enter('mine');
    await enter('mine');
    first.client.cut();
    await first.client.closed;
    await expect(enter('mine', '192.0.2.2')).rejects.toMatchObject(failure('forbidden'));
    (await diagnosis('mine')).close('roomClosed');
    await enter('mine', '192.0.2.2');
  });

  test('is one of eight at a time from one network; another one may follow when one has ended', async () => {
    for (let count = 0; count < 8; count += 1) await enter(`room-${count}`);
    await expect(enter('one-more')).rejects.toMatchObject({ ...failure('busy'), retryAfter: 10 });
    await enter('elsewhere', '192.0.2.2');
    (await diagnosis('room-3')).close('roomClosed');
    await enter('one-more');
  });

  test('is one of 32 at a time on the server', async () => {
    for (let count = 0; count < 32; count += 1) await enter(`room-${count}`, `192.0.2.${count % 16}`);
    await expect(enter('one-more', '192.0.2.99')).rejects.toMatchObject(failure('busy'));
    await enter('room-0', '192.0.2.0');
  });

  test('shares no screen, and controls no broadcast', async () => {
    const { client, reply } = await enter('x');
    for (const [method, data] of [
      ['kick', { peerId: reply.peerId }],
      ['setGrants', { peerId: reply.peerId, grants: { canPublishData: true } }],
      ['setBroadcast', { live: true }],
    ] as const) {
      expect((await client.requestRaw(method, data)).error?.code, method).toBe('forbidden');
    }
    expect((await client.requestRaw('stepDown', {})).error?.code).toBe('notFound');
  });

  test('is listed nowhere', async () => {
    await enter('x');
    const token = await weir.token('x', 'ada');
    const headers = { authorization: `Bearer ${token}` };
    const people = async (path: string) => (await fetch(weir.url + path, { headers })).json();
    expect(await people('/api/rooms/x')).toEqual({ people: [] });
    expect(await people('/api/broadcasts/x')).toMatchObject({ people: [] });
    expect((await fetch(`${weir.url}/api/diagnoses/x`)).status).toBe(404);
  });
});

describe('the TURN credential of a diagnosis', () => {
  const weir = useServer({
    ...behindProxy,
    WEIR_TURN_URLS: 'turn:turn.example.com',
    WEIR_TURN_SECRET: 'a secret that a TURN server shares',
    WEIR_TURN_SECONDS: '300',
  });

  test('lasts a minute, names the network, and is given once', async () => {
    const enter = async (address: string) => {
      const client = await weir.connect(from(address));
      const { iceServers } = await client.join({ room: `of ${address}`, kind: 'diagnosis' });
      const [expiry, user] = iceServers[0]?.username?.split(':') ?? [];
      return { client, lifetime: Number(expiry) - Date.now() / 1000, user };
    };
    const ada = await enter('2001:db8:1:2::3');
    expect(ada.lifetime).toBeGreaterThan(50);
    expect(ada.lifetime).toBeLessThanOrEqual(60);
    expect((await enter('2001:db8:1:2::4')).user).toBe(ada.user);
    expect((await enter('2001:db8:1:3::4')).user).not.toBe(ada.user);
    expect(await ada.client.request('restartIce', {})).toMatchObject({ iceServers: [] });
  });
});

describe('the time of a diagnosis', () => {
  const weir = useServer(withTokens, { diagnosisLifetime: 300 });

  test('ends for everybody in it, whoever came last', async () => {
    const ada = await weir.connect();
    const begun = performance.now();
    await ada.join({ room: 'x', kind: 'diagnosis' });
    const bob = await weir.connect();
    await bob.join({ room: 'x', kind: 'diagnosis' });
    expect(await ada.closed).toMatchObject({ reason: 'roomClosed' });
    expect(await bob.closed).toMatchObject({ reason: 'roomClosed' });
    expect(performance.now() - begun).toBeGreaterThanOrEqual(290);
  });
});

describe('a diagnosis on a server with too much to do', () => {
  const weir = useServer({ WEIR_JOIN_ADMISSION_LIMIT: '0', WEIR_JOIN_QUEUE_TIMEOUT_SECONDS: '10' });

  test('is refused at once', async () => {
    const begun = performance.now();
    const join = (await weir.connect()).join({ room: 'x', kind: 'diagnosis' });
    await expect(join).rejects.toMatchObject(failure('busy'));
    expect(performance.now() - begun).toBeLessThan(5000);
  });
});

test('a server that drains ends every diagnosis at once, and begins none', async () => {
  await using server = await startServer();
  const inside = await TestClient.connect(server.url);
  await inside.join({ room: 'x', kind: 'diagnosis' });
  const outside = await TestClient.connect(server.url);
  const drained = server.app.drain(20_000);
  expect(await inside.closed).toMatchObject({ reason: 'serverClosing' });
  await drained;
  const join = outside.join({ room: 'y', kind: 'diagnosis' });
  await expect(join).rejects.toMatchObject({ ...failure('unavailable'), reason: 'draining' });
});

describe('WEIR_DIAGNOSE=false', () => {
  const weir = useServer({ ...withTokens, WEIR_DIAGNOSE: 'false' });

  test('admits no diagnosis, serves no page for it, and links to none', async () => {
    const join = (await weir.connect()).join({ room: 'x', kind: 'diagnosis' });
    await expect(join).rejects.toMatchObject(failure('forbidden'));
    const headers = { accept: 'text/html' };
    expect((await fetch(`${weir.url}/diagnose`, { headers })).status).toBe(404);
    expect(await (await fetch(`${weir.url}/r/x`, { headers })).text()).toContain('data-diagnose="off"');
  });
});

describe.each(['', '/meet'])('the page under the base path "%s"', (base) => {
  const weir = useServer({ WEIR_BASE_PATH: base });

  test.each(['/diagnose', '/diagnose/', '/Diagnose'])('is served at %s, and not to search engines', async (path) => {
    const response = await fetch(`${weir.url}${base}${path}`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    expect(response.headers.get('x-robots-tag')).toBe('noindex');
    const text = await response.text();
    expect(text).not.toContain('data-diagnose');
    const [, script = ''] = /src="([^"]+)"/.exec(text) ?? [];
    expect((await fetch(new URL(script, `${weir.url}${base}${path}`))).status).toBe(200);
  });
});
