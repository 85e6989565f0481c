/** Tests of the encodings of a source: by codec, size, browser and kind of room. */
import { expect, test } from 'vitest';
import {
  chooseCodec,
  type EncodingChoice,
  encodedSize,
  encodingsOf,
  layersIn,
  producedEncodings,
} from '../../web/client/sfu/encodings.ts';

const usual: EncodingChoice = {
  source: 'camera',
  codec: 'VP8',
  size: { width: 1280, height: 720 },
  kind: 'call',
  scalable: true,
  firefox: false,
};
const camera = (choice: Partial<EncodingChoice>) => encodingsOf({ ...usual, ...choice });
/** Macroblocks, 16 by 16 pixels, of the highest layer. */
const macroblocks = ({ width, height }: { width: number; height: number }, scale = 1) =>
  Math.ceil(Math.floor(width / scale) / 16) * Math.ceil(Math.floor(height / scale) / 16);
/** The encodings that are active at this size. */
const used = (choice: Partial<EncodingChoice>) => camera(choice).filter(({ active }) => active !== false);

test.each([
  [1280, 720],
  [720, 1280],
  [1296, 720],
  [1024, 1024],
  [1920, 1080],
  [3840, 2160],
  [2560, 400],
])(
  'Firefox sends %i by %i with slightly less than 3600 macroblocks, and the server is sent that size',
  (width, height) => {
    for (const kind of ['call', 'broadcast'] as const) {
      const encodings = camera({ size: { width, height }, kind, firefox: true });
      const [low, middle, high = 1] = encodings.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy);
      expect(macroblocks({ width, height }, high)).toBeLessThan(3600);
      expect(macroblocks({ width, height }, high)).toBeGreaterThan(3400);
      expect([low, middle]).toEqual([4 * high, 2 * high]);
      const reported = encodedSize({ width, height }, encodings);
      expect(macroblocks(reported)).toBeLessThan(3600);
      expect(reported.width / reported.height).toBeCloseTo(width / height, 1);
    }
  },
);

test.each([
  [1264, 720],
  [960, 540],
  [640, 480],
])('Firefox sends %i by %i as it is', (width, height) => {
  const scales = camera({ size: { width, height }, firefox: true }).map(
    ({ scaleResolutionDownBy }) => scaleResolutionDownBy,
  );
  expect(scales.slice(-2)).toEqual(width < 960 ? [1, 1] : [2, 1]);
});

test('a single stream is not scaled: Firefox has no uplink to fill with it', () => {
  const size = { width: 1920, height: 1080 };
  for (const choice of [{ codec: 'VP9' }, { codec: 'AV1' }, { source: 'screen' }] as const) {
    const encodings = camera({ ...choice, size, scalable: false, firefox: true });
    expect(encodings.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy)).toEqual([undefined]);
    expect(encodedSize(size, encodings)).toEqual(size);
  }
});

test.each([
  [1920, 1080, [4, 2, 1]],
  [720, 1280, [4, 2, 1]],
  [960, 540, [4, 2, 1]],
  [640, 480, [2, 1]],
  [480, 270, [2, 1]],
  [320, 240, [1]],
])('a camera of %i by %i is scaled down by %j', (width, height, scales) => {
  for (const codec of ['VP8', 'H264'] as const) {
    const encodings = used({ codec, size: { width, height } });
    expect(encodings.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy)).toEqual(scales);
  }
});

test('a camera of any size can be replaced by one of any other size', () => {
  for (const size of [undefined, { width: 320, height: 240 }, { width: 640, height: 480 }]) {
    for (const codec of ['VP8', 'H264', 'VP9', 'AV1'] as const) {
      const choice = { ...usual, codec, size };
      const [made, other] = [producedEncodings(choice), encodingsOf({ ...choice, size: { width: 1280, height: 720 } })];
      expect(made.length).toBe(other.length);
      if (made.length === 1) expect(layersIn(made)).toBe(3);
      expect(layersIn(encodingsOf(choice))).toBe(size === undefined ? 3 : size.width / 320);
    }
  }
});

