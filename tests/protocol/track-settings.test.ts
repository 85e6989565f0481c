/** Tests of track settings, unsupported codecs, layer demand for publishers, and admission to a full server. */
import { describe, expect, test } from 'vitest';
import { opus, vp8 } from '../../scripts/support/media/clientParameters.ts';
import type { TestClient } from '../support/client.ts';
import { failure, useServer } from '../support/weir.ts';

const weir = useServer({ WEIR_MAX_AUDIBLE_SPEAKERS: '1' }, { layerLinger: { fresh: 300 } });
const view = { source: 'camera', width: 320, height: 180 } as const;

const h264 = {
  ...vp8(),
  codecs: [
    {
      mimeType: 'video/H264',
      payloadType: 102,
      clockRate: 90_000,
      parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
      rtcpFeedback: [],
    },
  ],
  encodings: [{ ssrc: 4444 }],
};

describe('updateTrackSettings', () => {
  test('ignores peers that do not exist, and applies the others', async () => {
    const ada = await weir.join({ room: 'room' });
    const { client } = await weir.join({ room: 'room' });
    await ada.client.request('produce', { source: 'camera', rtpParameters: vp8() });
    const tracks = [
      { ...view, peerId: 'nobody' },
      { ...view, peerId: ada.reply.peerId, width: 0, height: 0 },
    ];
    expect(await client.request('updateTrackSettings', { tracks })).toEqual({});
    expect(await ada.client.event('subscribedLayers')).toEqual({ source: 'camera', maxSpatialLayer: -1 });
  });

  test.each([
    ['no views', { tracks: [] }],
    ['too many', { tracks: Array.from({ length: 257 }, (_, index) => ({ ...view, peerId: `p${index}` })) }],
    ['a sound', { tracks: [{ ...view, peerId: 'p', source: 'microphone' }] }],
    ['a negative size', { tracks: [{ ...view, peerId: 'p', width: -1 }] }],
    ['half a pixel', { tracks: [{ ...view, peerId: 'p', height: 0.5 }] }],
    ['a size beyond any screen', { tracks: [{ ...view, peerId: 'p', width: 16_385 }] }],
    ['an unknown priority', { tracks: [{ ...view, peerId: 'p', priority: 'urgent' }] }],
    ['an unknown field', { tracks: [{ ...view, peerId: 'p', zoom: 2 }] }],
  ])('with %s is rejected', async (_, data) => {
    const { client } = await weir.join({ room: 'room' });
    expect(await client.requestRaw('updateTrackSettings', data)).toMatchObject({ error: { code: 'badRequest' } });
    expect(client.open).toBe(true);
  });

  test('before join is rejected', async () => {
    const client = await weir.connect();
    await expect(client.request('updateTrackSettings', { tracks: [{ ...view, peerId: 'p' }] })).rejects.toMatchObject(
      failure('notJoined'),
    );
  });

  test('that hides a peer before it publishes: no consumer of its camera, but one of its microphone', async () => {
    const ada = await weir.join({ room: 'room' });
    const bob = await weir.join({ room: 'room' });
    await bob.client.request('updateTrackSettings', { tracks: [{ ...view, peerId: ada.reply.peerId, width: 0 }] });
    await ada.client.request('produce', { source: 'camera', rtpParameters: vp8() });
    await ada.client.request('produce', { source: 'microphone', rtpParameters: opus() });
    const { consumers } = await bob.client.event('newConsumers');
    expect(consumers.map(({ source }) => source)).toEqual(['microphone']);
    await bob.client.request('updateTrackSettings', { tracks: [{ ...view, peerId: ada.reply.peerId }] });
    const later = await bob.client.event('newConsumers');
    expect(later.consumers.map(({ source, peerId }) => [source, peerId])).toEqual([['camera', ada.reply.peerId]]);
  });
});

