/** The layout plan and the playback statistics of a viewer's page. */
import { describe, expect, test } from 'vitest';
import type { TrackStats } from '../../web/client/index.ts';
import { layoutPlan } from '../../web/view/broadcast/viewer/layoutPlan.ts';
import { PlaybackStatsMeter } from '../../web/view/broadcast/viewer/playbackStats.ts';

const somebody = (id: string, state: { cameraOn?: boolean; screenOn?: boolean; away?: boolean } = {}) => ({
  id,
  cameraOn: true,
  screenOn: false,
  away: false,
  ...state,
});

describe('layoutPlan', () => {
  test('shows the host large, and the others in the order in which they joined', () => {
    const stage = [somebody('host'), somebody('ada'), somebody('bob')];
    expect(layoutPlan(stage, 'bob')).toEqual({
      main: { id: 'host', source: 'camera' },
      corner: undefined,
      strip: ['ada', 'bob'],
    });
  });

  test("shows a screen first, with the owner's camera in the corner if it is on", () => {
    const stage = [somebody('host'), somebody('ada', { screenOn: true })];
    expect(layoutPlan(stage, 'host')).toEqual({
      main: { id: 'ada', source: 'screen' },
      corner: 'ada',
      strip: ['host'],
    });
    const withoutCamera = [somebody('host'), somebody('ada', { screenOn: true, cameraOn: false })];
    expect(layoutPlan(withoutCamera, 'host').corner).toBeUndefined();
  });

  test("without the host's video shows the speaker if they have one, else anyone who has", () => {
    const stage = [somebody('host', { cameraOn: false }), somebody('ada'), somebody('bob')];
    expect(layoutPlan(stage, 'bob').main?.id).toBe('bob');
    expect(layoutPlan(stage, 'host').main?.id).toBe('ada');
    expect(layoutPlan([somebody('host', { away: true }), somebody('ada')], undefined).main?.id).toBe('ada');
  });

  test('without any video shows the speaker, else the host, else nobody', () => {
    const stage = [somebody('host', { cameraOn: false }), somebody('ada', { cameraOn: false })];
    expect(layoutPlan(stage, 'ada').main?.id).toBe('ada');
    expect(layoutPlan(stage, undefined).main?.id).toBe('host');
    expect(layoutPlan([], undefined).main).toBeUndefined();
  });
});

describe('the playback statistics of a viewer', () => {
  const film = (more: Partial<TrackStats>): TrackStats => ({
    direction: 'receive',
    source: 'camera',
    peerId: 'host',
    bytes: 0,
    packets: 0,
    packetsLost: 0,
    frames: 0,
    ...more,
  });

  test('cover the time between the samples: rates, half a round trip, jitter buffer, decoding', () => {
    const figures = new PlaybackStatsMeter();
    const first = {
      bytes: 1000,
      packets: 10,
      frames: 10,
      jitterBufferEmittedCount: 10,
      jitterBufferDelay: 9,
      totalDecodeTime: 5,
      currentRoundTripTime: 0.1,
    };
    expect(figures.add([film(first)], 0)).toBeUndefined();
    const second = {
      ...first,
      bytes: 251_000,
      packets: 210,
      frames: 70,
      jitterBufferEmittedCount: 70,
      jitterBufferDelay: 21,
      totalDecodeTime: 5.6,
    };
    const now = figures.add([film({ ...second, frameWidth: 640, frameHeight: 360 })], 2000);
    expect(now).toMatchObject({ bitrate: 1000, width: 640, height: 360, framesPerSecond: 30, loss: 0, health: 'good' });
    // 0.05 of the network, 12 / 60 of the jitter buffer, 0.6 / 60 of decoding.
    expect(now?.latency).toBeCloseTo(0.26);
  });

  test('drop old samples', () => {
    const figures = new PlaybackStatsMeter();
    for (let second = 0; second <= 10; second += 1) {
      const lost = Math.min(second, 2) * 100;
      const now = figures.add([film({ packets: second * 100, packetsLost: lost, frames: second * 30 })], second * 1000);
      if (second === 2) expect(now).toMatchObject({ health: 'poor' });
      if (second === 10) expect(now).toMatchObject({ loss: 0, health: 'good' });
    }
  });

  test.each([
    ['good', { packets: 1000, packetsLost: 5, frames: 30 }],
    ['fair', { packets: 1000, packetsLost: 20, frames: 30 }],
    ['fair', { packets: 1000, frames: 30, freezeCount: 1 }],
    ['poor', { packets: 1000, packetsLost: 100, frames: 30 }],
    ['poor', { packets: 0, frames: 0 }],
  ] as const)('are rated %s with %o in a second', (health, counts) => {
    const figures = new PlaybackStatsMeter();
    figures.add([film({})], 0);
    expect(figures.add([film(counts)], 1000)?.health).toBe(health);
  });

  test('do not expect many frames of a screen', () => {
    const figures = new PlaybackStatsMeter();
    figures.add([film({ source: 'screen' })], 0);
    expect(figures.add([film({ source: 'screen', packets: 10, frames: 1 })], 1000)?.health).toBe('good');
  });
});