test('VP8 and H264 are simulcast, VP9 and AV1 one SVC stream', () => {
  expect(camera({})).toEqual([
    { active: true, maxBitrate: 150_000, scaleResolutionDownBy: 4, scalabilityMode: 'L1T3' },
    { active: true, maxBitrate: 500_000, scaleResolutionDownBy: 2, scalabilityMode: 'L1T3' },
    { active: true, maxBitrate: 1_500_000, scaleResolutionDownBy: 1, scalabilityMode: 'L1T3' },
  ]);
  expect(camera({ codec: 'H264' }).map(({ scalabilityMode }) => scalabilityMode)).toEqual(['L1T1', 'L1T1', 'L1T1']);
  expect(camera({ codec: 'VP9' })).toEqual([{ maxBitrate: 1_500_000, scalabilityMode: 'L3T3_KEY' }]);
  expect(camera({ codec: 'AV1', size: { width: 640, height: 360 } })).toEqual([
    { maxBitrate: 500_000, scalabilityMode: 'L2T3_KEY' },
  ]);
  expect(camera({ codec: 'VP9', scalable: false })).toEqual([{ maxBitrate: 1_500_000 }]);
});

test('a broadcast has higher bitrates except for a small camera, a screen and audio', () => {
  const broadcast = (choice: Partial<EncodingChoice>) => camera({ kind: 'broadcast', ...choice });
  const rates = (choice: Partial<EncodingChoice>) =>
    used({ kind: 'broadcast', ...choice }).map(({ maxBitrate }) => maxBitrate);
  expect(broadcast({})).toEqual([
    { active: true, maxBitrate: 200_000, scaleResolutionDownBy: 4, scalabilityMode: 'L1T3' },
    { active: true, maxBitrate: 700_000, scaleResolutionDownBy: 2, scalabilityMode: 'L1T3' },
    { active: true, maxBitrate: 2_000_000, scaleResolutionDownBy: 1, scalabilityMode: 'L1T3' },
  ]);
  expect(rates({ codec: 'H264', size: { width: 640, height: 360 } })).toEqual([200_000, 700_000]);
  expect(rates({ codec: 'VP9' })).toEqual([2_000_000]);
  expect(rates({ codec: 'AV1', size: { width: 640, height: 360 } })).toEqual([700_000]);
  expect(rates({ codec: 'AV1', scalable: false })).toEqual([2_000_000]);
  const small = { size: { width: 320, height: 240 } };
  const same: Partial<EncodingChoice>[] = [
    small,
    { ...small, codec: 'VP9' },
    { source: 'screen' },
    { source: 'microphone' },
    { source: 'screenAudio' },
  ];
  for (const choice of same) expect(broadcast(choice)).toEqual(camera(choice));
  // The sum stays below the limit of a peer (`WEIR_MAX_INCOMING_BITRATE`).
  const everything = [{}, ...same.slice(2)].flatMap(rates).reduce<number>((sum, rate = 0) => sum + rate, 0);
  expect(everything).toBeLessThan(6_000_000);
});

test('a track with a low frame rate has no temporal layers', () => {
  const modes = (choice: Partial<EncodingChoice>) => camera(choice).map(({ scalabilityMode }) => scalabilityMode);
  expect(modes({ slow: true })).toEqual(['L1T1', 'L1T1', 'L1T1']);
  expect(modes({ codec: 'VP9', slow: true })).toEqual(['L3T1_KEY']);
});

test('a screen is a single stream with any codec', () => {
  const screen = (codec: EncodingChoice['codec']) => camera({ source: 'screen', codec });
  // A temporal layer of a screen that stands still would have no frame for seconds.
  expect(screen('VP8')).toEqual([{ maxBitrate: 2_500_000, maxFramerate: 5, scalabilityMode: 'L1T1' }]);
  expect(screen('H264')).toEqual([{ maxBitrate: 2_500_000, maxFramerate: 5 }]);
});

test('only a screen with detail content has its frame rate limited', () => {
  const limits = (choice: Partial<EncodingChoice>) =>
    new Set(camera(choice).map(({ maxFramerate = Number.POSITIVE_INFINITY }) => maxFramerate > 30));
  expect(limits({ source: 'screen', content: 'detail' })).toEqual(new Set([false]));
  expect(limits({ source: 'screen', content: 'motion' })).toEqual(new Set([true]));
  expect(limits({ content: 'detail' })).toEqual(new Set([true]));
  expect(limits({ codec: 'VP9' })).toEqual(new Set([true]));
});

test('the codec is the preferred one, else VP8, else any available one', () => {
  const codecs = (...names: string[]) =>
    names.map((name) => ({
      kind: 'video' as const,
      mimeType: `video/${name}` as const,
      clockRate: 90_000,
      preferredPayloadType: 100,
    }));
  const chosen = (...names: string[]) => chooseCodec(codecs(...names), 'H264')?.mimeType;
  expect(chosen('VP8', 'rtx', 'h264')).toBe('video/h264');
  expect(chosen('rtx', 'VP9', 'VP8')).toBe('video/VP8');
  expect(chosen('rtx', 'AV1')).toBe('video/AV1');
  expect(chosen('rtx')).toBeUndefined();
});
