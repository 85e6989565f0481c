/** Covers WHIP over HTTP (RFC 9725): what each request is answered, who is in the room then, and what is refused. */
import { describe, expect, test, vi } from 'vitest';
import { fragment } from '../../scripts/support/sdp/clientTexts.ts';
import { offerNamed, offerNames } from '../../scripts/support/sdp/offers.ts';
import { flood } from '../support/flood.ts';
import { useServer, withTokens } from '../support/weir.ts';
import { useWhip } from '../support/whip.ts';

const obs = offerNamed('obs-32.2');
const candidate = 'a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\na=end-of-candidates\r\n';
const viewer = { send: false, recv: false };

describe('a session', () => {
  const weir = useServer();
  const whip = useWhip(weir);

  test('is opened with 201, an answer, its URL and its entity tag; the publisher is in the room', async () => {
    const { client } = await weir.join({ room: 'studio', transports: viewer });
    const { response, location, etag, body } = await whip.offer('studio', { query: '?name=OBS' });
    expect(response.status).toBe(201);
    expect(response.headers.get('content-type')).toBe('application/sdp');
    expect(location).toMatch(/^\/whip\/sessions\/[\w-]{43}$/);
    expect(etag).toMatch(/^"[\w-]{16}"$/);
    expect(response.headers.get('accept-patch')).toBe('application/trickle-ice-sdpfrag');
    expect(body).toMatch(/^v=0\r\n/);
    expect(body.match(/^a=recvonly\r$/gm)).toHaveLength(2);
    expect(body).toMatch(/^a=candidate:\w+ 1 udp \d+ 127\.0\.0\.1 \d+ typ host\r$/m);

    const { peerId, ...peer } = await client.event('newPeer');
    expect(peer).toMatchObject({ name: 'OBS', hand: false, away: false });
    await expect
      .poll(() => client.unreadEvents('peerSources').at(-1)?.sources)
      .toEqual({ camera: 'live', microphone: 'live' });

    expect((await whip.request(location, 'DELETE', { 'if-match': '"anything"' })).response.status).toBe(200);
    expect(await client.event('peerClosed')).toEqual({ peerId, reason: 'left' });
    for (const method of ['DELETE', 'GET']) {
      expect((await whip.request(location, method)).response.status).toBe(404);
    }
  });

  test.each(offerNames)('is opened by the offer of %s', async (name) => {
    const { response } = await whip.offer('clients', { sdp: offerNamed(name) });
    expect(response.status).toBe(201);
  });

  test('can show a screen, with its sound', async () => {
    const { client } = await weir.join({ room: 'screen', transports: viewer });
    await whip.offer('screen', { query: '?source=screen' });
    await expect
      .poll(() => client.unreadEvents('peerSources').at(-1)?.sources)
      .toEqual({ screen: 'live', screenAudio: 'live' });
  });

  test('on the stage of a broadcast is seen by those who are there', async () => {
    const host = await weir.join({ room: 'show', kind: 'broadcast', role: 'host' });
    await whip.offer('show', { query: '?kind=broadcast&name=OBS' });
    expect(await host.client.event('newPeer')).toMatchObject({ name: 'OBS' });
  });

  test('is opened at the address as people write it, without a redirection', async () => {
    const headers = { 'content-type': 'application/sdp' };
    for (const path of ['/whip/typed/', '//whip/typed', '/WHIP/typed']) {
      const response = await fetch(`${weir.url}${path}`, { method: 'POST', body: obs, headers, redirect: 'manual' });
      expect([path, response.status]).toEqual([path, 201]);
      await whip.request(response.headers.get('location') ?? '', 'DELETE');
    }
  });

  test('ends for its client when somebody ends it on the server', async () => {
    const { location } = await whip.offer('ended');
    (await weir.app.rooms.find('ended'))?.close('roomClosed');
    expect((await whip.request(location, 'GET')).response.status).toBe(404);
  });
});

describe('a session beside two who exchange media directly', () => {
  const weir = useServer({}, { directReturn: 200 });
  const whip = useWhip(weir);

  test('moves them to the server, as long as it lasts', async () => {
    const enter = async () => {
      const { client } = await weir.join({ room: 'direct', policy: 'auto', direct: true, transports: viewer });
      // It has the reply to its join.
      await client.request('ping', {});
      return client;
    };
    const [ada, bob] = [await enter(), await enter()];
    expect((await ada.event('directPeers')).peers).toHaveLength(1);
    const { location } = await whip.offer('direct');
    for (const client of [ada, bob]) {
      await expect.poll(() => client.unreadEvents('directPeers').at(-1)?.peers).toEqual([]);
    }
    await whip.request(location, 'DELETE');
    await expect.poll(() => ada.unreadEvents('directPeers').at(-1)?.peers, { timeout: 8000 }).toHaveLength(1);
  });
});

