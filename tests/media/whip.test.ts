/** Tests of media by WHIP: a WebRTC client of another make publishes, and what it sends arrives in the room. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { MediaStreamTrack, RTCPeerConnection, RTCRtpCodecParameters, RtpHeader, RtpPacket } from 'werift';
import { parseAnnexB } from '../../scripts/support/media/containers.ts';
import { packetiseH264 } from '../../scripts/support/media/packetise.ts';
import { fragment } from '../../scripts/support/sdp/clientTexts.ts';
import { until } from '../../scripts/support/until.ts';
import { grantsOf } from '../../server/auth/grants.ts';
import { WhipPublisher, type WhipPublisherOptions } from '../../server/gateways/whip/WhipPublisher.ts';
import { ClientTransport } from '../../server/ice/probe/ClientTransport.ts';
import { openUdpPath } from '../../server/ice/probe/UdpPath.ts';
import { hasBSlice } from '../../server/media/h264.ts';
import { isFull } from '../support/extent.ts';
import { PlainSubscriber, ssrcOf } from '../support/PlainMember.ts';
import { useServer } from '../support/weir.ts';
import { useWhip } from '../support/whip.ts';

const weir = useServer();
const whip = useWhip(weir);
const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
/** Milliseconds. */
const WAIT = 10_000;
const connections = new Set<RTCPeerConnection>();
const vp8 = { mimeType: 'video/VP8', parameters: '' };
const h264 = { mimeType: 'video/H264', parameters: 'packetization-mode=1;profile-level-id=42e01f' };

afterEach(async () => {
  for (const connection of connections) await connection.close();
  connections.clear();
});

/** One microphone and one camera; the contents say that they are key frames, and nothing that could be decoded. */
class Encoder {
  readonly connection: RTCPeerConnection;
  readonly #tracks = { audio: new MediaStreamTrack({ kind: 'audio' }), video: new MediaStreamTrack({ kind: 'video' }) };
  #sequence = 0;

