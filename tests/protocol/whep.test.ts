/** Covers WHEP over HTTP (draft-ietf-wish-whep-04): counter-offers, their answers, who is in the room, what is refused. */
import { describe, expect, test } from 'vitest';
import { offerNamed } from '../../scripts/support/sdp/offers.ts';
import { useServer, withTokens } from '../support/weir.ts';
import { answerTo, fragment, useWhip } from '../support/whip.ts';

const player = offerNamed('firefox').replaceAll('a=sendonly', 'a=recvonly');
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
      sdp: player,
      query: '?name=TV',
    });
    expect(response.status).toBe(406);
    expect(response.headers.get('content-type')).toBe('application/sdp');
    expect(location).toMatch(/^\/whep\/sessions\/[\w-]{43}$/);
    expect(body.match(/^a=sendonly\r$/gm)).toHaveLength(2);
    expect(client.unreadEvents('newPeer')).toEqual([]);

    const answered = await whip.patch(location, answerTo(body), undefined, 'application/sdp');
    expect([answered.response.status, answered.body]).toEqual([204, '']);
    expect(await client.event('newPeer')).toMatchObject({ name: 'TV', sources: {} });
    // Once.
    expect((await whip.patch(location, answerTo(body), undefined, 'application/sdp')).response.status).toBe(409);
    expect((await whip.patch(location, fragment('play'), etag)).response.status).toBe(204);
    const restarted = await whip.patch(location, fragment('ysXw'), '*');
    expect(restarted.response.status).toBe(200);
    expect(restarted.etag).not.toBe(etag);
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
    const { location, body } = await whip.offer('again', { protocol: 'whep', sdp: player });
    expect((await whip.patch(location, answer(body), undefined, 'application/sdp')).response.status).toBe(status);
    expect((await whip.patch(location, answerTo(body), undefined, 'application/sdp')).response.status).toBe(204);
  });

  test('cannot answer for a room that has closed', async () => {
    const publisher = await whip.offer('closed');
    const { location, body } = await whip.offer('closed', { protocol: 'whep', sdp: player });
    await whip.request(publisher.location, 'DELETE');
    expect((await whip.patch(location, answerTo(body), undefined, 'application/sdp')).response.status).toBe(503);
    expect((await whip.request(location, 'GET')).response.status).toBe(404);
  });

  test('watches a broadcast once it is live, and is counted', async () => {
    const { client: host } = await weir.join({ room: 'show', kind: 'broadcast', role: 'host', transports: viewer });
    await whip.offer('show', { query: '?kind=broadcast' });
    const play = () => whip.offer('show', { protocol: 'whep', sdp: player, query: '?kind=broadcast' });
    expect((await play()).response.status).toBe(409);
    await host.request('setBroadcast', { live: true });
    const { location, body } = await play();
    await whip.patch(location, answerTo(body), undefined, 'application/sdp');
    await expect.poll(() => host.unreadEvents('broadcastChanged').at(-1)?.viewers).toBe(1);
    // Viewers are counted, not announced.
    expect(host.unreadEvents('newPeer').map(({ name }) => name)).toEqual([expect.stringMatching(/^guest-/)]);
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
  const weir = useServer(withTokens);
  const whip = useWhip(weir);

  test('a player needs the grant to subscribe', async () => {
    await whip.offer('studio', { token: await weir.token('studio', 'camera') });
    const statusWith = async (token?: string) =>
      (await whip.offer('studio', { protocol: 'whep', sdp: player, token })).response.status;
    expect(await statusWith()).toBe(401);
    expect(await statusWith(await weir.token('studio', 'tv', { canSubscribe: false }))).toBe(403);
    expect(await statusWith(await weir.token('studio', 'tv', { canPublish: false }))).toBe(406);
  });
});
