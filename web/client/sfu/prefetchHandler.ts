/** The mediasoup-client handler of this browser, with its RTP capabilities requested early: they take as long as `welcome`. */
import { detectDevice } from 'mediasoup-client';
import { Chrome74 } from 'mediasoup-client/handlers/Chrome74';
import { Chrome111 } from 'mediasoup-client/handlers/Chrome111';
import { Firefox120 } from 'mediasoup-client/handlers/Firefox120';
import type { HandlerFactory, HandlerFactoryOptions } from 'mediasoup-client/handlers/HandlerInterface';
import { Safari12 } from 'mediasoup-client/handlers/Safari12';
import { fixHandler, peerConnectionOf } from './handlerFixes.ts';

const handlers: Readonly<Record<string, { createFactory(options: HandlerFactoryOptions): HandlerFactory }>> = {
  Chrome111,
  Chrome74,
  Firefox120,
  Safari12,
};

/**
 * The handler factory of this browser, which has begun to find out its capabilities; undefined in an unsupported browser.
 * @param onConnection is called with each peer connection before it is used
 */
export function prefetchHandler(onConnection?: (connection: RTCPeerConnection) => void): HandlerFactory | undefined {
  const factory = handlers[detectDevice() ?? '']?.createFactory({});
  if (!factory) return undefined;
  const capabilities = {
    recvonly: factory.getNativeRtpCapabilities({ direction: 'recvonly' }),
    sendonly: factory.getNativeRtpCapabilities({ direction: 'sendonly' }),
  };
  // They are never awaited if connecting to the server fails.
  for (const promise of Object.values(capabilities)) promise.catch(() => {});
  return {
    ...factory,
    factory: (options) => {
      const handler = factory.factory(options);
      const connection = peerConnectionOf(handler);
      if (connection) onConnection?.(connection);
      return fixHandler(handler, options);
    },
    getNativeRtpCapabilities: ({ direction }) => capabilities[direction],
  };
}
