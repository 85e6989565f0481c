/** Covers plain RTP over HTTP: what each request is answered, who is in the room then, and what is refused. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startLoggedServer } from '../support/logged.ts';
import { usePlainRtp } from '../support/plainRtp.ts';
import { rtpPacket } from '../support/rtp.ts';
import { useServer, withTokens } from '../support/weir.ts';

const both = { audio: {}, video: {} };
const viewer = { send: false, recv: false };

describe('a session', () => {
  const weir = useServer();
  const rtp = usePlainRtp(weir);

  test('is opened with 201, ports and command lines; the sender is in the room until DELETE', async () => {
    const { client } = await weir.join({ room: 'studio', transports: viewer });
    const { location, answer } = await rtp.open('studio', { ...both, name: 'Encoder' });
    expect(location).toMatch(/^\/rtp\/sessions\/[\w-]{43}$/);
    expect(answer).toMatchObject({ session: location, address: '127.0.0.1' });
    const ports = [answer.video, answer.audio].map((stream) => [stream?.port ?? 0, stream?.rtcpPort]);
    for (const [port = 0, rtcpPort] of ports) {
      expect(port % 2).toBe(0);
      expect(port).toBeGreaterThanOrEqual(45_000);
      expect(rtcpPort).toBe(port + 1);
      expect(answer.sdp).toContain(`${port} RTP/AVPF`);
      expect(answer.commands.ffmpeg).toContain(`rtp://127.0.0.1:${port}?rtcpport=${rtcpPort}&pkt_size=1200`);
    }
    expect(new Set(ports.flat()).size).toBe(4);

    const { peerId, ...peer } = await client.event('newPeer');
    expect(peerId).toBe(answer.peerId);
    expect(peer).toMatchObject({ name: 'Encoder', hand: false, away: false });
    await expect
      .poll(() => client.unreadEvents('peerSources').at(-1)?.sources)
      .toEqual({ camera: 'live', microphone: 'live' });
    const { response, body } = await rtp.request(location, 'GET');
    expect([response.status, JSON.parse(body).sdp]).toEqual([200, answer.sdp]);
    expect((await rtp.request(location, 'DELETE')).response.status).toBe(204);
    expect(await client.event('peerClosed')).toEqual({ peerId, reason: 'left' });
    for (const method of ['DELETE', 'GET']) expect((await rtp.request(location, method)).response.status).toBe(404);
  });

  test('of one track, for a screen, with RTCP on the same port and SRTP', async () => {
    const { client } = await weir.join({ room: 'screen', transports: viewer });
    const { answer } = await rtp.open('screen', {
      source: 'screen',
      rtcpMux: true,
      video: { codec: 'H264', srtp: {} },
    });
    const { port, rtcpPort, srtp, serverSrtp, codec } = answer.video ?? {};
    expect([rtcpPort, codec, answer.audio]).toEqual([port, 'H264', undefined]);
    expect(srtp?.keyBase64).toHaveLength(40);
    expect(serverSrtp?.keyBase64).toHaveLength(40);
    expect(serverSrtp?.keyBase64).not.toBe(srtp?.keyBase64);
    expect(answer.sdp).toContain('a=rtcp-mux');
    await expect.poll(() => client.unreadEvents('peerSources').at(-1)?.sources).toEqual({ screen: 'live' });
  });

  test('on the stage of a broadcast is seen by those who are there', async () => {
    const host = await weir.join({ room: 'show', kind: 'broadcast', role: 'host' });
    await rtp.open('show', { ...both, name: 'Encoder' }, { query: '?kind=broadcast' });
    expect(await host.client.event('newPeer')).toMatchObject({ name: 'Encoder' });
  });

  test('ends with its room', async () => {
    const { location } = await rtp.open('ended', both);
    (await weir.app.rooms.find('ended'))?.close('roomClosed');
    expect((await rtp.request(location, 'GET')).response.status).toBe(404);
  });

  test.each([
    ['no stream', {}, 'Say what is sent: "audio", "video" or both.'],
    [
      'a codec that there is not',
      { video: { codec: 'H265' } },
      '"video.codec" is not one of "VP8", "H264", "VP9", "AV1".',
    ],
    ['a payload type of RTCP', { video: { payloadType: 72 } }, '"video.payloadType" is less than 96.'],
    ['an SSRC that is none', { audio: { ssrc: 2 ** 32 } }, '"audio.ssrc" is more than 4294967295.'],
    ['a short key', { audio: { srtp: { keyBase64: 'AAAA' } } }, /^"audio.srtp.keyBase64" is not 30 bytes long/],
    ['a key that is no Base64', { audio: { srtp: { keyBase64: '!' } } }, '"audio.srtp.keyBase64" is not Base64.'],
    ['an unknown field', { ...both, port: 5000 }, /unknown field "port"/],
    ['no JSON', '{', 'The request is malformed.'],
    ['a list', [], 'The request is not an object.'],
  ])('%s is refused with 400, and nobody is in the room', async (_name, body, detail) => {
    const answered = await rtp.post('/rtp/refused', body);
    expect(answered.response.status).toBe(400);
    expect(answered.response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(JSON.parse(answered.body).detail).toEqual(detail instanceof RegExp ? expect.stringMatching(detail) : detail);
    expect(weir.app.rooms.size).toBe(0);
  });

  test('what is no request for a room is refused', async () => {
    const statusOf = async (path: string, body: unknown, headers = {}) =>
      (await rtp.post(path, body, { headers })).response.status;
    expect(await statusOf('/rtp/a%2Fb', both)).toBe(400);
    expect(await statusOf('/rtp/room?kind=diagnosis', both)).toBe(400);
    expect(await statusOf('/rtp/room', 'v=0', { 'content-type': 'application/sdp' })).toBe(415);
    expect(await statusOf('/rtp/room', `"${'x'.repeat(9000)}"`)).toBe(413);
    expect(await statusOf('/rtp/room', both, { origin: 'https://evil.example' })).toBe(403);
    expect((await rtp.request('/rtp/room', 'PUT')).response.status).toBe(405);
    expect((await rtp.request('/rtp/sessions/x', 'POST')).response.status).toBe(405);
    expect((await rtp.request('/rtp/room', 'OPTIONS')).response.headers.get('accept-post')).toBe('application/json');
    await weir.join({ room: 'mesh', policy: 'p2p', direct: true });
    expect(await statusOf('/rtp/mesh', both)).toBe(403);
  });
});

describe('with tokens', () => {
  const weir = useServer(withTokens);
  const rtp = usePlainRtp(weir);

  test('the sender is who its token says; one that may not publish all of it opens nothing', async () => {
    const { client } = await weir.enter('studio', 'ann', {}, { transports: viewer });
    await rtp.open('studio', both, { token: await weir.token('studio', 'camera 1') });
    expect(await client.event('newPeer')).toMatchObject({ identity: 'camera 1', name: 'camera 1' });
    const statusWith = async (token?: string) => (await rtp.post('/rtp/other', both, { token })).response.status;
    expect(await statusWith()).toBe(401);
    expect(await statusWith(await weir.token('studio', 'eve'))).toBe(401);
    expect(await statusWith(await weir.token('other', 'eve', { canPublish: false }))).toBe(403);
    expect(await statusWith(await weir.token('other', 'eve', { canPublishSources: ['camera'] }))).toBe(403);
    expect(await weir.app.rooms.find('other')).toBeUndefined();
  });

  test('an administrator removes the sender', async () => {
    const { client } = await weir.enter('studio', 'host', { roomAdmin: true }, { transports: viewer });
    const { location } = await rtp.open('studio', both, { token: await weir.token('studio', 'camera 1') });
    const { peerId } = await client.event('newPeer');
    await client.request('setGrants', { peerId, grants: { canPublish: false } });
    await vi.waitUntil(async () => (await rtp.request(location, 'GET')).response.status === 404);
  });
});

/** A socket on that port of loopback; undefined where it is taken. */
async function bound(port: number): Promise<Socket | undefined> {
  const socket = createSocket('udp4').bind(port, '127.0.0.1');
  return once(socket, 'listening').then(
    () => socket,
    () => undefined,
  );
}