  constructor(video = vp8) {
    this.connection = new RTCPeerConnection({
      codecs: {
        audio: [new RTCRtpCodecParameters({ mimeType: 'audio/opus', clockRate: 48_000, channels: 2 })],
        video: [new RTCRtpCodecParameters({ ...video, clockRate: 90_000, rtcpFeedback: [{ type: 'nack' }] })],
      },
    });
    connections.add(this.connection);
    for (const track of Object.values(this.#tracks)) {
      this.connection.addTransceiver(track, { direction: 'sendonly' });
    }
  }

  /** @returns the URL of the session */
  async publish(room: string): Promise<{ location: string; etag: string }> {
    const { connection } = this;
    await connection.setLocalDescription(await connection.createOffer());
    const { response, location, etag, body } = await whip.offer(room, { sdp: connection.localDescription?.sdp });
    expect(response.status).toBe(201);
    await connection.setRemoteDescription({ type: 'answer', sdp: body });
    await until('a connection', WAIT, () => connection.connectionState === 'connected');
    return { location, etag };
  }

  send(kind: 'audio' | 'video', payload: number): void {
    const bytes = Buffer.alloc(8);
    // The descriptor of VP8: the start of a frame, which is a key frame (RFC 7741, sections 4.2 and 4.3).
    bytes[0] = 0x10;
    bytes.writeUInt32BE(payload, 4);
    this.sendPayload(kind, bytes, payload * 960);
  }

  sendPayload(kind: 'audio' | 'video', payload: Buffer, timestamp: number): void {
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const header = new RtpHeader({ sequenceNumber: this.#sequence, timestamp, payloadType: 96 });
    this.#tracks[kind].writeRtp(new RtpPacket(header, payload));
  }
}

/** Two seconds of H.264 as x264 encodes it: the RTP payloads of each picture, in the order of decoding. */
async function encodeH264(bFrames: number): Promise<Buffer[][]> {
  const source = 'testsrc=size=160x120:rate=25:duration=2,format=yuv420p';
  const encoder = `-c:v libx264 -preset ultrafast -bf ${bFrames} -b_strategy 0 -bsf:v h264_metadata=aud=insert -f h264`;
  const settings = ['-nostdin', '-loglevel', 'error', '-f', 'lavfi', '-i', source, ...encoder.split(' '), '-'];
  const { stdout } = await promisify(execFile)('ffmpeg', settings, { encoding: 'buffer' });
  return parseAnnexB(stdout).map((units) => packetiseH264(units));
}

async function listenIn(room: string): Promise<PlainSubscriber> {
  const found = await weir.app.rooms.find(room);
  if (!found) throw new Error('There is no such room.');
  const subscriber = await PlainSubscriber.open(found);
  const subscribed = found.addSubscriber(subscriber);
  onTestFinished(() => {
    subscribed[Symbol.dispose]();
    subscriber.close();
  });
  await until('a consumer of each track', WAIT, () => subscriber.consumers.length === 2);
  return subscriber;
}

test.each(['audio', 'video'] as const)('the %s of a client arrives at those in the room', async (kind) => {
  const encoder = new Encoder();
  await encoder.publish(kind);
  const subscriber = await listenIn(kind);
  const ssrc = ssrcOf(subscriber.consumers.find((consumer) => consumer.kind === kind));
  let payload = 0;
  await until('20 packets', WAIT, () => {
    payload += 1;
    encoder.send(kind, payload);
    return subscriber.counter.distinct(ssrc) >= 20;
  });
});

test('media keeps its path while ICE is restarted', async () => {
  const encoder = new Encoder();
  const { location } = await encoder.publish('restart');
  const { response } = await whip.patch(location, fragment('ysXw'), '*');
  expect(response.status).toBe(200);
  const subscriber = await listenIn('restart');
  const ssrc = ssrcOf(subscriber.consumers.find(({ kind }) => kind === 'audio'));
  let payload = 0;
  await until('20 packets', WAIT, () => {
    payload += 1;
    encoder.send('audio', payload);
    return subscriber.counter.distinct(ssrc) >= 20;
  });
});

test.skipIf(!hasFfmpeg)(
  'B-frames in H.264 are noticed, and named to those who are in the room and who come',
  async () => {
    const [withB, without] = await Promise.all([encodeH264(2), encodeH264(0)]);
    expect(without.flat().some((payload) => hasBSlice(payload))).toBe(false);
    const { client } = await weir.join({ room: 'frames', transports: { send: false, recv: false } });
    const encoder = new Encoder(h264);
    await encoder.publish('frames');
    const { peerId } = await client.event('newPeer');
    let picture = 0;
    await until('a notice', WAIT, () => {
      for (const payload of withB[picture % withB.length] ?? []) encoder.sendPayload('video', payload, picture * 3600);
      picture += 1;
      return client.unreadEvents('peerVideoProblem').length > 0;
    });
    expect(await client.event('peerVideoProblem')).toEqual({ peerId, problem: 'bFrames' });
    const { reply } = await weir.join({ room: 'frames', transports: { send: false, recv: false } });
    expect(reply.peers.find((peer) => peer.peerId === peerId)).toMatchObject({ videoProblem: 'bFrames' });
  },
);

/** In a room of its own, with these timeouts. */
async function openPublisher(
  room: string,
  timeouts: Pick<WhipPublisherOptions, 'connectTimeout' | 'iceConsentTimeout'>,
) {
  using seat = await weir.app.rooms.reserve(room, room);
  const publisher = new WhipPublisher({
    identity: room,
    name: room,
    metadata: undefined,
    grants: grantsOf('speaker'),
    placement: await seat.room.place(grantsOf('speaker')),
    keyFrameRequestDelay: 1000,
    maxIncomingBitrate: 1_000_000,
    ...timeouts,
  });
  const ended = new Promise((resolve) => publisher.onEnd(resolve));
  await seat.room.join(publisher);
  return { publisher, ended, room: seat.room };
}

test('a client that does not connect in time is removed', async () => {
  const { ended, room } = await openPublisher('absent', { connectTimeout: 300 });
  expect(await ended).toBe('mediaFailed');
  expect(room.size).toBe(0);
});

/** A client whose ICE has been answered; `onEnd` is called when the server ends DTLS. */
async function connect(publisher: WhipPublisher, onEnd = () => {}) {
  const client = await ClientTransport.create({ onEnd });
  onTestFinished(() => client.close());
  const { iceParameters, iceCandidates, dtlsParameters } = await publisher.connect(client.dtlsParameters);
  const { address = '', port = 0 } = iceCandidates.find(({ protocol }) => protocol === 'udp') ?? {};
  await client.check(iceParameters, (events) => openUdpPath({ address, port }, events));
  return { client, dtlsParameters };
}

test('whatever ends a session ends the DTLS of its client', async () => {
  const { publisher } = await openPublisher('kicked', {});
  const told = Promise.withResolvers<void>();
  const { client, dtlsParameters } = await connect(publisher, told.resolve);
  await client.shakeHands(dtlsParameters);
  publisher.close('kicked');
  await told.promise;
});

// mediasoup knows no shorter time than ten seconds.
test.runIf(isFull)('a client that is gone is removed when its ICE consent expires', async () => {
  const { publisher, ended, room } = await openPublisher('gone', { iceConsentTimeout: 10 });
  const { client } = await connect(publisher);
  // Before a handshake nothing is sent when it closes.
  client.close();
  expect(await ended).toBe('disconnected');
  expect(room.size).toBe(0);
});
