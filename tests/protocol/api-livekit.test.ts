/** Tests of LiveKit's RoomService: its own SDK, unchanged, against a running server, each method by what it does to members. */
import {
  CreateRoomRequest,
  ListRoomsRequest,
  ListRoomsResponse,
  Room as LiveKitRoom,
  TrackSource,
  TrackType,
} from '@livekit/protocol';
import { AccessToken, DataPacket_Kind, RoomServiceClient } from 'livekit-server-sdk';
import { describe, expect, test } from 'vitest';
import { DataMember, type ReceivedMessage } from '../../scripts/support/endpoint/DataMember.ts';
import { camera, consumedSources, microphone } from '../support/broadcast.ts';
import { apiKey, apiSecret, type Joined, token, useServer, withTokens } from '../support/weir.ts';

const weir = useServer(withTokens, { roomEnded: 0 });
const service = () => new RoomServiceClient(weir.url, apiKey, apiSecret);
const twirpError = (code: string, status: number) => ({ code, status });

/** Two who publish nothing yet, and the room, which closes when they have left. */
async function call() {
  const ada = await weir.enter('room', 'ada');
  const bob = await weir.enter('room', 'bob');
  return { ada, bob };
}

const sidOf = async ({ reply }: Joined, source: TrackSource) => {
  const { tracks } = await service().getParticipant('room', reply.identity);
  const sid = tracks.find((track) => track.source === source)?.sid;
  if (!sid) throw new Error('There is no such track.');
  return sid;
};

describe('rooms', () => {
  test('are created with their settings, listed, changed and deleted', async () => {
    const created = await service().createRoom({
      name: 'Room',
      emptyTimeout: 60,
      departureTimeout: 5,
      maxParticipants: 1,
      metadata: 'lesson',
    });
    expect(created).toMatchObject({ name: 'room', emptyTimeout: 60, departureTimeout: 5, maxParticipants: 1 });
    expect(created.metadata).toBe('lesson');
    expect(Math.abs(Number(created.creationTimeMs) - Date.now())).toBeLessThan(60_000);
    const ada = await weir.enter('room', 'ada');
    await expect(weir.enter('room', 'bob')).rejects.toMatchObject({ code: 'roomFull' });
    const [listed] = await service().listRooms(['room']);
    expect(listed).toMatchObject({ sid: created.sid, numParticipants: 1, numPublishers: 0 });
    await ada.client.request('produce', camera);
    expect((await service().listRooms())[0]?.numPublishers).toBe(1);
    expect(await service().listRooms(['other'])).toEqual([]);

    const updated = await service().updateRoomMetadata('room', 'new');
    expect(updated).toMatchObject({ sid: created.sid, metadata: 'new', maxParticipants: 1 });
    // As LiveKit does: it is the same room, with what is set this time.
    const again = await service().createRoom({ name: 'room', maxParticipants: 2 });
    expect(again).toMatchObject({ sid: created.sid, metadata: 'new', maxParticipants: 2, emptyTimeout: 60 });

    await service().deleteRoom('room');
    await ada.client.closed;
    expect(await service().listRooms()).toEqual([]);
    await expect(service().deleteRoom('room')).rejects.toMatchObject(twirpError('not_found', 404));
    await expect(service().updateRoomMetadata('room', 'new')).rejects.toMatchObject(twirpError('not_found', 404));
  });

  test('that are broadcasts have names of their own', async () => {
    await service().createRoom({ name: 'broadcast/show' });
    const viewer = await weir.enter('show', 'vic', { broadcast: true, canPublish: false });
    expect(viewer.reply.broadcast?.state).toBe('before');
    expect((await service().listRooms()).map(({ name }) => name)).toEqual(['broadcast/show']);
    const [vic] = await service().listParticipants('broadcast/show');
    expect(vic).toMatchObject({ identity: 'vic', permission: { canPublish: false, hidden: true } });
    await expect(service().listParticipants('show')).rejects.toMatchObject(twirpError('not_found', 404));
    await service().deleteRoom('broadcast/show');
    await viewer.client.closed;
  });

  test('are kept for five minutes where nothing else is asked for', async () => {
    expect(await service().createRoom({ name: 'kept' })).toMatchObject({ emptyTimeout: 300, departureTimeout: 20 });
    await service().deleteRoom('kept');
  });

  test.each(['', 'a/b', '..', 'broadcast/', 'x'.repeat(500)])('cannot be named %j', async (name) => {
    await expect(service().createRoom({ name })).rejects.toMatchObject(twirpError('invalid_argument', 400));
    await expect(service().listParticipants(name)).rejects.toMatchObject(twirpError('invalid_argument', 400));
  });

  test('have settings within limits', async () => {
    const creating = service().createRoom({ name: 'room', emptyTimeout: 4_000_000_000 });
    await expect(creating).rejects.toMatchObject(twirpError('invalid_argument', 400));
    expect(await service().listRooms()).toEqual([]);
  });
});

