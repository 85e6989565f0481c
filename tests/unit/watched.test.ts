/** Tests of the client's track settings, encodings, and of how the sender follows the demand for layers. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WeirError } from '../../shared/errors.ts';
import type { TrackSettings } from '../../shared/protocol.ts';
import {
  chooseCodec,
  type EncodingChoice,
  encodedSize,
  encodingsOf,
  layersIn,
  producedEncodings,
} from '../../web/client/sfu/encodings.ts';
import { type LayerSender, SenderLayerControl } from '../../web/client/sfu/SenderLayerControl.ts';
import { TrackSettingsReporter } from '../../web/client/sfu/TrackSettingsReporter.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const turn = () => vi.advanceTimersByTimeAsync(0);

describe('track settings', () => {
  /** A reporter with all that it sends; `answer` is the server's reply to each request. */
  function setUp(answer: () => Promise<unknown> = async () => ({})) {
    const requests: TrackSettings[][] = [];
    const line = { held: false };
    const views = new TrackSettingsReporter({
      send: (request) => {
        requests.push(request);
        return answer();
      },
      held: () => line.held,
    });
    return { views, requests, line };
  }

  test('the first changes are sent together at the end of the turn; the next ones 250 ms later, as they are then', async () => {
    const { views, requests } = setUp();
    views.set('ann', 'camera', { width: 640, height: 360 });
    views.set('bob', 'camera', { width: 320, height: 176, priority: 'high' });
    expect(requests).toEqual([]);
    await turn();
    expect(requests).toEqual([
      [
        { peerId: 'ann', source: 'camera', width: 640, height: 368 },
        { peerId: 'bob', source: 'camera', width: 320, height: 176, priority: 'high' },
      ],
    ]);
    views.set('ann', 'camera', { width: 960, height: 540 });
    await vi.advanceTimersByTimeAsync(100);
    views.set('ann', 'camera', { width: 1280, height: 720 });
    await vi.advanceTimersByTimeAsync(149);
    expect(requests.length).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(requests.slice(1)).toEqual([[{ peerId: 'ann', source: 'camera', width: 1280, height: 720 }]]);
  });

  test('small or reverted changes are not sent; becoming hidden always is', async () => {
    const { views, requests } = setUp();
    views.set('ann', 'camera', { width: 641, height: 361 });
    await turn();
    views.set('ann', 'camera', { width: 650, height: 365 });
    await vi.advanceTimersByTimeAsync(1000);
    views.set('ann', 'camera', undefined);
    views.set('ann', 'camera', { width: 656, height: 368, priority: 'normal' });
    await vi.advanceTimersByTimeAsync(1000);
    expect(requests.length).toBe(1);
    expect(views.isVisible('ann', 'camera')).toBe(true);
    views.set('ann', 'camera', { width: 3, height: 0 });
    await vi.advanceTimersByTimeAsync(1000);
    expect(requests.slice(1)).toEqual([[{ peerId: 'ann', source: 'camera', width: 0, height: 0 }]]);
    expect(views.isVisible('ann', 'camera')).toBe(false);
    expect(views.isVisible('bob', 'camera')).toBe(true);
  });

  test('hiding one track waits a moment for another to become visible', async () => {
    const { views, requests } = setUp();
    views.set('ann', 'camera', undefined);
    await vi.advanceTimersByTimeAsync(20);
    expect(requests).toEqual([]);
    views.set('bob', 'camera', { width: 640, height: 368 });
    await turn();
    expect(requests.map((request) => request.map(({ peerId }) => peerId))).toEqual([['ann', 'bob']]);
    await vi.advanceTimersByTimeAsync(300);
    views.set('bob', 'camera', undefined);
    await vi.advanceTimersByTimeAsync(50);
    expect(requests.length).toBe(2);
  });

  test('continuous changes are sent every 250 ms, also while sizes shrink', async () => {
    const { views, requests } = setUp();
    for (let at = 0; at < 2000; at += 20) {
      views.set('ann', 'camera', { width: 1600 - at / 2, height: 900 });
      await vi.advanceTimersByTimeAsync(20);
    }
    expect(requests.length).toBeGreaterThanOrEqual(7);
    expect(requests.length).toBeLessThanOrEqual(9);
  });

  test('a change that was reverted before it was sent does not delay others', async () => {
    const { views, requests } = setUp();
    views.set('ann', 'camera', { width: 640, height: 368 });
    await vi.advanceTimersByTimeAsync(1000);
    views.set('ann', 'camera', undefined);
    views.set('ann', 'camera', { width: 640, height: 368 });
    await vi.advanceTimersByTimeAsync(60);
    views.set('ann', 'camera', { width: 1280, height: 720 });
    await turn();
    expect(requests.length).toBe(2);
  });

  test('after close nothing is sent', async () => {
    const { views, requests } = setUp();
    views.set('ann', 'camera', { width: 640, height: 368 });
    views.close();
    views.set('bob', 'camera', { width: 640, height: 368 });
    await vi.advanceTimersByTimeAsync(1000);
    expect(requests).toEqual([]);
  });

  test('more than 256 are split; peers that have left are not named', async () => {
    const { views, requests } = setUp();
    for (let peer = 0; peer < 300; peer += 1) views.set(`p${peer}`, 'camera', { width: 160, height: 96 });
    views.set('p7', 'screen', { width: 160, height: 96 });
    views.removePeer('p7');
    await turn();
    expect(requests.map(({ length }) => length)).toEqual([256, 43]);
    expect(requests.flat().some(({ peerId }) => peerId === 'p7')).toBe(false);
  });

  test('rejected settings are sent again: automatically if the rejection is temporary, otherwise with the next change', async () => {
    let refusal: WeirError | undefined = new WeirError('rateLimited');
    const { views, requests } = setUp(() => (refusal ? Promise.reject(refusal) : Promise.resolve({})));
    views.set('ann', 'camera', { width: 160, height: 96 });
    await turn();
    refusal = new WeirError('badRequest');
    await vi.advanceTimersByTimeAsync(1000);
    expect(requests.length).toBe(2);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(requests.length).toBe(2);
    refusal = undefined;
    views.set('bob', 'camera', { width: 160, height: 96 });
    await turn();
    expect(requests.at(-1)?.map(({ peerId }) => peerId)).toEqual(['ann', 'bob']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(requests.length).toBe(3);
  });

  test('while disconnected nothing is sent, and afterwards the current settings are', async () => {
    const { views, requests, line } = setUp();
    line.held = true;
    views.set('ann', 'camera', { width: 160, height: 96 });
    await vi.advanceTimersByTimeAsync(5000);
    views.set('ann', 'camera', { width: 320, height: 176 });
    expect(requests).toEqual([]);
    line.held = false;
    views.resume();
    await turn();
    expect(requests).toEqual([[{ peerId: 'ann', source: 'camera', width: 320, height: 176 }]]);
  });
});