describe('PATCH', () => {
  const weir = useServer();
  const whip = useWhip(weir);

  test('takes trickled candidates with the entity tag of the session', async () => {
    const { location, etag } = await whip.offer('trickle');
    for (const body of [fragment('AHYn', candidate), `m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n${candidate}`]) {
      const { response, ...rest } = await whip.patch(location, body, etag);
      expect({ status: response.status, ...rest }).toEqual({ status: 204, etag: null, body: '' });
    }
    const several = await whip.patch(location, fragment('AHYn'), `"x", ${etag}`);
    expect(several.response.status).toBe(204);
  });

  test.each([
    ['without If-Match', undefined, 428],
    ['with another tag', '"other"', 412],
    ['with a weak tag', 'W/"other"', 412],
    ['with an empty one', '', 412],
  ])('%s is refused', async (_name, ifMatch, status) => {
    const { location, etag } = await whip.offer('preconditions');
    const { response } = await whip.patch(location, fragment('AHYn'), ifMatch?.replace('other', `x${etag}`));
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });

  test.each([
    ['of another type', fragment('AHYn'), 'application/sdp', 415],
    ['of a type that nobody knows', '{}', 'application/json', 415],
    ['with malformed lines', 'nothing', undefined, 400],
    ['with a malformed candidate', fragment('AHYn', 'a=candidate:x\r\n'), undefined, 400],
    ['that is too large', `a=x:${'x'.repeat(70_000)}`, undefined, 413],
  ])('with a body %s is refused', async (_name, body, type, status) => {
    const { location, etag } = await whip.offer('bodies');
    expect((await whip.patch(location, body, etag, type)).response.status).toBe(status);
  });

  test.each(['*', '"*"'])('with new ICE parameters and If-Match: %s restarts ICE', async (ifMatch) => {
    const { location, etag, body: answer } = await whip.offer('restart');
    const { response, etag: next, body } = await whip.patch(location, fragment('ysXw', candidate), ifMatch);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/trickle-ice-sdpfrag');
    expect(next).toMatch(/^"[\w-]{16}"$/);
    expect(next).not.toBe(etag);
    const ufragOf = (text: string) => /^a=ice-ufrag:(\S+)\r$/m.exec(text)?.[1];
    expect(ufragOf(body)).toMatch(/^\w+$/);
    expect(ufragOf(body)).not.toBe(ufragOf(answer));
    const candidates = (text: string) => text.match(/^a=candidate:.*$/gm);
    expect(candidates(body)).toEqual(candidates(answer));

    // The former tag is that of the former ICE session.
    expect((await whip.patch(location, fragment('ysXw', candidate), etag)).response.status).toBe(412);
    expect((await whip.patch(location, fragment('ysXw', candidate), next ?? '')).response.status).toBe(204);
    // ICE was restarted a moment ago: the session goes on as it is.
    const refused = await whip.patch(location, fragment('abcd'), '*');
    expect(refused.response.status).toBe(429);
    expect(Number(refused.response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await whip.patch(location, fragment('ysXw'), next ?? '')).response.status).toBe(204);
  });
});