describe('a publisher', () => {
  test('is notified when nobody watches, and when somebody does again', async () => {
    const ada = await weir.join({ room: 'room' });
    await ada.client.request('produce', { source: 'camera', rtpParameters: vp8() });
    expect(await ada.client.event('subscribedLayers')).toEqual({ source: 'camera', maxSpatialLayer: -1 });
    await weir.join({ room: 'room' });
    expect(await ada.client.event('subscribedLayers')).toEqual({ source: 'camera', maxSpatialLayer: 0 });
  });

  test('is sent the displayed layers within two seconds, whoever speaks meanwhile', async () => {
    const ada = await weir.join({ room: 'room' });
    const viewers = [await weir.join({ room: 'room' }), await weir.join({ room: 'room' })];
    const began = performance.now();
    const encodings = [{ ssrc: 1001 }, { ssrc: 1002 }, { ssrc: 1003 }];
    await ada.client.request('produce', { source: 'camera', rtpParameters: { ...vp8(), encodings } });
    const told = ada.client.event('subscribedLayers');
    let waiting = true;
    const stop = () => {
      waiting = false;
    };
    told.then(stop, stop);
    for (let turn = 0; waiting; turn += 1) {
      const views = (['high', 'normal'] as const).map((priority) => ({
        ...{ ...view, width: 640, height: 360 },
        ...{ peerId: ada.reply.peerId, priority },
      }));
      await Promise.all(
        viewers.map(({ client }, index) =>
          client.request('updateTrackSettings', { tracks: views.slice((turn + index) % 2).slice(0, 1) }),
        ),
      );
      await Promise.race([told, new Promise((resolve) => setTimeout(resolve, 200))]);
    }
    expect(await told).toEqual({ source: 'camera', maxSpatialLayer: 1 });
    expect(performance.now() - began).toBeLessThan(3000);
  });

  test('whose track has another size is asked for the layers that fit it', async () => {
    const ada = await weir.join({ room: 'room' });
    const bob = await weir.join({ room: 'room' });
    const encodings = [{ ssrc: 1001 }, { ssrc: 1002 }, { ssrc: 1003 }];
    const small = { size: { width: 320, height: 240 }, layers: 1 };
    await bob.client.request('updateTrackSettings', {
      tracks: [{ ...view, width: 640, height: 360, peerId: ada.reply.peerId }],
    });
    await ada.client.request('produce', { source: 'camera', rtpParameters: { ...vp8(), encodings }, ...small });
    expect(await ada.client.event('subscribedLayers')).toEqual({ source: 'camera', maxSpatialLayer: 0 });
    await ada.client.request('resizeProducer', { source: 'camera', size: { width: 1280, height: 720 }, layers: 3 });
    expect(await ada.client.event('subscribedLayers')).toEqual({ source: 'camera', maxSpatialLayer: 1 });
    await ada.client.request('resizeProducer', { source: 'camera', size: { width: 640, height: 360 } });
    expect(await ada.client.event('subscribedLayers')).toEqual({ source: 'camera', maxSpatialLayer: 2 });
    await expect(
      ada.client.request('resizeProducer', { source: 'screen', size: { width: 640, height: 360 } }),
    ).rejects.toMatchObject(failure('notFound'));
  });

  test.each([
    ['a sound', { source: 'microphone', size: { width: 640, height: 360 } }],
    ['no size', { source: 'camera' }],
    ['half a pixel', { source: 'camera', size: { width: 0.5, height: 360 } }],
    ['no layer', { source: 'camera', size: { width: 640, height: 360 }, layers: 0 }],
    ['an unknown field', { source: 'camera', size: { width: 640, height: 360, depth: 3 } }],
  ])('that resizes %s is rejected', async (_, data) => {
    const { client } = await weir.join({ room: 'room' });
    expect(await client.requestRaw('resizeProducer', data)).toMatchObject({ error: { code: 'badRequest' } });
  });

  test('is not notified of demand for audio', async () => {
    const ada = await weir.join({ room: 'room' });
    await ada.client.request('produce', { source: 'microphone', rtpParameters: opus() });
    await ada.client.request('produce', { source: 'camera', rtpParameters: vp8() });
    expect(await ada.client.event('subscribedLayers')).toMatchObject({ source: 'camera' });
    await ada.client.request('ping', {});
    expect(ada.client.unreadEvents('subscribedLayers')).toEqual([]);
  });
});

describe('a codec that a client does not support', () => {
  test('is reported when it is published, and in the reply to join; it has no consumer', async () => {
    const ada = await weir.join({ room: 'room' });
    const bob = await weir.join({ room: 'room' });
    await ada.client.request('produce', { source: 'camera', rtpParameters: h264 });
    const told = { peerId: ada.reply.peerId, source: 'camera', mimeType: 'video/H264' };
    expect(await bob.client.event('unsupportedCodec')).toEqual(told);
    const cem = await weir.join({ room: 'room' });
    expect([cem.reply.unsupportedCodecs, cem.reply.consumers]).toEqual([[told], []]);
    await ada.client.request('closeProducer', { source: 'camera' });
    const dan = await weir.join({ room: 'room' });
    expect(dan.reply.unsupportedCodecs).toEqual([]);
    await bob.client.request('ping', {});
    expect(bob.client.unreadEvents('newConsumers')).toEqual([]);
  });

  test('in another profile only is reported once, however often the client reports how it shows the video', async () => {
    const ada = await weir.join({ room: 'room' });
    const client = await weir.connect();
    const codec = { kind: 'video', preferredPayloadType: 102, mimeType: 'video/H264', clockRate: 90_000 } as const;
    const parameters = { 'packetization-mode': 1, 'profile-level-id': '640032', 'level-asymmetry-allowed': 1 };
    await client.request('join', {
      room: 'room',
      rtpCapabilities: { codecs: [{ ...codec, parameters }], headerExtensions: [] },
      transports: { send: false, recv: true },
    });
    await ada.client.request('produce', { source: 'camera', rtpParameters: h264 });
    await client.event('unsupportedCodec');
    for (const width of [320, 640]) {
      await client.request('updateTrackSettings', { tracks: [{ ...view, width, peerId: ada.reply.peerId }] });
      await client.request('getTransportStats', {});
    }
    expect(client.unreadEvents('unsupportedCodec')).toEqual([]);
  });
});

