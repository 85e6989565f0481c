/** Tests of SenderLayerControl: which layers of a published video are active, whatever the browser does to them. */
import { FakeMediaStreamTrack } from 'fake-mediastreamtrack';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type LayerSender, SenderLayerControl } from '../../web/client/sfu/SenderLayerControl.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A browser's sender: each change takes 100 ms, concurrent changes are an error; it counts calls. */
class Sender implements LayerSender {
  readonly changes: (boolean | undefined)[][] = [];
  encodings: RTCRtpEncodingParameters[];
  refuses: (encodings: readonly RTCRtpEncodingParameters[]) => boolean = () => false;
  calls = 0;
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
    this.calls += 1;
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
  const { calls } = sender;
  expect(calls).toBeGreaterThan(2);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sender.calls).toBe(calls);
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

test('audio, which has one layer, is sent or not, and nothing else of it changes', async () => {
  const layers = new SenderLayerControl();
  const sender = new Sender([{ maxBitrate: 32_000 }]);
  layers.begin('microphone', sender, []);
  layers.limit('microphone', -1);
  await settle();
  layers.limit('microphone', 0);
  await settle();
  expect(sender.changes).toEqual([[false], [true]]);
  expect(sender.encodings).toEqual([{ maxBitrate: 32_000, active: true }]);
  layers.close();
});

test('audio of a browser that ignores inactive encodings loses its track instead, also one that replaces it', async () => {
  const layers = new SenderLayerControl();
  const [first, second] = [new FakeMediaStreamTrack({ kind: 'audio' }), new FakeMediaStreamTrack({ kind: 'audio' })];
  let track = first;
  const sender = {
    track: first as FakeMediaStreamTrack | null,
    refuses: false,
    async replaceTrack(next: FakeMediaStreamTrack | null) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (sender.refuses) throw new Error('refused');
      sender.track = next;
    },
  };
  layers.beginTrackless('microphone', sender, () => track);
  layers.limit('microphone', -1);
  layers.limit('microphone', 0);
  layers.limit('microphone', -1);
  await settle();
  expect(sender.track).toBeNull();
  // The application replaces the track.
  track = second;
  sender.track = second;
  await settle();
  expect(sender.track).toBeNull();
  sender.refuses = true;
  layers.limit('microphone', 0);
  await settle();
  sender.refuses = false;
  await settle();
  expect(sender.track).toBe(second);
  // While it is sent, a replacement is nobody else's matter.
  sender.track = first;
  await settle();
  expect(sender.track).toBe(first);
  layers.close();
});