describe('limits', () => {
  const weir = useServer({ WEIR_RTP_PORTS: '46990-46994', WEIR_MAX_CONNECTIONS_PER_IP: '2' });
  const rtp = usePlainRtp(weir);
  const video = { video: {} };

  test('a network has so many sessions, and the server so many ports, until sessions end', async () => {
    const statusOf = async (body: unknown) => (await rtp.post('/rtp/ports', body)).response.status;
    const { location } = await rtp.open('ports', video);
    expect(await statusOf(both)).toBe(503);
    expect(await statusOf(video)).toBe(201);
    expect(await statusOf(video)).toBe(429);
    await rtp.request(location, 'DELETE');
    expect(await statusOf(video)).toBe(201);
  });

  test('a session gets the ports that have not been used for longest', async () => {
    const ports: (number | undefined)[] = [];
    // There are two pairs: by chance they would hardly be given in turn so often.
    for (let count = 0; count < 12; count += 1) {
      const { location, answer } = await rtp.open('turns', video);
      ports.push(answer.video?.port);
      await rtp.request(location, 'DELETE');
    }
    const [first, second] = ports;
    expect(new Set([first, second])).toEqual(new Set([46_990, 46_992]));
    expect(ports).toEqual(Array.from({ length: 6 }, () => [first, second]).flat());
  });

  test('a port that another program has is passed over', async () => {
    // A worker may still be closing it after the test before.
    const socket = await vi.waitUntil(() => bound(46_990), { timeout: 5000 });
    onTestFinished(() => void socket.close());
    for (let count = 0; count < 3; count += 1) {
      const { location, answer } = await rtp.open('taken', video);
      expect(answer.video?.port).toBe(46_992);
      await rtp.request(location, 'DELETE');
    }
  });

  test('requests that come too fast are refused', async () => {
    // Whatever the machine manages in a second: in the end they are faster than the limit.
    const statuses = new Set<number>();
    await vi.waitUntil(async () => {
      const answers = await Promise.all(Array.from({ length: 150 }, () => rtp.post('/rtp/fast', '{')));
      for (const { response } of answers) statuses.add(response.status);
      return statuses.has(429);
    }, 15_000);
    expect(statuses).toEqual(new Set([400, 429]));
  });
});

