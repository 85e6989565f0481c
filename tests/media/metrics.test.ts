/** Tests of what `/metrics` says of media: packets and bytes as members count them, transports, and their ends. */
import { expect, vi } from 'vitest';
import { layers, received, spread, test, untilReceiving, untilStable, voice } from '../support/headlessMembers.ts';
import { readMetrics, type Samples, sumOf } from '../support/metrics.ts';

test('counts what goes in and out, by kind, codec and transport', async ({ open }) => {
  const { app, enter } = await open({ WEIR_METRICS_PORT: '0' });
  const read = () => readMetrics(`http://127.0.0.1:${app.metricsPort?.port}/metrics`);
  const ann = await enter('ann', { tracks: { camera: layers, microphone: voice }, receives: false });
  const bob = await enter('bob');
  await untilReceiving(bob, ann.peerId, 'camera', 200);
  await ann.setPaused('camera', true);
  await ann.setPaused('microphone', true);
  const counted = () => received(bob, ann.peerId, 'camera') + received(bob, ann.peerId, 'microphone');
  await untilStable(counted, 500);

  // What has been sent is counted when it has been sampled.
  let samples: Samples = new Map();
  const packets = (direction: string, kind: string) =>
    sumOf(samples, 'weir_rtp_packets_total', `direction="${direction}"`, `kind="${kind}"`, 'transport="webrtc"');
  await vi.waitUntil(
    async () => {
      samples = await read();
      return packets('out', 'video') >= received(bob, ann.peerId, 'camera');
    },
    { timeout: 20_000, interval: 200 },
  );
  const sent = (ann.media.tracks.get('camera') ?? []).reduce((sum, { packets: count }) => sum + count, 0);
  await vi.waitUntil(
    async () => {
      samples = await read();
      return packets('in', 'video') > sent * 0.8 && packets('in', 'audio') > 0;
    },
    { timeout: 20_000, interval: 200 },
  );
  expect(packets('in', 'video')).toBeLessThanOrEqual(sent);
  expect(packets('out', 'video')).toBe(received(bob, ann.peerId, 'camera'));
  const bytes = sumOf(samples, 'weir_rtp_bytes_total', 'direction="out"', 'kind="video"', 'codec="VP8"');
  expect(bytes).toBeGreaterThan(packets('out', 'video') * 400);
  // Everything else of the transport comes on top.
  const transportBytes = async () =>
    sumOf(await read(), 'weir_transport_bytes_total', 'direction="out"', 'transport="webrtc"');
  await expect.poll(transportBytes, { timeout: 20_000, interval: 200 }).toBeGreaterThan(bytes);
  expect(sumOf(samples, 'weir_rtcp_plis_total', 'direction="in"', 'kind="video"')).toBeGreaterThan(0);
  expect(samples.get('weir_transports{transport="webrtc",protocol="udp"}')).toBe(2);
  expect(samples.get('weir_ice_selected_tuples_total{protocol="udp"}')).toBe(2);

  // Counters outlive what they have counted, and gauges do not.
  const before = packets('in', 'video');
  ann.leave();
  bob.leave();
  await expect
    .poll(async () => (await read()).get('weir_transports{transport="webrtc",protocol="udp"}'))
    .toBeUndefined();
  samples = await read();
  expect(packets('in', 'video')).toBeGreaterThanOrEqual(before);
});

test('keeps what goes through pipes between workers apart', async ({ open }) => {
  const { app, enter } = await open({ WEIR_METRICS_PORT: '0', ...spread });
  const read = () => readMetrics(`http://127.0.0.1:${app.metricsPort?.port}/metrics`);
  const ann = await enter('ann', { tracks: { camera: layers }, receives: false });
  const bob = await enter('bob');
  await untilReceiving(bob, ann.peerId);
  const both = async () => {
    const samples = await read();
    const of = (direction: string) =>
      sumOf(samples, 'weir_rtp_packets_total', 'transport="pipe"', `direction="${direction}"`);
    return of('in') > 0 && of('out') > 0;
  };
  await expect.poll(both, { timeout: 20_000, interval: 500 }).toBe(true);
  expect(sumOf(await read(), 'weir_transports', 'transport="pipe"')).toBe(2);
  expect((await read()).get('weir_worker_routers{worker="1"}')).toBe(1);
});
