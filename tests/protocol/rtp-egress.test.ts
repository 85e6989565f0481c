/** Covers plain RTP that the server sends, over HTTP: who may have it, where to, and what is refused. */
import { createSocket } from 'node:dgram';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { usePlainRtp } from '../support/plainRtp.ts';
import { rtpPacket } from '../support/rtp.ts';
import { standInFfmpeg } from '../support/standInFfmpeg.ts';
import { useServer, withTokens } from '../support/weir.ts';

const sent = { address: '127.0.0.1', audio: { port: 5002 }, video: { port: 5000 } };
const both = { audio: {}, video: { codec: 'VP9' } };
const viewer = { send: false, recv: false };

describe('a session', () => {
  const weir = useServer({ WEIR_RTP_EGRESS_NETWORKS: '127.0.0.0/8,192.0.2.7' });
  const rtp = usePlainRtp(weir);
  const egress = (room: string, body: unknown, query = '') => rtp.post(`/rtp/egress/${room}`, body, { query });

  test('is opened with 201 and SDP of the codec that is published; it can be read as a file, and ended', async () => {
    await rtp.open('studio', both);
    const { client } = await weir.join({ room: 'studio', transports: viewer });
    const { response, location, body } = await egress('studio', { ...sent, name: 'Recorder' });
    expect(response.status).toBe(201);
    const { sdp, session, video, from, commands } = JSON.parse(body);
    expect(location).toBe(session);
    expect(sdp).toMatch(/^c=IN IP4 127\.0\.0\.1\r\n(.*\r\n)*m=video 5000 RTP\/AVPF \d+\r\na=rtcp:5001\r\n/m);
    expect(sdp).toMatch(/^a=rtpmap:\d+ VP9\/90000\r$/m);
    expect(sdp).toMatch(/^m=audio 5002 RTP\/AVPF \d+\r\na=rtcp:5003\r$/m);
    expect(video).toMatchObject({ codec: 'VP9', port: 5000, rtcpPort: 5001, from: expect.any(Number) });
    expect(from).toBe('127.0.0.1');
    expect(commands.ffmpeg).toContain('ffmpeg -protocol_whitelist file,udp,rtp -i weir.sdp');
    const file = await rtp.request(`${location}/sdp`, 'GET');
    expect([file.response.headers.get('content-type'), file.body]).toEqual(['application/sdp', sdp]);
    expect((await rtp.request(`${location}/keyframe`, 'POST')).response.status).toBe(204);
    expect(await client.event('newPeer')).toMatchObject({ name: 'Recorder', sources: {} });
    expect((await rtp.request(location, 'DELETE')).response.status).toBe(204);
    expect((await rtp.request(`${location}/sdp`, 'GET')).response.status).toBe(404);
  });

  test('of a member ends when that one leaves', async () => {
    const first = await rtp.open('members', { ...both, name: 'first' });
    await rtp.open('members', { ...both, name: 'second' });
    expect((await egress('members', { ...sent, member: 'nobody' })).response.status).toBe(404);
    const { location } = await egress('members', { ...sent, member: first.answer.peerId });
    expect((await rtp.request(location, 'GET')).response.status).toBe(200);
    await rtp.request(first.location, 'DELETE');
    expect((await rtp.request(location, 'GET')).response.status).toBe(404);
  });

  test.each([
    ['nothing is live', 'empty', sent, 409, 'Nothing is live here at the moment.'],
    ['the network is not allowed', 'live', { ...sent, address: '192.0.2.8' }, 403, /WEIR_RTP_EGRESS_NETWORKS/],
    ['it is IPv4 in IPv6', 'live', { ...sent, address: '::ffff:127.0.0.1' }, 403, /WEIR_RTP_EGRESS_NETWORKS/],
    ['the address is a name', 'live', { ...sent, address: 'localhost' }, 400, '"address" is not an IP address.'],
    ['a port is one of services', 'live', { ...sent, video: { port: 53 } }, 400, '"video.port" is less than 1024.'],
    [
      'a port is one of Weir',
      'live',
      { ...sent, video: { port: 45_000 } },
      403,
      "Port 45000 is one of this server's own.",
    ],
    ['RTCP has no port', 'live', { ...sent, video: { port: 65_535 } }, 400, /^Each stream needs two ports/],
    ['ports are the same', 'live', { ...sent, audio: { port: 5001 } }, 400, /^Each stream needs two ports/],
    ['nothing is asked for', 'live', { address: '127.0.0.1' }, 400, /^Say what is to be sent/],
  ])('is refused where %s', async (_name, room, body, status, detail) => {
    // Requests are counted: a room is opened only where it matters.
    if (room === 'live' && status !== 400) await rtp.open('live', both);
    const refused = await egress(room, body);
    expect(refused.response.status).toBe(status);
    const { detail: said } = JSON.parse(refused.body);
    expect(said).toEqual(detail instanceof RegExp ? expect.stringMatching(detail) : detail);
  });

  test('that sends has no key frames to ask for', async () => {
    const { location } = await rtp.open('sender', both);
    expect((await rtp.request(`${location}/keyframe`, 'POST')).response.status).toBe(422);
  });
});