describe('participants', () => {
  test('are described with what they publish and may do', async () => {
    const { ada } = await call();
    await ada.client.request('produce', camera);
    await ada.client.request('produce', microphone);
    const participants = await service().listParticipants('room');
    expect(participants.map(({ identity }) => identity)).toEqual(['ada', 'bob']);
    const described = await service().getParticipant('room', 'ada');
    expect(described).toEqual(participants[0]);
    expect(described).toMatchObject({ sid: ada.reply.peerId, name: 'ada', isPublisher: true });
    expect(described.permission).toMatchObject({ canPublish: true, canSubscribe: true, hidden: false });
    const byType = Object.fromEntries(described.tracks.map((track) => [track.type, track]));
    expect(byType[TrackType.VIDEO]).toMatchObject({ source: TrackSource.CAMERA, mimeType: 'video/VP8', muted: false });
    expect(byType[TrackType.AUDIO]).toMatchObject({ source: TrackSource.MICROPHONE, mimeType: 'audio/opus' });
    expect(participants[1]).toMatchObject({ isPublisher: false, tracks: [] });
    await expect(service().getParticipant('room', 'cat')).rejects.toMatchObject(twirpError('not_found', 404));
    await expect(service().getParticipant('other', 'ada')).rejects.toMatchObject(twirpError('not_found', 404));
  });

  test('are removed; the token that they have does not open the room again', async () => {
    const { bob } = await call();
    const jwt = await token('room', 'cat');
    const cat = await weir.connect();
    await cat.join({ room: 'room', token: jwt });
    await service().removeParticipant('room', 'cat');
    expect(await cat.closed).toMatchObject({ reason: 'kicked' });
    await bob.client.event('peerClosed');
    const back = await weir.connect();
    await expect(back.join({ room: 'room', token: jwt })).rejects.toMatchObject({ reason: 'removed' });
    await expect(service().removeParticipant('room', 'cat')).rejects.toMatchObject(twirpError('not_found', 404));
  });

  test('get another name, other metadata and other permissions, of which everybody is notified', async () => {
    const { ada, bob } = await call();
    await ada.client.request('produce', camera);
    const updated = await service().updateParticipant('room', 'ada', {
      name: 'Ada L.',
      metadata: '{"role":"teacher"}',
      permission: { canPublish: true, canPublishSources: [TrackSource.MICROPHONE], canSubscribe: true },
    });
    expect(updated).toMatchObject({ name: 'Ada L.', metadata: '{"role":"teacher"}', tracks: [] });
    expect(updated.permission).toMatchObject({ canPublish: true, canPublishData: false });
    const info = { peerId: ada.reply.peerId, name: 'Ada L.', metadata: '{"role":"teacher"}' };
    for (const { client } of [ada, bob]) expect(await client.event('peerInfo')).toEqual(info);
    expect((await ada.client.event('grantsChanged')).grants).toMatchObject({
      canPublishSources: ['microphone'],
      canPublishData: false,
    });
    await expect.poll(() => consumedSources(bob)).toEqual([]);
    const cat = await weir.enter('room', 'cat');
    expect(cat.reply.peers).toContainEqual(expect.objectContaining(info));
    // What is not named stays as it is.
    expect(await service().updateParticipant('room', 'ada', { metadata: 'x' })).toMatchObject({
      name: 'Ada L.',
      permission: updated.permission,
    });
    const attributes = service().updateParticipant('room', 'ada', { attributes: { a: 'b' } });
    await expect(attributes).rejects.toMatchObject(twirpError('invalid_argument', 400));
    const invisible = service().updateParticipant('room', 'ada', { name: '\u200b' });
    await expect(invisible).rejects.toMatchObject(twirpError('invalid_argument', 400));
  });
});

