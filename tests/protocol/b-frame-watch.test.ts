/** Tests that looking for B-frames ends, whatever a publisher sends: each packet that is looked at is copied. */
import { createWorker } from 'mediasoup';
import { expect, onTestFinished, test, vi } from 'vitest';
import { BFrameWatch } from '../../server/gateways/BFrameWatch.ts';
import { mediaCodecs } from '../../server/media/options.ts';

/** Milliseconds. */
const waiting = { timeout: 8000, interval: 5 };
const PAYLOAD_TYPE = 102;
const SSRC = 4242;
const parameterSet = Buffer.from('6742e01f', 'hex');
const keyFrame = Buffer.from('65888400', 'hex');
const bPicture = Buffer.from('019e4179', 'hex');

/** A publisher of H.264 that is looked at. */
async function open() {
  const { MEDIASOUP_WORKER_BIN: workerBin } = process.env;
  const worker = await createWorker({ logLevel: 'warn', ...(workerBin && { workerBin }) });
  onTestFinished(() => worker.close());
  const router = await worker.createRouter({ mediaCodecs });
  const transport = await router.createDirectTransport();
  const parameters = { 'packetization-mode': 1, 'profile-level-id': '42e01f' };
  const codec = { mimeType: 'video/H264', payloadType: PAYLOAD_TYPE, clockRate: 90_000, parameters };
  const producer = await transport.produce({
    kind: 'video',
    rtpParameters: { codecs: [codec], encodings: [{ ssrc: SSRC }], rtcp: { cname: 'camera' } },
  });
  const seen = { closed: false, found: 0 };
  router.observer.once('newtransport', ({ observer }) => {
    observer.once('close', () => {
      seen.closed = true;
    });
  });
  const onFound = () => {
    seen.found += 1;
  };
  const watch = BFrameWatch.start({ router, producerId: producer.id, onFound });
  onTestFinished(() => watch.close());
  let sequence = 0;
  const send = (payload: Buffer) => {
    const header = Buffer.alloc(12);
    header.writeUInt8(0x80);
    header.writeUInt8(0x80 | PAYLOAD_TYPE, 1);
    header.writeUInt16BE(sequence & 0xffff, 2);
    header.writeUInt32BE(sequence * 3000, 4);
    header.writeUInt32BE(SSRC, 8);
    sequence += 1;
    producer.send(Buffer.concat([header, payload]));
  };
  return { seen, send };
}

test.for([
  ['key frames only', keyFrame, 0],
  ['B-frames', bPicture, 1],
] as const)('a watch of %s ends', async ([_name, payload, found]) => {
  const { seen, send } = await open();
  await vi.waitUntil(() => {
    // Media begins with a key frame, which parameter sets announce.
    send(parameterSet);
    for (let count = 0; count < 100; count += 1) send(payload);
    return seen.closed;
  }, waiting);
  expect(seen.found).toBe(found);
});
