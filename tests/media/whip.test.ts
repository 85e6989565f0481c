/** Tests of media by WHIP: a WebRTC client of another make publishes, and what it sends arrives in the room. */
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { MediaStreamTrack, RTCPeerConnection, RTCRtpCodecParameters, RtpHeader, RtpPacket } from 'werift';
import { until } from '../../scripts/support/until.ts';
import { grantsOf } from '../../server/auth/grants.ts';
import { WhipPublisher } from '../../server/gateways/whip/WhipPublisher.ts';
import { PlainSubscriber, ssrcOf } from '../support/PlainMember.ts';
import { useServer } from '../support/weir.ts';
import { fragment, useWhip } from '../support/whip.ts';

const weir = useServer();
const whip = useWhip(weir);
/** Milliseconds. */
const WAIT = 10_000;
const connections = new Set<RTCPeerConnection>();

afterEach(async () => {
  for (const connection of connections) await connection.close();
  connections.clear();
});

/** One microphone and one camera; the contents say that they are key frames, and nothing that could be decoded. */
class Encoder {
  readonly connection = new RTCPeerConnection({
    codecs: {
      audio: [new RTCRtpCodecParameters({ mimeType: 'audio/opus', clockRate: 48_000, channels: 2 })],
      video: [
        new RTCRtpCodecParameters({ mimeType: 'video/VP8', clockRate: 90_000, rtcpFeedback: [{ type: 'nack' }] }),
      ],
    },
  });
  readonly #tracks = { audio: new MediaStreamTrack({ kind: 'audio' }), video: new MediaStreamTrack({ kind: 'video' }) };
  #sequence = 0;

  constructor() {
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
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const header = new RtpHeader({ sequenceNumber: this.#sequence, timestamp: payload * 960, payloadType: 96 });
    this.#tracks[kind].writeRtp(new RtpPacket(header, bytes));
  }
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

test('a client that does not connect in time is removed', async () => {
  using seat = await weir.app.rooms.reserve('absent', 'absent');
  const publisher = new WhipPublisher({
    identity: 'absent',
    name: 'absent',
    metadata: undefined,
    grants: grantsOf('speaker'),
    placement: await seat.room.place(grantsOf('speaker')),
    keyFrameRequestDelay: 1000,
    maxIncomingBitrate: 1_000_000,
    connectTimeout: 300,
  });
  const ended = new Promise((resolve) => publisher.onEnd(resolve));
  await seat.room.join(publisher);
  const reason = await ended;
  expect(reason).toBe('mediaFailed');
  expect(seat.room.size).toBe(0);
});
