/** Loads the mediasoup-client device of one join, and makes its `SfuLink`. */
import { Device } from 'mediasoup-client';
import type { HandlerFactory } from 'mediasoup-client/handlers/HandlerInterface';
import { WeirError } from '../../../shared/errors.ts';
import { RtpCapabilities } from '../../../shared/media.ts';
import type { Welcome } from '../../../shared/protocol.ts';
import type { LoadedMedia, MediaLoader } from '../MediaLink.ts';
import { prefetchHandler } from './prefetchHandler.ts';
import { SfuLink } from './SfuLink.ts';

export class SfuMediaLoader implements MediaLoader {
  readonly #handlerFactory: HandlerFactory | undefined;
  readonly #onConnection: ((connection: RTCPeerConnection) => void) | undefined;

  /** @param onConnection is called with each peer connection before it is used */
  constructor(onConnection?: (connection: RTCPeerConnection) => void) {
    this.#onConnection = onConnection;
    this.#handlerFactory = prefetchHandler(onConnection);
  }

  async load({
    rtpCapabilities: routerRtpCapabilities,
    video,
    limits,
  }: Pick<Welcome, 'rtpCapabilities' | 'video' | 'limits'>): Promise<LoadedMedia> {
    const handlerFactory = this.#handlerFactory;
    try {
      const device = new Device(handlerFactory && { handlerFactory });
      await device.load({ routerRtpCapabilities });
      return {
        rtpCapabilities: RtpCapabilities.parse(device.recvRtpCapabilities),
        createLink: (options) => new SfuLink({ ...options, device, video, limits, onConnection: this.#onConnection }),
      };
    } catch (cause) {
      throw new WeirError('unsupported', 'This browser does not support calls. Use a current one.', { cause });
    }
  }
}