describe('slots', () => {
  test('are in the reply to join, with a consumer each', async () => {
    const members = [];
    for (let index = 0; index < 3; index += 1) {
      const member = await weir.join({ room: 'room' });
      await member.client.request('produce', { source: 'microphone', rtpParameters: opus() });
      members.push(member);
    }
    const [ada] = members;
    expect(await ada?.client.event('slots')).toEqual({ slots: [null, null] });
    const late = await weir.join({ room: 'room' });
    expect(late.reply.slots).toEqual([null, null]);
    expect(late.reply.consumers.map(({ slot, peerId, source }) => [slot, peerId, source])).toEqual([
      [0, undefined, 'microphone'],
      [1, undefined, 'microphone'],
    ]);
  });
});

describe('resume', () => {
  const lasting = useServer({ WEIR_RESUME_SECONDS: '1', WEIR_MAX_AUDIBLE_SPEAKERS: '1' });

  test('reports demanded layers, unsupported codecs, and slot holders', async () => {
    const ada = await lasting.join({ room: 'room' });
    const bob = await lasting.join({ room: 'room' });
    await ada.client.request('produce', { source: 'camera', rtpParameters: h264 });
    await bob.client.request('produce', { source: 'camera', rtpParameters: vp8() });
    for (const { client } of [ada, bob, await lasting.join({ room: 'room' })]) {
      await client.request('produce', { source: 'microphone', rtpParameters: opus() });
    }
    await bob.client.event('slots');
    await bob.client.request('updateTrackSettings', { tracks: [{ ...view, peerId: ada.reply.peerId }] });
    bob.client.cut();
    await bob.client.closed;
    const again = await lasting.connect();
    expect(await again.request('resume', { key: bob.reply.resumeKey })).toMatchObject({
      subscribedLayers: [{ source: 'camera', maxSpatialLayer: 0 }],
      unsupportedCodecs: [{ peerId: ada.reply.peerId, source: 'camera', mimeType: 'video/H264' }],
      slots: [null, null],
    });
  });
});

describe('a server that is full', () => {
  /** Timeout of the admission queue, in milliseconds. */
  const QUEUE_TIMEOUT = 600;
  const full = useServer({
    WEIR_JOIN_ADMISSION_LIMIT: '0',
    WEIR_JOIN_QUEUE_TIMEOUT_SECONDS: String(QUEUE_TIMEOUT / 1000),
    WEIR_JOIN_QUEUE_LENGTH: '2',
  });
  const atOnce = 'too many are waiting already';
  const inTime = 'nobody could be let in';

  /** The error of a refused join, with its retry delay. */
  const refusalOf = async (client: TestClient) => {
    const { error } = await client.requestRaw('join', joinData);
    expect(error).toMatchObject({ code: 'busy', retryAfter: expect.any(Number) });
    return [atOnce, inTime].find((why) => error?.message.includes(why));
  };

  test('queues joins, rejects them at the timeout, and says when to retry', async () => {
    const client = await full.connect();
    expect(await refusalOf(client)).toBe(inTime);
    expect(client.open).toBe(true);
  });

  test('has a queue of limited length', async () => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => full.connect()));
    const answers: (string | undefined)[] = [];
    await Promise.all(clients.map(async (client) => answers.push(await refusalOf(client))));
    expect(answers).toEqual([atOnce, atOnce, atOnce, inTime, inTime]);
  });

  test('removes clients that disconnect from the queue, which has room for others at once', async () => {
    const waiting = await Promise.all([full.connect(), full.connect()]);
    const next = await full.connect();
    const began = performance.now();
    for (const client of waiting) client.send(JSON.stringify({ id: 1, method: 'join', data: joinData }));
    // Both are queued: there is no room for another.
    await expect.poll(() => refusalOf(next), { interval: 0 }).toBe(atOnce);
    for (const client of waiting) client.cut();
    let asked = performance.now();
    while ((await refusalOf(next)) === atOnce) asked = performance.now();
    // If they were still queued, there would be room only after their timeout.
    expect(asked - began).toBeLessThan(QUEUE_TIMEOUT);
    expect(full.app.rooms.size).toBe(0);
  });
});

describe('a server at its room limit', () => {
  const busy = useServer({ WEIR_ROOM_ADMISSION_LIMIT: '0' });

  test('opens no new room, and says when to retry', async () => {
    const client = await busy.connect();
    expect(await client.requestRaw('join', joinData)).toMatchObject({ error: { code: 'busy', retryAfter: 10 } });
    expect(busy.app.rooms.size).toBe(0);
  });
});

const joinData = { room: 'room', rtpCapabilities: { codecs: [] }, transports: { send: true, recv: true } };