describe('other methods', () => {
  const weir = useServer({ WEIR_ALLOWED_ORIGINS: 'https://studio.example' });
  const whip = useWhip(weir);

  test('OPTIONS says what can be posted and patched, also as a preflight', async () => {
    const { location } = await whip.offer('options');
    const plain = await whip.request('/whip/options', 'OPTIONS');
    expect(plain.response.status).toBe(200);
    expect(plain.response.headers.get('accept-post')).toBe('application/sdp');
    const headers = { origin: 'https://studio.example', 'access-control-request-method': 'POST' };
    const preflight = await whip.request('/whip/options', 'OPTIONS', headers);
    expect(Object.fromEntries(preflight.response.headers)).toMatchObject({
      'accept-post': 'application/sdp',
      'access-control-allow-origin': 'https://studio.example',
      'access-control-allow-methods': 'OPTIONS, GET, HEAD, POST',
      'access-control-allow-headers': 'Authorization, Content-Type, If-Match',
      'access-control-max-age': '7200',
    });
    // Nobody gets a credential of the TURN server without a token, and nothing is opened.
    expect(preflight.response.headers.get('link')).toBeNull();
    const session = await whip.request(location, 'OPTIONS');
    expect(session.response.status).toBe(200);
    expect(session.response.headers.get('accept-patch')).toBe('application/trickle-ice-sdpfrag');
  });

  test('a page that is allowed can read what it needs; another one is refused', async () => {
    const allowed = await whip.offer('cors', { headers: { origin: 'https://studio.example' } });
    expect(allowed.response.status).toBe(201);
    expect(allowed.response.headers.get('access-control-expose-headers')).toContain('Location');
    expect(allowed.response.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
    const refused = await whip.offer('cors', { headers: { origin: 'https://evil.example' } });
    expect(refused.response.status).toBe(403);
    expect(refused.response.headers.get('access-control-allow-origin')).toBeNull();
    const own = await whip.offer('cors', { headers: { origin: weir.url } });
    expect(own.response.status).toBe(201);
  });

  test('GET and HEAD succeed without content', async () => {
    const { location } = await whip.offer('get');
    for (const path of ['/whip/get', location]) {
      for (const method of ['GET', 'HEAD']) {
        const { response, body } = await whip.request(path, method);
        expect([response.status, body]).toEqual([204, '']);
      }
    }
  });

  test.each([
    ['/whip/room', 'PUT', 'OPTIONS, GET, HEAD, POST'],
    ['/whip/room', 'DELETE', 'OPTIONS, GET, HEAD, POST'],
    ['/whip/sessions/x', 'PUT', 'OPTIONS, GET, HEAD, PATCH, DELETE'],
    ['/whip/sessions/x', 'POST', 'OPTIONS, GET, HEAD, PATCH, DELETE'],
  ])('%s has no %s', async (path, method, allow) => {
    const { response } = await whip.request(path, method);
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow]);
  });
});

describe('an offer', () => {
  const weir = useServer({ WEIR_MAX_PEERS: '2' });
  const whip = useWhip(weir);

  test.each([
    ['that is no SDP', { sdp: 'nothing' }, 400],
    ['of another type', { headers: { 'content-type': 'application/json' } }, 415],
    ['that is empty', { sdp: '' }, 400],
    ['that is too large', { sdp: `${obs}${'a=x\r\n'.repeat(20_000)}` }, 413],
    ['without a codec that the server takes', { sdp: obs.replace('H264', 'H265') }, 422],
    ['with two videos', { sdp: obs.replace('m=audio', 'm=video').replace('111 opus/48000/2', '111 VP8/90000') }, 422],
    ['that receives', { sdp: obs.replaceAll('sendonly', 'recvonly') }, 422],
    ['for a kind of room that there is not', { query: '?kind=diagnosis' }, 400],
  ])('%s is refused, and nobody is in the room', async (_name, offer, status) => {
    const { response, body } = await whip.offer('refused', offer);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(JSON.parse(body)).toMatchObject({ status, detail: expect.stringMatching(/\.$/) });
    expect(weir.app.rooms.size).toBe(0);
  });

  test('for a name that is no room is refused', async () => {
    expect((await whip.offer('a/b')).response.status).toBe(400);
  });

  test('for a room that is full, or that has no server for media, is refused', async () => {
    await weir.join({ room: 'full' });
    await weir.join({ room: 'full' });
    const full = await whip.offer('full');
    expect([full.response.status, full.response.headers.get('retry-after')]).toEqual([503, '30']);
    await weir.join({ room: 'mesh', policy: 'p2p', direct: true });
    const mesh = await whip.offer('mesh');
    expect(mesh.response.status).toBe(403);
    expect(JSON.parse(mesh.body)).toMatchObject({
      detail: expect.stringMatching(/"p2p".*: programs that send or receive streams need one/),
    });
  });
});

