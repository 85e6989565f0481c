/** The bare worker: mediasoup driven directly, with the transports that Weir uses and without Weir's own code. */
import { createWorker } from 'mediasoup';
import type { Router, WebRtcServer, WebRtcTransport, Worker } from 'mediasoup/types';
import { mediaCodecs, webRtcTransportOptions } from '../../../server/media/options.ts';
import { RtpCapabilities, RtpParameters, type TransportInfo } from '../../../shared/media.ts';
import { MemberMedia } from '../../support/endpoint/MemberMedia.ts';
import { receiveCapabilities } from '../../support/endpoint/parameters.ts';
import type { Track } from '../../support/endpoint/Track.ts';
import type { Stream } from '../../support/media/Stream.ts';

/** Pauses tracks, or resumes them with a key frame, which viewers that joined meanwhile need. */
export function pause(tracks: readonly Track[], paused: boolean): void {
  for (const track of tracks) {
    track.paused = paused;
    if (!paused) track.requestKeyFrame();
  }
}

export class BareRoom implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #server: WebRtcServer;
  readonly #router: Router;
  readonly #receivers: MemberMedia[] = [];
  #publisher: MemberMedia | undefined;

  private constructor(worker: Worker, server: WebRtcServer, router: Router) {
    this.#worker = worker;
    this.#server = server;
    this.#router = router;
  }

  static async open(): Promise<BareRoom> {
    const { MEDIASOUP_WORKER_BIN: workerBin } = process.env;
    const worker = await createWorker({ logLevel: 'warn', ...(workerBin && { workerBin }) });
    const server = await worker.createWebRtcServer({
      listenInfos: [
        { protocol: 'udp', ip: '127.0.0.1' },
        { protocol: 'tcp', ip: '127.0.0.1' },
      ],
    });
    return new BareRoom(worker, server, await worker.createRouter({ mediaCodecs }));
  }

  get pid(): number {
    return this.#worker.pid;
  }

  get srtp(): string {
    return this.#publisher?.srtp ?? '';
  }

  /** Adds one publisher of `stream` and `receivers` receivers. */
  async fill(receivers: number, atOnce: number, stream: Stream): Promise<void> {
    const publisher = new MemberMedia();
    this.#publisher = publisher;
    const sending = await this.#connect(publisher, 'send');
    const { id: producerId } = await sending.produce({
      kind: 'video',
      rtpParameters: publisher.publish('camera', [stream]),
      keyFrameRequestDelay: 1000,
    });
    pause(this.#tracks(), true);
    for (let from = 0; from < receivers; from += atOnce) {
      await Promise.all(
        Array.from({ length: Math.min(atOnce, receivers - from) }, () => this.#addReceiver(producerId)),
      );
    }
  }

  setFlowing(flowing: boolean): void {
    pause(this.#tracks(), !flowing);
  }

  sent(): number {
    return this.#tracks().reduce((sum, { packets }) => sum + packets, 0);
  }

  received(): number {
    return this.#receivers.reduce((sum, { all }) => sum + all.reduce((every, { distinct }) => every + distinct, 0), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const media of this.#receivers) media.close();
    this.#publisher?.close();
    this.#worker.close();
  }

  async #addReceiver(producerId: string): Promise<void> {
    const media = new MemberMedia();
    this.#receivers.push(media);
    const transport = await this.#connect(media, 'recv');
    const offered = RtpCapabilities.parse(this.#router.rtpCapabilities);
    const consumer = await transport.consume({
      producerId,
      rtpCapabilities: receiveCapabilities(offered),
      paused: true,
    });
    media.receive([
      {
        consumerId: consumer.id,
        producerId,
        peerId: 'publisher',
        source: 'camera',
        kind: 'video',
        rtpParameters: RtpParameters.parse(consumer.rtpParameters),
      },
    ]);
    await consumer.resume();
  }

  async #connect(media: MemberMedia, direction: 'send' | 'recv'): Promise<WebRtcTransport> {
    const transport = await this.#router.createWebRtcTransport({
      ...webRtcTransportOptions,
      webRtcServer: this.#server,
    });
    const dtlsParameters = await media.open(direction);
    const info: TransportInfo = { transportId: transport.id, ...describe(transport) };
    await Promise.all([transport.connect({ dtlsParameters }), media.connect(direction, info)]);
    return transport;
  }

  #tracks(): Track[] {
    return [...(this.#publisher?.tracks.values() ?? [])].flat();
  }
}

function describe({ iceParameters, iceCandidates, dtlsParameters }: WebRtcTransport) {
  return { iceParameters, iceCandidates, dtlsParameters };
}