describe('tracks', () => {
  test('are muted at the server, and by nobody else unmuted', async () => {
    const { ada, bob } = await call();
    await ada.client.request('produce', microphone);
    const sid = await sidOf(ada, TrackSource.MICROPHONE);
    expect(await service().mutePublishedTrack('room', 'ada', sid, true)).toMatchObject({ sid, muted: true });
    expect(await ada.client.event('sourceMuted')).toMatchObject({ source: 'microphone' });
    const isPaused = ({ sources }: { sources: object }) => 'microphone' in sources && sources.microphone === 'paused';
    await bob.client.event('peerSources', isPaused);
    const unmuting = service().mutePublishedTrack('room', 'ada', sid, false);
    await expect(unmuting).rejects.toMatchObject(twirpError('failed_precondition', 412));
    expect((await service().getParticipant('room', 'ada')).tracks[0]?.muted).toBe(true);
    await ada.client.request('resumeProducer', { source: 'microphone' });
    expect((await service().getParticipant('room', 'ada')).tracks[0]?.muted).toBe(false);
    for (const [identity, other] of [
      ['ada', 'unknown'],
      ['bob', sid],
    ] as const) {
      const muting = service().mutePublishedTrack('room', identity, other, true);
      await expect(muting).rejects.toMatchObject(twirpError('not_found', 404));
    }
  });

  test('are kept from a participant, and sent to it again, one by one', async () => {
    const { ada, bob } = await call();
    const cat = await weir.enter('room', 'cat');
    for (const track of [camera, microphone]) await ada.client.request('produce', track);
    for (const one of [bob, cat]) await expect.poll(() => consumedSources(one)).toEqual(['camera', 'microphone']);
    const video = await sidOf(ada, TrackSource.CAMERA);
    const audio = await sidOf(ada, TrackSource.MICROPHONE);
    await service().updateSubscriptions('room', 'bob', [video], false);
    await expect.poll(() => consumedSources(bob)).toEqual(['microphone']);
    // What its client says of how it shows the video does not bring it back.
    const settings = { peerId: ada.reply.peerId, source: 'camera' as const, width: 640, height: 360 };
    await bob.client.request('updateTrackSettings', { tracks: [settings] });
    await service().updateSubscriptions('room', 'bob', [audio], false);
    await expect.poll(() => consumedSources(bob)).toEqual([]);
    await service().updateSubscriptions('room', 'bob', [video, audio], true);
    await expect.poll(() => consumedSources(bob)).toEqual(['camera', 'microphone']);
    expect(consumedSources(cat)).toEqual(['camera', 'microphone']);
    expect(cat.client.unreadEvents('consumersClosed')).toEqual([]);

    const unknown = service().updateSubscriptions('room', 'bob', [video, 'unknown'], false);
    await expect(unknown).rejects.toMatchObject(twirpError('not_found', 404));
    const own = service().updateSubscriptions('room', 'ada', [video], false);
    await expect(own).rejects.toMatchObject(twirpError('failed_precondition', 412));
    expect(consumedSources(bob)).toEqual(['camera', 'microphone']);
  });

  test('of a microphone in a room with audio slots cannot be kept from anybody', async () => {
    const members = await Promise.all(Array.from({ length: 8 }, (_, index) => weir.enter('room', `member-${index}`)));
    for (const { client } of members) await client.request('produce', microphone);
    const [first, second] = members;
    if (!first || !second) throw new Error('unreachable');
    const sid = await sidOf(first, TrackSource.MICROPHONE);
    const updating = service().updateSubscriptions('room', second.reply.identity, [sid], false);
    await expect(updating).rejects.toMatchObject(twirpError('failed_precondition', 412));
  });
});

describe('data', () => {
  const enter = async (identity: string) => {
    const received: ReceivedMessage[] = [];
    const member = await DataMember.join({
      url: weir.url,
      room: 'room',
      name: identity,
      token: await token('room', identity),
      onMessage: (message) => received.push(message),
    });
    return { member, received };
  };

  test('reaches everybody, or those who are named by identity or sid, with its topic and from nobody', async () => {
    const [ada, bob] = [await enter('ada'), await enter('bob')];
    const bytes = (text: string) => new TextEncoder().encode(text);
    await service().sendData('room', bytes('all'), DataPacket_Kind.RELIABLE, { topic: 'news' });
    const message = { channel: 'reliable', from: undefined, topic: 'news', data: Buffer.from('all') };
    for (const { received } of [ada, bob]) await expect.poll(() => received).toMatchObject([message]);
    const sid = bob.member.peerId;
    await service().sendData('room', bytes('bob'), DataPacket_Kind.RELIABLE, { destinationIdentities: ['bob', 'cat'] });
    await service().sendData('room', bytes('sid'), DataPacket_Kind.RELIABLE, { destinationSids: [sid] });
    await service().sendData('room', bytes('end'), DataPacket_Kind.RELIABLE, {});
    const texts = ({ received }: { received: ReceivedMessage[] }) =>
      received.map(({ data }) => new TextDecoder().decode(data));
    await expect.poll(() => texts(bob)).toEqual(['all', 'bob', 'sid', 'end']);
    await expect.poll(() => texts(ada)).toEqual(['all', 'end']);
    await service().sendData('room', bytes('lossy'), DataPacket_Kind.LOSSY, {});
    await expect.poll(() => ada.received.at(-1)?.channel).toBe('lossy');
    await service().sendData('room', new Uint8Array(65_536), DataPacket_Kind.RELIABLE, {});
    await expect.poll(() => ada.received.at(-1)?.data.length).toBe(65_536);
    for (const { member } of [ada, bob]) member.leave();
  });

  test('is refused where it exceeds the limits of data messages, or nobody could receive it', async () => {
    await call();
    const send = (data: Uint8Array, topic = '') =>
      service().sendData('room', data, DataPacket_Kind.RELIABLE, { topic });
    await expect(send(new Uint8Array(65_537))).rejects.toMatchObject(twirpError('invalid_argument', 400));
    await expect(send(new Uint8Array(200_000))).rejects.toMatchObject(twirpError('resource_exhausted', 429));
    await expect(send(new Uint8Array(1), 'x'.repeat(65))).rejects.toMatchObject(twirpError('invalid_argument', 400));
    const elsewhere = service().sendData('other', new Uint8Array(1), DataPacket_Kind.RELIABLE, {});
    await expect(elsewhere).rejects.toMatchObject(twirpError('not_found', 404));
  });
});