describe('with tokens', () => {
  const urls = ['turn:turn.example.com:3478?transport=udp', 'turns:turn.example.com:443?transport=tcp'];
  const weir = useServer({
    ...withTokens,
    WEIR_TURN_URLS: urls.join(','),
    WEIR_TURN_SECRET: 'a secret that a TURN server shares',
  });
  const whip = useWhip(weir);

  test('the publisher is who its token says, and gets the ICE servers as links', async () => {
    const { client } = await weir.enter('studio', 'ann', {}, { transports: viewer });
    const { response } = await whip.offer('studio', { token: await weir.token('studio', 'camera 1') });
    expect(response.status).toBe(201);
    expect(await client.event('newPeer')).toMatchObject({ identity: 'camera 1', name: 'camera 1' });
    const links = response.headers.get('link')?.split(', ') ?? [];
    expect(links).toHaveLength(2);
    for (const [index, link] of links.entries()) {
      expect(link).toMatch(
        new RegExp(
          `^<${urls[index]?.replace('?', '\\?')}>; rel="ice-server"; username="\\d+:\\S+"; credential="\\S+"; credential-type="password"$`,
        ),
      );
    }
  });

  test.each([
    ['no token', undefined, 401],
    ['a token that is none', 'nonsense', 401],
  ])('%s: unauthorized', async (_name, token, status) => {
    const { response } = await whip.offer('studio', { token });
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([status, 'Bearer']);
  });

  test('a token for another room, or without the grant to publish all of it, opens nothing', async () => {
    const statusWith = async (token: Promise<string>) =>
      (await whip.offer('studio', { token: await token })).response.status;
    expect(await statusWith(weir.token('other', 'eve'))).toBe(401);
    expect(await statusWith(weir.token('studio', 'eve', { canPublish: false }))).toBe(403);
    expect(await statusWith(weir.token('studio', 'eve', { canPublishSources: ['microphone'] }))).toBe(403);
    expect(weir.app.rooms.size).toBe(0);
  });

  test('a later session of the same identity replaces the former one', async () => {
    const token = await weir.token('studio', 'camera 1');
    const first = await whip.offer('studio', { token });
    const second = await whip.offer('studio', { token });
    expect((await whip.request(first.location, 'GET')).response.status).toBe(404);
    expect((await whip.request(second.location, 'GET')).response.status).toBe(204);
    expect((await weir.app.rooms.find('studio'))?.size).toBe(1);
  });

  test('an administrator removes the publisher, or what it publishes', async () => {
    const { client } = await weir.enter('studio', 'host', { roomAdmin: true }, { transports: viewer });
    const token = await weir.token('studio', 'camera 1');
    const removed = await whip.offer('studio', { token });
    const { peerId } = await client.event('newPeer');
    await client.request('kick', { peerId });
    expect((await whip.request(removed.location, 'GET')).response.status).toBe(404);
    expect((await whip.offer('studio', { token })).response.status).toBe(401);

    const demoted = await whip.offer('studio', { token: await weir.token('studio', 'camera 2') });
    const second = await client.event('newPeer');
    await client.request('setGrants', { peerId: second.peerId, grants: { canPublish: false } });
    await vi.waitUntil(async () => (await whip.request(demoted.location, 'GET')).response.status === 404);
  });
});

describe('limits of a network', () => {
  const weir = useServer({ WEIR_MAX_CONNECTIONS_PER_IP: '1' });
  const whip = useWhip(weir);

  test('one address has as many sessions without a token as connections, until they end', async () => {
    const { location } = await whip.offer('one');
    expect((await whip.offer('two')).response.status).toBe(429);
    await whip.request(location, 'DELETE');
    expect((await whip.offer('two')).response.status).toBe(201);
  });

  test('offers that come too fast are refused, and told when to come again', async () => {
    const headers = { 'content-type': 'application/sdp' };
    const flooded = await flood(new URL('/whip/fast', weir.url), 'POST', 60, 'nothing', headers);
    expect(flooded).toEqual({ statuses: new Set([400, 429]), retryAfter: '5' });
  });

  test.each(['DELETE', 'PATCH'])('%s of sessions is limited too, so that nobody can try many URLs', async (method) => {
    const flooded = await flood(new URL('/whip/sessions/guessed', weir.url), method, 310);
    expect(flooded).toEqual({ statuses: new Set([404, 429]), retryAfter: '5' });
  });
});

describe('behind a proxy that adds a path', () => {
  const weir = useServer({ WEIR_BASE_PATH: '/meet' });
  const whip = useWhip(weir);

  test('the URL of a session has that path', async () => {
    const headers = { 'content-type': 'application/sdp' };
    const response = await fetch(`${weir.url}/meet/whip/studio`, { method: 'POST', body: obs, headers });
    const location = response.headers.get('location') ?? '';
    expect(location).toMatch(/^\/meet\/whip\/sessions\/[\w-]{43}$/);
    expect((await whip.request(location, 'GET')).response.status).toBe(204);
    expect((await whip.request(location, 'DELETE')).response.status).toBe(200);
  });
});

describe('a server that drains', () => {
  const weir = useServer();
  const whip = useWhip(weir);

  test('admits nobody, and says when to try again', async () => {
    await weir.app.drain(1);
    const { response } = await whip.offer('late');
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});
