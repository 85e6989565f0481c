/** mediasoup's objects without Weir, in a measured process: as many as a room of Weir's would have. */
import { createWorker } from 'mediasoup';
import type { Producer, WebRtcTransport } from 'mediasoup/types';
import { z } from 'zod';
import { mediaCodecs, webRtcTransportOptions } from '../../../server/media/options.ts';
import { opus, vp8 } from '../../support/media/clientParameters.ts';
import { answerQuestions, memoryAfterCollection } from '../../support/process/Child.ts';

const { MEDIASOUP_WORKER_BIN: workerBin } = process.env;
const worker = await createWorker({ logLevel: 'warn', ...(workerBin && { workerBin }) });
const webRtcServer = await worker.createWebRtcServer({ listenInfos: [{ protocol: 'udp', ip: '127.0.0.1' }] });
/** References that an application has to keep in order to use them. */
const rooms: { transports: WebRtcTransport[]; producers: Producer[] }[] = [];

/** Creates one router; each peer gets two transports, a camera, a microphone, and a consumer of every other track. */
async function fill(peers: number): Promise<number> {
  const router = await worker.createRouter({ mediaCodecs });
  const room: (typeof rooms)[number] = { transports: [], producers: [] };
  rooms.push(room);
  const open = () => router.createWebRtcTransport({ ...webRtcTransportOptions, webRtcServer });
  const receiving: WebRtcTransport[] = [];
  for (let peer = 0; peer < peers; peer += 1) {
    const send = await open();
    const recv = await open();
    room.transports.push(send, recv);
    receiving.push(recv);
    room.producers.push(
      await send.produce({ kind: 'video', rtpParameters: vp8() }),
      await send.produce({ kind: 'audio', rtpParameters: opus() }),
    );
  }
  let consumers = 0;
  for (const [peer, transport] of receiving.entries()) {
    for (const [index, { id: producerId }] of room.producers.entries()) {
      if (Math.floor(index / 2) === peer) continue;
      await transport.consume({ producerId, rtpCapabilities: router.rtpCapabilities, paused: true });
      consumers += 1;
    }
  }
  return consumers;
}

answerQuestions(
  {
    where: () => ({ url: 'none:', worker: worker.pid }),
    memory: () => memoryAfterCollection(),
    fill: (peers) => fill(z.number().parse(peers)),
  },
  async () => worker.close(),
);
