/** Tests of the REST API: each endpoint by what it does to members, its conditions, and what it refuses. */
import { describe, expect, test } from 'vitest';
import { DataMember, type ReceivedMessage } from '../../scripts/support/endpoint/DataMember.ts';
import { type ApiRequest, api, problem } from '../support/api.ts';
import { camera, consumedSources, microphone } from '../support/broadcast.ts';
import { token, useServer, withTokens } from '../support/weir.ts';

const weir = useServer(withTokens, { roomEnded: 0 });
const everything = { roomCreate: true, roomList: true, roomAdmin: true, room: 'room' };
const call = (request: string, { grants = everything, ...options }: ApiRequest = {}) =>
  api(weir.url, request, { grants, ...options });
const create = (body: object) => call('POST /rooms', { body: { name: 'room', emptyTimeout: 60, ...body } });
const closeRoom = async () => expect((await call('DELETE /rooms/room')).status).toBe(204);

describe('a room', () => {
  test('is opened once, described, listed and closed', async () => {
    const created = await create({ metadata: 'lesson', locked: true });
    const room = {
      sid: expect.any(String),
      name: 'room',
      kind: 'call',
      policy: 'sfu',
      openedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      participants: 0,
      publishers: 0,
      settings: {
        metadata: 'lesson',
        locked: true,
        waitingRoom: false,
        maxParticipants: 0,
        emptyTimeout: 60,
        departureTimeout: 20,
      },
    };
    expect(created).toMatchObject({ status: 201, body: room });
    expect(created.headers.get('location')).toBe('/api/v1/rooms/room');
    expect(created.headers.get('cache-control')).toBe('no-store');
    expect(await create({})).toMatchObject(problem(409, 'open already'));
    const read = await call('GET /rooms/Room');
    expect(read.body).toEqual(created.body);
    expect(read.headers.get('etag')).toBe(created.headers.get('etag'));
    expect((await call('GET /rooms')).body).toEqual({ rooms: [created.body] });
    expect((await call('GET /rooms?name=Room&name=other')).body).toEqual({ rooms: [created.body] });
    expect((await call('GET /rooms?name=other')).body).toEqual({ rooms: [] });
    expect((await call('GET /rooms?kind=broadcast')).body).toEqual({ rooms: [] });
    await expect(weir.enter('room', 'ada')).rejects.toMatchObject({ reason: 'locked' });
    await closeRoom();
    expect(await call('GET /rooms/room')).toMatchObject(problem(404, 'There is no open call of that name.'));
    expect(await call('DELETE /rooms/room')).toMatchObject(problem(404, 'no open call'));
  });

  test('that a join has opened has the defaults', async () => {
    await weir.enter('room', 'ada');
    const { body } = await call('GET /rooms/room');
    expect(body).toMatchObject({ participants: 1, settings: { emptyTimeout: 0, departureTimeout: 0, locked: false } });
  });

  test('has settings that take effect when they are changed', async () => {
    await create({});
    expect((await call('PATCH /rooms/room', { body: { maxParticipants: 1 } })).status).toBe(200);
    const ada = await weir.enter('room', 'ada');
    await expect(weir.enter('room', 'bob')).rejects.toMatchObject({ code: 'roomFull' });
    expect((await call('PATCH /rooms/room', { body: {} })).body).toMatchObject({ settings: { maxParticipants: 1 } });
    expect((await call('PATCH /rooms/room', { body: { departureTimeout: 0 } })).status).toBe(200);
    ada.client.cut();
    await expect.poll(async () => (await call('GET /rooms/room')).status).toBe(404);
  });

  test('is changed on condition that nobody else has changed it', async () => {
    const tag = (await create({})).headers.get('etag') ?? '';
    expect(tag).toMatch(/^"[\w-]{22}"$/);
    await weir.enter('room', 'ada');
    const patch = (ifMatch: string, metadata: string) =>
      call('PATCH /rooms/room', { headers: { 'if-match': ifMatch }, body: { metadata } });
    // Somebody has joined, which is no change of what can be changed.
    const first = await patch(tag, 'first');
    expect(first).toMatchObject({ status: 200, body: { participants: 1, settings: { metadata: 'first' } } });
    const changed = first.headers.get('etag') ?? '';
    expect(changed).not.toBe(tag);
    const late = await patch(tag, 'late');
    expect(late).toMatchObject(problem(412, 'read it again'));
    expect(late.headers.get('etag')).toBe(changed);
    expect(await patch(`W/${changed}`, 'weak')).toMatchObject({ status: 412 });
    expect((await call('GET /rooms/room')).body).toMatchObject({ settings: { metadata: 'first' } });
    expect(await patch(`"other", ${changed}`, 'second')).toMatchObject({ status: 200 });
    expect(await patch('*', 'third')).toMatchObject({ status: 200, body: { settings: { metadata: 'third' } } });
    // The same room, opened anew, is another state.
    await closeRoom();
    await create({});
    expect(await patch(tag, 'again')).toMatchObject({ status: 412 });
    await closeRoom();
  });

  test('lets those in who wait, or turns them away', async () => {
    await create({ waitingRoom: true });
    const arrive = async (identity: string) => {
      const client = await weir.connect();
      const joining = client.join({ room: 'room', token: await token('room', identity) });
      await client.event('waiting');
      return { client, joining };
    };
    const [ada, bob, cat] = [await arrive('ada'), await arrive('bob'), await arrive('cat')];
    const { body } = await call('GET /rooms/room/waiting');
    const waiting = { id: expect.any(String), name: expect.any(String), seconds: expect.any(Number) };
    const identities = ['ada', 'bob', 'cat'];
    expect(body).toEqual({ total: 3, first: identities.map((identity) => ({ ...waiting, identity })) });
    const room = await weir.app.rooms.find('room');
    const id = room?.waitingRoom.list.first[0]?.id ?? '';
    const decide = (decision: object) => call('PATCH /rooms/room/waiting', { body: decision });
    expect(await decide({ id, admit: true })).toMatchObject({ status: 200, body: { count: 1 } });
    expect((await ada.joining).identity).toBe('ada');
    expect(await decide({ id, admit: true })).toMatchObject(problem(404, 'Nobody of that id'));
    const refused = Promise.allSettled([bob.joining, cat.joining]);
    expect((await decide({ admit: false })).body).toEqual({ count: 2 });
    for (const one of await refused) expect(one).toMatchObject({ reason: { reason: 'denied' } });
    expect((await call('GET /rooms/room/waiting')).body).toEqual({ total: 0, first: [] });
    await closeRoom();
  });

  test('can be a broadcast, which is taken on air', async () => {
    const show = { grants: { ...everything, room: 'show', broadcast: true } };
    const body = { name: 'show', kind: 'broadcast' };
    const created = await call('POST /rooms', { ...show, body });
    expect(created.headers.get('location')).toBe('/api/v1/rooms/show?kind=broadcast');
    expect(created.body).toMatchObject({ kind: 'broadcast', broadcast: { state: 'before' } });
    const viewer = await weir.enter('show', 'vic', { broadcast: true, canPublish: false });
    const live = await call('PATCH /rooms/show/broadcast', { ...show, body: { live: true, profile: 'smooth' } });
    expect(live).toMatchObject({ status: 200, body: { state: 'live', profile: 'smooth', viewers: 1 } });
    await viewer.client.event('broadcastChanged', ({ state }) => state === 'live');
    expect(await call('GET /rooms/show', { grants: { ...everything, room: 'show' } })).toMatchObject({ status: 404 });
    expect(await call('DELETE /rooms/show?kind=broadcast', show)).toMatchObject({ status: 204 });
    await viewer.client.closed;
  });
});

