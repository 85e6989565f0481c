/** Tests of the summary of a WebRTC statistics report. */
import { describe, expect, test } from 'vitest';
import { countTransport, summarise } from '../../web/client/stats.ts';

const report = (...rows: object[]) => new Map(rows.map((row, index) => [`row${index}`, row]));

describe('summarise', () => {
  test("adds up the layers of a sent track; loss, jitter and round trip come from the server's reports", () => {
    const stats = summarise({
      source: 'camera',
      report: report(
        { type: 'codec', mimeType: 'video/VP8' },
        {
          type: 'outbound-rtp',
          bytesSent: 1000,
          packetsSent: 10,
          framesEncoded: 30,
          frameWidth: 320,
          frameHeight: 180,
        },
        {
          type: 'outbound-rtp',
          bytesSent: 9000,
          packetsSent: 90,
          framesEncoded: 29,
          frameWidth: 1280,
          frameHeight: 720,
        },
        { type: 'remote-inbound-rtp', packetsLost: 2, jitter: 0.01, roundTripTime: 0.05 },
        { type: 'remote-inbound-rtp', packetsLost: 3, jitter: 0.02, roundTripTime: 0.04 },
        { type: 'inbound-rtp', bytesReceived: 7, packetsLost: 7 },
        { type: 'candidate-pair', bytesSent: 123_456 },
      ),
    });
    expect(stats).toEqual({
      direction: 'send',
      source: 'camera',
      bytes: 10_000,
      packets: 100,
      packetsLost: 5,
      jitter: 0.02,
      roundTripTime: 0.05,
      codec: 'video/VP8',
      frames: 30,
      frameWidth: 1280,
      frameHeight: 720,
      encodings: [
        { frameWidth: 320, frameHeight: 180, bytes: 1000 },
        { frameWidth: 1280, frameHeight: 720, bytes: 9000 },
      ],
    });
  });

  test('lists the encodings that are sent, the smallest first, and adds up what was asked for again', () => {
    const layer = (rid: string, frameWidth: number, active: boolean) => ({
      type: 'outbound-rtp',
      mid: '1',
      rid,
      active,
      scalabilityMode: 'L1T3',
      encoderImplementation: 'libvpx',
      bytesSent: frameWidth,
      nackCount: 2,
      pliCount: 1,
      frameWidth,
      frameHeight: (frameWidth * 9) / 16,
      framesPerSecond: 30,
    });
    const stats = summarise({
      source: 'camera',
      report: report(layer('r1', 640, true), layer('r0', 320, true), layer('r2', 1280, false)),
    });
    const encoding = { framesPerSecond: 30 };
    expect(stats).toMatchObject({
      mid: '1',
      scalabilityMode: 'L1T3',
      codecImplementation: 'libvpx',
      nackCount: 6,
      pliCount: 3,
      encodings: [
        { ...encoding, rid: 'r0', frameWidth: 320, frameHeight: 180, bytes: 320 },
        { ...encoding, rid: 'r1', frameWidth: 640, frameHeight: 360, bytes: 640 },
      ],
    });
    expect(stats.encodings).toHaveLength(2);
  });

  test("says of a received track how its publisher sends it, and the decoder's name", () => {
    const stats = summarise({
      source: 'camera',
      peerId: 'ada',
      scalabilityMode: 'S3T3',
      report: report({ type: 'inbound-rtp', decoderImplementation: 'dav1d', frameWidth: 320, nackCount: 4 }),
    });
    expect(stats).toMatchObject({ scalabilityMode: 'S3T3', codecImplementation: 'dav1d', nackCount: 4 });
    expect(stats.encodings).toBeUndefined();
  });

  test('takes the loss, jitter and freezeCount of a received track from the local statistics', () => {
    const stats = summarise({
      source: 'screen',
      peerId: 'ada',
      report: report(
        {
          type: 'inbound-rtp',
          bytesReceived: 500,
          packetsReceived: 5,
          packetsLost: 1,
          jitter: 0.003,
          framesDecoded: 12,
          frameWidth: 640,
          frameHeight: 360,
          framesPerSecond: 24,
          freezeCount: 2,
          totalFreezesDuration: 0.7,
        },
        { type: 'remote-outbound-rtp', roundTripTime: 0.1, packetsLost: 99 },
      ),
    });
    expect(stats).toEqual({
      direction: 'receive',
      source: 'screen',
      peerId: 'ada',
      bytes: 500,
      packets: 5,
      packetsLost: 1,
      jitter: 0.003,
      roundTripTime: 0.1,
      frames: 12,
      frameWidth: 640,
      frameHeight: 360,
      framesPerSecond: 24,
      freezeCount: 2,
      totalFreezesDuration: 0.7,
    });
  });

  test.each([
    ['its transport says so', [{ type: 'transport', selectedCandidatePairId: 'used' }], {}],
    ['the pair says so itself', [], { selected: true }],
    ['it was nominated and works', [], { nominated: true, state: 'succeeded' }],
  ])('finds the round trip of the selected candidate pair, where %s', (_, rows, said) => {
    const stats = summarise({
      source: 'camera',
      report: report(
        { id: 'used', type: 'remote-candidate', ...said, currentRoundTripTime: 7 },
        { id: 'other', type: 'candidate-pair', nominated: true, state: 'failed', currentRoundTripTime: 8 },
        { id: 'used', type: 'candidate-pair', ...said, currentRoundTripTime: 0.02 },
        ...rows,
      ),
    });
    expect(stats.currentRoundTripTime).toBe(0.02);
  });

  test('leaves out what the report lacks, rather than 0', () => {
    const stats = summarise({ source: 'microphone', peerId: 'ada', report: report({ type: 'inbound-rtp' }) });
    expect(stats).toMatchObject({ bytes: 0, packets: 0, packetsLost: 0 });
    for (const value of [
      stats.jitter,
      stats.roundTripTime,
      stats.codec,
      stats.frames,
      stats.freezeCount,
      stats.currentRoundTripTime,
    ]) {
      expect(value).toBeUndefined();
    }
  });

  test('of an empty report is all zero', () => {
    expect(summarise({ source: 'camera', report: report() })).toEqual({
      direction: 'send',
      source: 'camera',
      bytes: 0,
      packets: 0,
      packetsLost: 0,
    });
  });
});

test('a transport counts RTP packets in both directions, and all bytes received', () => {
  const counted = countTransport(
    report(
      { type: 'outbound-rtp', packetsSent: 3, bytesReceived: 1 },
      { type: 'outbound-rtp', packetsSent: 4 },
      { type: 'inbound-rtp', packetsReceived: 5, bytesReceived: 2 },
      { type: 'candidate-pair', packetsSent: 100, packetsReceived: 200, bytesReceived: 6 },
      { type: 'candidate-pair' },
    ),
  );
  expect(counted).toEqual({ sent: 7, received: 5, bytesReceived: 6 });
});