describe('a receiver that is gone', () => {
  const weir = useServer({ WEIR_RTP_EGRESS_NETWORKS: '127.0.0.0/8', WEIR_RTP_IDLE_SECONDS: '0.5' });
  const rtp = usePlainRtp(weir);

  test('is sent nothing for ever', async () => {
    const { answer } = await rtp.open('gone', { audio: { payloadType: 100 } });
    const { port = 0, ssrc = 0 } = answer.audio ?? {};
    const socket = createSocket('udp4');
    let sequence = 0;
    const sending = setInterval(() => socket.send(rtpPacket(ssrc, sequence++), port, '127.0.0.1'), 20);
    onTestFinished(() => {
      clearInterval(sending);
      socket.close();
    });
    const { response } = await rtp.post('/rtp/egress/gone', { address: '127.0.0.1', audio: { port: 5002 } });
    expect(response.status).toBe(201);
    const room = await weir.app.rooms.find('gone');
    expect(room?.size).toBe(2);
    await vi.waitUntil(() => room?.size === 1, 10_000);
  });
});

describe('ports of the server itself', () => {
  const ffmpeg = standInFfmpeg('exec cat > /dev/null', afterAll);
  const weir = useServer({
    WEIR_RTP_EGRESS_NETWORKS: '127.0.0.0/8',
    WEIR_STUN_PORT: '0',
    WEIR_RTMP_PORT: '0',
    WEIR_FFMPEG: ffmpeg.path,
  });
  const rtp = usePlainRtp(weir);

  test.each([
    ['HTTP', () => Number(new URL(weir.url).port)],
    ['media of browsers', () => weir.app.pool.workers[0]?.port],
    ['STUN', () => weir.app.stunResponder?.port],
    ['RTMP', () => weir.app.rtmp?.port],
    ['the last of plain RTP', () => 45_999],
  ])('are refused for RTP and for RTCP: %s', async (_name, portOf) => {
    await rtp.open('live', both);
    const own = portOf() ?? 0;
    expect(own).toBeGreaterThan(1024);
    // The one before it may be another one of the server's.
    const refusal = expect.stringMatching(/^Port \d+ is one of this server's own\.$/);
    const streams = [
      { video: { port: own, rtcpPort: 5001 } },
      { video: { port: 5000, rtcpPort: own } },
      // RTCP goes to the next port by default.
      { audio: { port: own - 1 } },
      { audio: { port: own }, rtcpMux: true },
    ];
    for (const stream of streams) {
      const { response, body } = await rtp.post('/rtp/egress/live', { address: '127.0.0.1', ...stream });
      expect([response.status, JSON.parse(body).detail]).toEqual([403, refusal]);
    }
    const room = await weir.app.rooms.find('live');
    expect(room?.size).toBe(1);
  });

  test('others are not', async () => {
    await rtp.open('live', both);
    const body = { address: '127.0.0.1', video: { port: 46_000 }, audio: { port: 44_998 } };
    expect((await rtp.post('/rtp/egress/live', body)).response.status).toBe(201);
  });
});

describe('by default', () => {
  const weir = useServer();
  const rtp = usePlainRtp(weir);

  test.each(['127.0.0.1', '::1', '10.0.0.1', '192.0.2.1', '2001:db8::1'])('nothing is sent to %s', async (address) => {
    await rtp.open('closed', both);
    const { response, body } = await rtp.post('/rtp/egress/closed', { ...sent, address });
    expect(response.status).toBe(403);
    expect(JSON.parse(body).detail).toContain('WEIR_RTP_EGRESS_NETWORKS');
    expect((await weir.app.rooms.find('closed'))?.size).toBe(1);
  });
});

describe('with tokens', () => {
  const weir = useServer({ ...withTokens, WEIR_RTP_IDLE_SECONDS: '1', WEIR_RTP_EGRESS_NETWORKS: '127.0.0.0/8' });
  const rtp = usePlainRtp(weir);

  test('it needs one that may subscribe, and stays no longer than something is published', async () => {
    await weir.enter('studio', 'host', {}, { transports: viewer });
    const egress = async (token?: string) => rtp.post('/rtp/egress/studio', sent, { token });
    // It sends nothing, and ends after a second.
    await rtp.open('studio', both, { token: await weir.token('studio', 'camera') });
    expect((await egress()).response.status).toBe(401);
    expect((await egress(await weir.token('studio', 'eve', { canSubscribe: false }))).response.status).toBe(403);
    const { response, location } = await egress(await weir.token('studio', 'recorder'));
    expect(response.status).toBe(201);
    await vi.waitUntil(async () => (await rtp.request(location, 'GET')).response.status === 404, { timeout: 8000 });
  });
});