describe('a participant', () => {
  test('is described, changed on condition, and removed', async () => {
    const ada = await weir.enter('room', 'ada', {}, {}, undefined);
    const bob = await weir.enter('room', 'bob');
    await ada.client.request('produce', camera);
    const read = await call('GET /rooms/room/participants/ada');
    expect(read.body).toEqual({
      sid: ada.reply.peerId,
      identity: 'ada',
      name: 'ada',
      metadata: '',
      joinedAt: expect.any(String),
      away: false,
      hand: false,
      grants: ada.reply.grants,
      tracks: [expect.objectContaining({ source: 'camera', kind: 'video', muted: false, mimeType: 'video/VP8' })],
    });
    const { body } = await call('GET /rooms/room/participants');
    expect(body).toEqual({ participants: [read.body, expect.objectContaining({ identity: 'bob' })] });
    const headers = { 'if-match': read.headers.get('etag') ?? '' };
    const patch = (change: object) => call('PATCH /rooms/room/participants/ada', { headers, body: change });
    expect(await patch({ name: ' Ada  L. ', metadata: 'm', grants: { roomAdmin: true } })).toMatchObject({
      status: 200,
      body: { name: 'Ada L.', metadata: 'm', grants: { ...ada.reply.grants, roomAdmin: true } },
    });
    expect(await bob.client.event('peerInfo')).toEqual({ peerId: ada.reply.peerId, name: 'Ada L.', metadata: 'm' });
    expect(await patch({ name: 'Other' })).toMatchObject({ status: 412 });
    await ada.client.request('kick', { peerId: bob.reply.peerId });
    const cleared = await call('PATCH /rooms/room/participants/ada', {
      body: { metadata: '', grants: { canPublish: false } },
    });
    expect(cleared.body).toMatchObject({ name: 'Ada L.', metadata: '', tracks: [] });
    expect((await call('DELETE /rooms/room/participants/ada')).status).toBe(204);
    expect(await ada.client.closed).toMatchObject({ reason: 'kicked' });
    expect(await call('DELETE /rooms/room/participants/ada')).toMatchObject({ status: 404 });
  });

  test('may have any identity', async () => {
    const identity = 'a/b?c#d %2F é';
    await weir.enter('room', identity);
    const { body } = await call(`GET /rooms/room/participants/${encodeURIComponent(identity)}`);
    expect(body).toMatchObject({ identity });
  });

  test('is muted, and is kept from receiving a track', async () => {
    const ada = await weir.enter('room', 'ada');
    const bob = await weir.enter('room', 'bob');
    const { producerId } = await ada.client.request('produce', camera);
    await expect.poll(() => consumedSources(bob)).toEqual(['camera']);
    const address = `/rooms/room/participants/ada/tracks/${producerId}`;
    expect((await call(`PATCH ${address}`, { body: { muted: true } })).body).toMatchObject({
      sid: producerId,
      muted: true,
    });
    expect(await ada.client.event('sourceMuted')).toMatchObject({ source: 'camera' });
    expect(await call(`PATCH ${address}`, { body: { muted: false } })).toMatchObject({ status: 400 });
    expect(await call('PATCH /rooms/room/participants/bob/tracks/x', { body: { muted: true } })).toMatchObject({
      status: 404,
    });
    const subscriptions = '/rooms/room/participants/bob/subscriptions';
    const change = (subscribed: boolean) =>
      call(`PATCH ${subscriptions}`, { body: { tracks: [producerId], subscribed } });
    expect((await change(false)).status).toBe(204);
    await expect.poll(() => consumedSources(bob)).toEqual([]);
    expect((await change(true)).status).toBe(204);
    await expect.poll(() => consumedSources(bob)).toEqual(['camera']);
    // It is decided for as long as both are there, also when all is subscribed to anew.
    expect((await change(false)).status).toBe(204);
    await ada.client.request('produce', microphone);
    await expect.poll(() => consumedSources(bob)).toEqual(['microphone']);
    for (const canSubscribe of [false, true]) {
      await call('PATCH /rooms/room/participants/bob', { body: { grants: { canSubscribe } } });
    }
    const sent = () => bob.client.unreadEvents('newConsumers').flatMap(({ consumers }) => consumers);
    const before = sent().length;
    await bob.client.request('openTransport', { direction: 'recv' });
    const again = () => sent().slice(before);
    await expect.poll(() => again().map(({ source }) => source)).toEqual(['microphone']);
    expect(
      await call('PATCH /rooms/room/participants/ada/subscriptions', {
        body: { tracks: [producerId], subscribed: false },
      }),
    ).toMatchObject({ status: 422 });
  });
});

