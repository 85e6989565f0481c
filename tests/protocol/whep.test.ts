/** Covers WHEP over HTTP (draft-ietf-wish-whep-04): answers, counter-offers and their answers, who is in the room, what is refused. */
import { describe, expect, test } from 'vitest';
import { opus } from '../../scripts/support/media/clientParameters.ts';
import { answerTo, fragment, playerOffer, withSecondVideo } from '../../scripts/support/sdp/clientTexts.ts';
import { flood } from '../support/flood.ts';
import { useServer, withTokens } from '../support/weir.ts';
import { useWhip } from '../support/whip.ts';

const player = playerOffer('firefox');
/** An offer that cannot be answered. */
const unfit = withSecondVideo(player);
const viewer = { send: false, recv: false };

describe('a player', () => {
  const weir = useServer();
  const whip = useWhip(weir);

  test('is refused while nothing is live, and opens no room', async () => {
    const { response } = await whip.offer('empty', { protocol: 'whep', sdp: player });
    expect([response.status, response.headers.get('retry-after')]).toEqual([409, '5']);
    expect(weir.app.rooms.size).toBe(0);
    await weir.join({ room: 'silent' });
    expect((await whip.offer('silent', { protocol: 'whep', sdp: player })).response.status).toBe(409);
  });

  test('gets a counter-offer, answers it, and is in the room', async () => {
    await whip.offer('call');
    const { client } = await weir.join({ room: 'call', transports: viewer });
    const { response, location, etag, body } = await whip.offer('call', {
      protocol: 'whep',
      sdp: unfit,
      query: '?name=TV',
    });
    expect(response.status).toBe(406);
    expect(response.headers.get('content-type')).toBe('application/sdp');
    expect(location).toMatch(/^\/whep\/sessions\/[\w-]{43}$/);
    expect(etag).toMatch(/^"[\w-]{16}"$/);
    expect(body.match(/^a=sendonly\r$/gm)).toHaveLength(2);
    // What the session takes is said with it, by OPTIONS, and to whoever sends something else.
    const types = 'application/sdp, application/trickle-ice-sdpfrag';
    const saying = [
      { response },
      await whip.request(location, 'OPTIONS'),
      await whip.patch(location, '{}', '*', 'a/b'),
    ];
    expect(saying.map((one) => one.response.headers.get('accept-patch'))).toEqual([types, types, types]);
    expect(client.unreadEvents('newPeer')).toEqual([]);

    const answered = await whip.patch(location, answerTo(body), undefined, 'application/sdp');
    expect([answered.response.status, answered.body]).toEqual([204, '']);
    expect(await client.event('newPeer')).toMatchObject({ name: 'TV', sources: {} });
    // Once.
    expect((await whip.patch(location, answerTo(body), undefined, 'application/sdp')).response.status).toBe(409);
    const trickled = await whip.patch(location, fragment('play'), etag);
    expect([trickled.response.status, trickled.etag, trickled.body]).toEqual([204, null, '']);
    const restarted = await whip.patch(location, fragment('ysXw'), '*');
    expect(restarted.response.status).toBe(200);
    expect(restarted.etag).toMatch(/^"[\w-]{16}"$/);
    expect(restarted.etag).not.toBe(etag);
    // ICE was restarted a moment ago: the session goes on as it is.
    const refused = await whip.patch(location, fragment('abcd'), '*');
    expect([refused.response.status, Number(refused.response.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect((await whip.patch(location, fragment('ysXw'), restarted.etag ?? '')).response.status).toBe(204);
    expect((await whip.request(location, 'DELETE', { 'if-match': '"other"' })).response.status).toBe(200);
    await client.event('peerClosed');
  });

  test('is answered with the numbers of its offer, and is in the room', async () => {
    await whip.offer('answered');
    const { client } = await weir.join({ room: 'answered', transports: viewer });
    const { response, location, etag, body } = await whip.offer('answered', {
      ...{ protocol: 'whep', sdp: player, query: '?name=TV' },
    });
    expect([response.status, response.headers.get('content-type')]).toEqual([201, 'application/sdp']);
    expect(response.headers.get('accept-patch')).toBe('application/trickle-ice-sdpfrag');
    expect([location, etag]).toEqual([
      expect.stringMatching(/^\/whep\/sessions\/[\w-]{43}$/),
      expect.stringMatching(/^"[\w-]{16}"$/),
    ]);
    expect(body.match(/^a=(sendonly|setup:passive)\r$/gm)).toHaveLength(4);
    // Firefox's number; the server has another one.
    expect(body).toContain('a=rtpmap:120 VP8/90000');
    expect(await client.event('newPeer')).toMatchObject({ name: 'TV', sources: {} });
    expect((await whip.patch(location, answerTo(body), undefined, 'application/sdp')).response.status).toBe(415);
    const restarted = await whip.patch(location, fragment('ysXw'), '*');
    expect(restarted.response.status).toBe(200);
    expect((await whip.request(location, 'DELETE')).response.status).toBe(200);
    await client.event('peerClosed');
  });

  test.each([
    ['that is malformed', () => 'v=0\r\n', 400],
    ['of another offer', (offer: string) => answerTo(offer).replace('a=mid:1', 'a=mid:7'), 400],
    ['that sends', (offer: string) => answerTo(offer).replaceAll('recvonly', 'sendrecv'), 400],
    ['that receives nothing', (offer: string) => answerTo(offer).replace(/m=(\w+) 9/g, 'm=$1 0'), 422],
  ])('may answer again after an answer %s', async (_name, answer, status) => {
    await whip.offer('again');
    const { location, body } = await whip.offer('again', { protocol: 'whep', sdp: unfit });
    expect((await whip.patch(location, answer(body), undefined, 'application/sdp')).response.status).toBe(status);
    expect((await whip.patch(location, answerTo(body), undefined, 'application/sdp')).response.status).toBe(204);
  });

  test('may answer when the publisher has gone, and waits for the next one', async () => {
    const publisher = await whip.offer('waiting');
    const { location, body } = await whip.offer('waiting', { protocol: 'whep', sdp: unfit });
    await whip.request(publisher.location, 'DELETE');
    expect((await whip.patch(location, answerTo(body), undefined, 'application/sdp')).response.status).toBe(204);
    expect((await whip.offer('waiting')).response.status).toBe(201);
    expect((await whip.request(location, 'DELETE')).response.status).toBe(200);
  });

  test('watches a broadcast once it is live, and is counted', async () => {
    const { client: host } = await weir.join({ room: 'show', kind: 'broadcast', role: 'host', transports: viewer });
    await whip.offer('show', { query: '?kind=broadcast' });
    const play = () => whip.offer('show', { protocol: 'whep', sdp: player, query: '?kind=broadcast' });
    expect((await play()).response.status).toBe(409);
    await host.request('setBroadcast', { live: true });
    expect((await play()).response.status).toBe(201);
    await expect.poll(() => host.unreadEvents('broadcastChanged').at(-1)?.viewers).toBe(1);
    // Viewers are counted, not announced.
    expect(host.unreadEvents('newPeer').map(({ name }) => name)).toEqual([expect.stringMatching(/^guest-/)]);
  });

  test('is refused where media goes directly, and moves two who do so to the server where it may', async () => {
    await weir.join({ room: 'mesh', policy: 'p2p', direct: true, transports: viewer });
    const refused = await whip.offer('mesh', { protocol: 'whep', sdp: player });
    expect([refused.response.status, refused.response.headers.get('retry-after')]).toEqual([403, null]);

    const joining = { room: 'direct', policy: 'auto', direct: true } as const;
    const publisher = await weir.join({ ...joining, transports: { send: true, recv: false } });
    await publisher.client.request('produce', { source: 'microphone', rtpParameters: opus() });
    const { client } = await weir.join({ ...joining, transports: viewer });
    await client.request('ping', {});
    expect((await publisher.client.event('directPeers')).peers).toHaveLength(1);
    expect((await whip.offer('direct', { protocol: 'whep', sdp: player })).response.status).toBe(201);
    await expect.poll(() => publisher.client.unreadEvents('directPeers').at(-1)?.peers).toEqual([]);
  });

  test('can end a session that it has not answered, and none that it has ended', async () => {
    await whip.offer('unanswered');
    const { location, body } = await whip.offer('unanswered', { protocol: 'whep', sdp: unfit });
    expect((await whip.request(location, 'DELETE')).response.status).toBe(200);
    expect((await whip.patch(location, answerTo(body), undefined, 'application/sdp')).response.status).toBe(404);
  });

  test.each([
    ['that is no SDP', { sdp: 'nothing' }, 400],
    ['of another type', { headers: { 'content-type': 'application/json' } }, 415],
    ['of which nothing can be received', { sdp: player.replaceAll('recvonly', 'inactive') }, 422],
  ])('is refused for an offer that is none: %s', async (_name, offer, status) => {
    await whip.offer('offers');
    const { response, body } = await whip.offer('offers', { protocol: 'whep', sdp: player, ...offer });
    expect([response.status, JSON.parse(body).status]).toEqual([status, status]);
  });

  test.each([
    ['of a type that nobody knows', '{}', 'application/json', 415],
    ['with malformed lines', 'nothing', undefined, 400],
  ])('is refused for a PATCH with a body that is none: %s', async (_name, body, type, status) => {
    await whip.offer('bodies');
    const { location, etag } = await whip.offer('bodies', { protocol: 'whep', sdp: player });
    expect((await whip.patch(location, body, etag, type)).response.status).toBe(status);
  });

  test('plays the address as people write it, without a redirection', async () => {
    await whip.offer('typed');
    const headers = { 'content-type': 'application/sdp' };
    for (const path of ['/whep/typed/', '//whep/typed', '/WHEP/typed']) {
      const response = await fetch(`${weir.url}${path}`, { method: 'POST', body: player, headers, redirect: 'manual' });
      expect([path, response.status]).toEqual([path, 201]);
      await whip.request(response.headers.get('location') ?? '', 'DELETE');
    }
  });

  test('finds a WHEP endpoint by HEAD', async () => {
    for (const method of ['GET', 'HEAD']) {
      const { response, body } = await whip.request('/whep/call', method);
      expect([response.status, response.headers.get('content-type'), body]).toEqual([200, 'application/sdp', '']);
    }
    const options = await whip.request('/whep/call', 'OPTIONS');
    expect([options.response.status, options.response.headers.get('accept-post')]).toEqual([200, 'application/sdp']);
  });
});

describe('with tokens', () => {
  const urls = 'turn:turn.example.com:3478?transport=udp';
  const weir = useServer({
    ...withTokens,
    WEIR_TURN_URLS: urls,
    WEIR_TURN_SECRET: 'a secret that a TURN server shares',
  });
  const whip = useWhip(weir);

  test('a player needs the grant to subscribe, and gets the ICE servers as links', async () => {
    await whip.offer('studio', { token: await weir.token('studio', 'camera') });
    const statusWith = async (token?: string) =>
      (await whip.offer('studio', { protocol: 'whep', sdp: player, token })).response.status;
    expect(await statusWith()).toBe(401);
    expect(await statusWith(await weir.token('studio', 'tv', { canSubscribe: false }))).toBe(403);
    const token = await weir.token('studio', 'tv', { canPublish: false });
    const { response } = await whip.offer('studio', { protocol: 'whep', sdp: player, token });
    expect(response.status).toBe(201);
    expect(response.headers.get('link')).toMatch(
      /^<turn:turn\.example\.com:3478\?transport=udp>; rel="ice-server"; [^<]*$/,
    );
  });
});

describe('in a small room', () => {
  const weir = useServer({ WEIR_MAX_PEERS: '2' });
  const whip = useWhip(weir);

  test('a counter-offer keeps its place until its session has ended', async () => {
    await whip.offer('small');
    const play = () => whip.offer('small', { protocol: 'whep', sdp: unfit });
    const { response, location } = await play();
    expect(response.status).toBe(406);
    const { client } = await weir.join({ room: 'other' });
    await client.request('ping', {});
    expect((await play()).response.status).toBe(503);
    expect((await whip.request(location, 'DELETE')).response.status).toBe(200);
    const next = await play();
    expect(next.response.status).toBe(406);
    // Once it is in the room, it has the place as everybody has.
    const answered = await whip.patch(next.location, answerTo(next.body), undefined, 'application/sdp');
    expect(answered.response.status).toBe(204);
    expect((await play()).response.status).toBe(503);
  });

  test('a room that is not open is not opened for a player', async () => {
    const opening = weir.app.rooms.reserve('nobody', 'player', 'call', { opens: false });
    await expect(opening).rejects.toMatchObject({ code: 'conflict' });
    expect(await weir.app.rooms.find('nobody')).toBeUndefined();
  });
});

describe('limits of a network', () => {
  const weir = useServer();

  test('offers that come too fast are refused, and told when to come again', async () => {
    const headers = { 'content-type': 'application/sdp' };
    const flooded = await flood(new URL('/whep/fast', weir.url), 'POST', 210, 'nothing', headers);
    expect(flooded).toEqual({ statuses: new Set([400, 429]), retryAfter: '5' });
  });
});