describe('encodings', () => {
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
        const told = encodedSize({ width, height }, encodings);
        expect(macroblocks(told)).toBeLessThan(3600);
        expect(told.width / told.height).toBeCloseTo(width / height, 1);
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
        const [made, other] = [
          producedEncodings(choice),
          encodingsOf({ ...choice, size: { width: 1280, height: 720 } }),
        ];
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
});

describe('sender layer control', () => {
  /** A browser's sender: each change takes 100 ms, concurrent changes are an error; it counts calls. */
  class Sender implements LayerSender {
    readonly changes: (boolean | undefined)[][] = [];
    encodings: RTCRtpEncodingParameters[];
    refuses: (encodings: readonly RTCRtpEncodingParameters[]) => boolean = () => false;
    asked = 0;
    /** Changes requested while another was running. */
    overlaps = 0;
    #busy = false;

    constructor(encodings: RTCRtpEncodingParameters[]) {
      this.encodings = encodings.map((encoding) => ({ active: true, ...encoding }));
    }

    getParameters(): RTCRtpSendParameters {
      return {
        transactionId: '',
        codecs: [],
        headerExtensions: [],
        rtcp: {},
        encodings: structuredClone(this.encodings),
      };
    }

    async setParameters({ encodings }: RTCRtpSendParameters): Promise<void> {
      this.asked += 1;
      if (this.#busy) {
        this.overlaps += 1;
        throw new Error('two at once');
      }
      this.#busy = true;
      await new Promise((resolve) => setTimeout(resolve, 100));
      this.#busy = false;
      if (this.refuses(encodings)) throw new Error('refused');
      this.encodings = encodings;
      this.changes.push(encodings.map(({ active }) => active));
    }
  }
  const simulcast = [{ rid: 'r0' }, { rid: 'r1' }, { rid: 'r2' }];
  const settle = () => vi.advanceTimersByTimeAsync(5000);

  test('changes run one after another, and only the last of several is made', async () => {
    const layers = new SenderLayerControl();
    const sender = new Sender(simulcast);
    layers.begin('camera', sender, simulcast);
    await settle();
    expect(sender.changes).toEqual([]);
    layers.limit('camera', 0);
    await vi.advanceTimersByTimeAsync(50);
    for (const limit of [1, -1, 2, 1]) layers.limit('camera', limit);
    await settle();
    expect(sender.changes).toEqual([
      [true, false, false],
      [true, true, false],
    ]);
    layers.limit('camera', -1);
    await settle();
    layers.limit('camera', 2);
    await settle();
    expect(sender.changes.slice(2)).toEqual([
      [false, false, false],
      [true, true, true],
    ]);
    expect(sender.overlaps).toBe(0);
  });

  test('a limit that precedes the sender applies to it; that of a former sender does not', async () => {
    const layers = new SenderLayerControl();
    layers.limit('camera', 0);
    const first = new Sender(simulcast);
    layers.begin('camera', first, simulcast);
    await settle();
    expect(first.changes).toEqual([[true, false, false]]);
    layers.end('camera');
    const second = new Sender(simulcast);
    layers.begin('camera', second, simulcast);
    await settle();
    expect(second.changes).toEqual([]);
  });

  test('a limit that an SDP exchange has reset is applied again', async () => {
    const layers = new SenderLayerControl();
    const sender = new Sender(simulcast);
    layers.begin('camera', sender, simulcast);
    layers.limit('camera', 0);
    await settle();
    const undo = () => {
      for (const encoding of sender.encodings) encoding.active = true;
    };
    undo();
    layers.begin('screen', new Sender([{}]), [{}]);
    await vi.advanceTimersByTimeAsync(100);
    expect(sender.encodings.map(({ active }) => active)).toEqual([true, false, false]);
    undo();
    await settle();
    expect(sender.changes.length).toBe(3);
    layers.close();
  });

  test('new encodings of a layer without demand apply to all layers, and activate none above the limit', async () => {
    const layers = new SenderLayerControl();
    const sender = new Sender(simulcast);
    layers.begin('camera', sender, simulcast);
    layers.limit('camera', 1);
    layers.reshape(
      'camera',
      simulcast.map((encoding) => ({ ...encoding, maxBitrate: 1000 })),
    );
    await settle();
    expect(sender.encodings.map(({ active, maxBitrate }) => [active, maxBitrate])).toEqual([
      [true, 1000],
      [true, 1000],
      [false, 1000],
    ]);
    layers.close();
  });

  test('an encoding that is not used at this size stays inactive, whatever the demand, also after an SDP exchange', async () => {
    const layers = new SenderLayerControl();
    const small = simulcast.map((encoding, layer) => ({ ...encoding, active: layer === 0 }));
    const sender = new Sender(small);
    layers.begin('camera', sender, small);
    layers.limit('camera', 2);
    await settle();
    const active = () => sender.encodings.map((encoding) => encoding.active);
    expect(active()).toEqual([true, false, false]);
    for (const encoding of sender.encodings) encoding.active = true;
    await settle();
    expect(active()).toEqual([true, false, false]);
    layers.reshape('camera', simulcast);
    await settle();
    expect(active()).toEqual([true, true, true]);
    layers.close();
  });

  test('a source without an entry in the snapshot has full demand', async () => {
    const layers = new SenderLayerControl();
    const sender = new Sender(simulcast);
    layers.begin('camera', sender, simulcast);
    layers.limit('camera', -1);
    await settle();
    layers.sync([{ source: 'screen', maxSpatialLayer: 0 }]);
    await settle();
    expect(sender.changes.at(-1)).toEqual([true, true, true]);
  });

  test('a rejected change is retried a few times', async () => {
    const layers = new SenderLayerControl();
    const sender = new Sender(simulcast);
    layers.begin('camera', sender, simulcast);
    sender.refuses = () => true;
    layers.limit('camera', 0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sender.changes).toEqual([]);
    const { asked } = sender;
    expect(asked).toBeGreaterThan(2);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sender.asked).toBe(asked);
    layers.limit('camera', 1);
    await vi.advanceTimersByTimeAsync(300);
    sender.refuses = () => false;
    await settle();
    expect(sender.changes).toEqual([[true, true, false]]);
  });

  test('a single SVC stream is reduced by its scalability mode where the browser accepts that', async () => {
    const svc = [{ scalabilityMode: 'L3T3_KEY', maxBitrate: 1_500_000 }];
    const layers = new SenderLayerControl();
    const sender = new Sender(svc);
    layers.begin('camera', sender, svc);
    layers.limit('camera', 1);
    await settle();
    const half = { active: true, scalabilityMode: 'L2T3_KEY', scaleResolutionDownBy: 2, maxBitrate: 500_000 };
    expect(sender.encodings).toEqual([half]);
    layers.limit('camera', -1);
    await settle();
    expect(sender.encodings).toEqual([{ ...half, active: false }]);
    layers.limit('camera', 2);
    await settle();
    expect(sender.encodings).toEqual([{ ...svc[0], active: true, scaleResolutionDownBy: 1 }]);
    sender.refuses = ([encoding]) =>
      encoding !== undefined && 'scalabilityMode' in encoding && encoding.scalabilityMode !== 'L3T3_KEY';
    layers.limit('camera', 0);
    await settle();
    expect(sender.encodings).toEqual([
      { active: true, scalabilityMode: 'L3T3_KEY', scaleResolutionDownBy: 4, maxBitrate: 300_000 },
    ]);
  });
});