test.each([
  ['auto', problem(409, 'directly')],
  ['p2p', problem(422, 'cannot be changed')],
] as const)('media that does not pass through the server (%s) is not withheld by it', async (policy, refusal) => {
  const ada = await weir.enter('room', 'ada', { policy }, { direct: true });
  await weir.enter('room', 'bob', { policy }, { direct: true });
  await ada.client.event('directPeers', ({ peers }) => peers.length > 0);
  const track = policy === 'p2p' ? { source: 'camera' as const } : camera;
  const { producerId } = await ada.client.request('produce', track);
  const body = { tracks: [producerId], subscribed: false };
  expect(await call('PATCH /rooms/room/participants/bob/subscriptions', { body })).toMatchObject(refusal);
});

test('data reaches those who may receive, and the reply has their number', async () => {
  const received: ReceivedMessage[] = [];
  const member = await DataMember.join({
    url: weir.url,
    room: 'room',
    name: 'ada',
    token: await token('room', 'ada'),
    onMessage: (message) => received.push(message),
  });
  await weir.enter('room', 'deaf', { canSubscribe: false });
  const send = (body: object) => call('POST /rooms/room/data', { body });
  const data = Buffer.from('hello').toString('base64');
  expect((await send({ topic: 'news', data })).body).toEqual({ receivers: 1 });
  expect((await send({ data, identities: ['ada', 'deaf', 'nobody'] })).body).toEqual({ receivers: 1 });
  expect((await send({ data, identities: ['nobody'] })).body).toEqual({ receivers: 0 });
  expect((await send({ data, identities: [] })).body).toEqual({ receivers: 0 });
  await expect.poll(() => received.map(({ topic }) => topic)).toEqual(['news', '']);
  expect(received[0]?.data.toString()).toBe('hello');
  for (const wrong of ['no base64!', Buffer.alloc(65_537).toString('base64')]) {
    expect(await send({ data: wrong })).toMatchObject({ status: 400 });
  }
  member.leave();
});