describe('Twirp', () => {
  const bearer = async (video: object) => {
    const at = new AccessToken(apiKey, apiSecret);
    at.addGrant(video);
    return { authorization: `Bearer ${await at.toJwt()}` };
  };
  const post = async (method: string, headers: Record<string, string>, body: BodyInit) =>
    fetch(`${weir.url}/twirp/livekit.RoomService/${method}`, { method: 'POST', headers, body });
  const errorOf = async (response: Response) => {
    expect(response.headers.get('content-type')).toBe('application/json');
    const body: unknown = await response.json();
    expect(body).toEqual({ code: expect.any(String), msg: expect.stringMatching(/\.$/) });
    return [response.status, body];
  };

  test('speaks protobuf as well', async () => {
    const headers = { ...(await bearer({ roomCreate: true, roomList: true })), 'content-type': 'application/protobuf' };
    const body = new CreateRoomRequest({ name: 'binary', metadata: 'Ünïcode' }).toBinary();
    const created = await post('CreateRoom', headers, new Uint8Array(body));
    expect(created.headers.get('content-type')).toBe('application/protobuf');
    const room = LiveKitRoom.fromBinary(new Uint8Array(await created.arrayBuffer()));
    expect(room).toMatchObject({ name: 'binary', metadata: 'Ünïcode', emptyTimeout: 300 });
    const listed = await post('ListRooms', headers, new Uint8Array(new ListRoomsRequest().toBinary()));
    const { rooms } = ListRoomsResponse.fromBinary(new Uint8Array(await listed.arrayBuffer()));
    expect(rooms).toEqual([room]);
    await service().deleteRoom('binary');
  });

  test('writes JSON as LiveKit does: names of the protobuf, and fields that are not set', async () => {
    const headers = { ...(await bearer({ roomCreate: true })), 'content-type': 'application/json' };
    const response = await post(
      'CreateRoom',
      headers,
      JSON.stringify({ name: 'json', empty_timeout: 7, new_field: 1 }),
    );
    expect(await response.json()).toMatchObject({ name: 'json', empty_timeout: 7, num_participants: 0, metadata: '' });
    await service().deleteRoom('json');
  });

  test.each([
    ['malformed JSON', 'ListRooms', 'application/json', '{', 400, 'malformed'],
    ['JSON of another type', 'ListRooms', 'application/json', '{"names":1}', 400, 'malformed'],
    ['a list', 'ListRooms', 'application/json', '[]', 400, 'malformed'],
    ['malformed protobuf', 'ListRooms', 'application/protobuf', '\u00ff\u00ff\u00ff', 400, 'malformed'],
    ['another type of body', 'ListRooms', 'text/plain', 'hello', 404, 'bad_route'],
    ['an unknown method', 'Nonsense', 'application/json', '{}', 404, 'bad_route'],
    ['a name of an object', '__proto__', 'application/json', '{}', 404, 'bad_route'],
    ['a method that Weir does not have', 'MoveParticipant', 'application/json', '{}', 501, 'unimplemented'],
  ])('refuses %s', async (_what, method, type, body, status, code) => {
    const headers = { ...(await bearer({ roomList: true })), 'content-type': type };
    expect(await errorOf(await post(method, headers, body))).toEqual([status, expect.objectContaining({ code })]);
  });

  test('refuses requests without a body', async () => {
    const url = `${weir.url}/twirp/livekit.RoomService/ListRooms`;
    const response = await fetch(url, { method: 'POST', headers: await bearer({ roomList: true }) });
    expect(await errorOf(response)).toEqual([400, expect.objectContaining({ code: 'malformed' })]);
  });
});