test('a source that sends nothing ends, and the log says why', async () => {
  const server = await startLoggedServer({ WEIR_RTP_IDLE_SECONDS: '0.5' });
  onTestFinished(() => server.close());
  const post = () =>
    fetch(`${server.url}/rtp/silent`, {
      method: 'POST',
      body: JSON.stringify(both),
      headers: { 'content-type': 'application/json' },
    });
  const location = (await post()).headers.get('location') ?? '';
  await vi.waitUntil(async () => (await fetch(new URL(location, server.url))).status === 404, { timeout: 5000 });
  expect(server.lines.filter((line) => line.includes('no RTP has come'))).toHaveLength(1);
  expect(server.app.rooms.size).toBe(0);
});

describe('a bitrate', () => {
  const weir = useServer({ WEIR_MAX_INCOMING_BITRATE: '100000', WEIR_RTP_IDLE_SECONDS: '1' });
  const rtp = usePlainRtp(weir);

  /** A sender of so many packets of 250 bytes a second. */
  async function send(room: string, perSecond: number) {
    const { location, answer } = await rtp.open(room, { audio: { payloadType: 100 } });
    const { port = 0, ssrc = 0 } = answer.audio ?? {};
    const socket = createSocket('udp4');
    let sequence = 0;
    const next = () => {
      sequence += 1;
      socket.send(Buffer.concat([rtpPacket(ssrc, sequence), Buffer.alloc(230)]), port, '127.0.0.1');
    };
    const sending = setInterval(next, 1000 / perSecond);
    onTestFinished(() => {
      clearInterval(sending);
      socket.close();
    });
    return { status: async () => (await rtp.request(location, 'GET')).response.status, next };
  }

  test('above the limit ends the session, and others hear why; a moment above it does not', async () => {
    const { client } = await weir.join({ room: 'fast', transports: viewer });
    // 40 kbit/s, and 100 kbit at once.
    const within = await send('even', 20);
    for (let count = 0; count < 50; count += 1) within.next();
    // 400 kbit/s, for as long as somebody listens. Both are looked at equally often.
    const above = await send('fast', 200);
    await vi.waitUntil(async () => (await above.status()) === 404, 10_000);
    expect(await client.event('peerClosed')).toMatchObject({ reason: 'rateLimited' });
    expect(await within.status()).toBe(200);
  });
});

describe('switched off', () => {
  const weir = useServer({ WEIR_RTP_PORTS: 'off' });
  const rtp = usePlainRtp(weir);

  test('it is refused, with the variable that turns it on', async () => {
    const { response, body } = await rtp.post('/rtp/off', both);
    expect([response.status, JSON.parse(body).detail]).toEqual([
      403,
      'Plain RTP is off at this server: see WEIR_RTP_PORTS.',
    ]);
  });
});