describe('what is refused', () => {
  test.each([
    ['POST /rooms', {}, '"name" is missing.'],
    ['POST /rooms', { name: 'a/b' }, 'A room name'],
    ['POST /rooms', { name: 'a', kind: 'diagnosis' }, '"kind"'],
    ['POST /rooms', { name: 'a', nonsense: 1 }, 'unknown field "nonsense"'],
    ['POST /rooms', { name: 'a', emptyTimeout: -1 }, '"emptyTimeout"'],
    ['POST /rooms', [], 'The body is not an object.'],
    ['POST /rooms?room=x', { name: 'a' }, 'unknown field "room"'],
    ['PATCH /rooms/room', { kind: 'broadcast' }, 'unknown field "kind"'],
    ['PATCH /rooms/room', { metadata: 'x'.repeat(16_385) }, '"metadata" is more than 16384'],
    ['PATCH /rooms/room', { metadata: '\ud800' }, '"metadata"'],
    ['PATCH /rooms/room', { locked: 'yes' }, '"locked" is not a boolean.'],
    ['PATCH /rooms/room?room=other', {}, 'twice'],
    ['PATCH /rooms/room/participants/ada', { grants: { hidden: true } }, 'unknown field "hidden"'],
    ['PATCH /rooms/room/participants/ada', { name: '\u200b' }, 'A name needs a visible'],
    ['PATCH /rooms/room/participants/ada/subscriptions', { tracks: [], subscribed: true }, '"tracks"'],
    ['PATCH /rooms/room/broadcast', { live: 1 }, '"live"'],
    ['POST /rooms', '{"name": "a"', 'JSON'],
    ['POST /rooms', '{"name": "a", "__proto__": {"metadata": "x"}}', 'malformed'],
    ['GET /rooms?name=a%2Fb', undefined, 'A room name'],
    ['GET /rooms?sort=name', undefined, 'unknown field "sort"'],
  ])('%s with %j', async (request, body, detail) => {
    expect(await call(request, { body })).toMatchObject(problem(400, detail));
    expect((await call('GET /rooms')).body).toEqual({ rooms: [] });
  });

  test('bodies that are too large, or no JSON', async () => {
    const body = { name: 'a', metadata: 'x'.repeat(140_000) };
    expect(await call('POST /rooms', { body })).toMatchObject(problem(413, 'too large'));
    const headers = { 'content-type': 'text/plain' };
    expect(await call('POST /rooms', { headers, body: 'name=a' })).toMatchObject(problem(415, 'application/json'));
    expect(await call('POST /rooms')).toMatchObject(problem(400, 'The body'));
    expect(await call('DELETE /rooms/room', { body: { name: 'a' } })).toMatchObject({ status: 400 });
  });

  test('addresses and methods that there are not', async () => {
    for (const [request, status, allow] of [
      ['GET /nonsense', 404, null],
      ['PUT /rooms/room', 405, 'GET, HEAD, PATCH, DELETE'],
      ['DELETE /rooms', 405, 'GET, HEAD, POST'],
      ['GET /rooms/room/data', 405, 'POST'],
    ] as const) {
      const { status: answered, headers } = await call(request);
      expect([answered, headers.get('allow')], request).toEqual([status, allow]);
      expect(headers.get('content-type')).toContain('application/problem+json');
    }
  });
});
