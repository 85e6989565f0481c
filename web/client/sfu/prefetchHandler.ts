/** The mediasoup-client handler of this browser, with its RTP capabilities requested early: they take as long as `welcome`. */
import { detectDevice } from 'mediasoup-client';
import { Chrome74 } from 'mediasoup-client/handlers/Chrome74';
import { Chrome111 } from 'mediasoup-client/handlers/Chrome111';
import { Firefox120 } from 'mediasoup-client/handlers/Firefox120';
import type {
  HandlerFactory,
  HandlerFactoryOptions,
  HandlerInterface,
} from 'mediasoup-client/handlers/HandlerInterface';
import { Safari12 } from 'mediasoup-client/handlers/Safari12';

const handlers: Readonly<Record<string, { createFactory(options: HandlerFactoryOptions): HandlerFactory }>> = {
  Chrome111,
  Chrome74,
  Firefox120,
  Safari12,
};

/** The handler factory of this browser, which has begun to find out its capabilities; undefined in an unsupported browser. */
export function prefetchHandler(): HandlerFactory | undefined {
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
    factory: (options) => withIceServerUpdates(withSendCleanup(factory.factory(options))),
    getNativeRtpCapabilities: ({ direction }) => capabilities[direction],
  };
}

/**
 * If mediasoup-client fails to send a track, it leaves its transceiver in the peer connection: every later offer would have
 * one media section more than its answer, and fail.
 */
function withSendCleanup(handler: HandlerInterface): HandlerInterface {
  const send = handler.send.bind(handler);
  handler.send = async (options) => {
    const connection = peerConnectionOf(handler);
    const before = new Set(connection?.getTransceivers());
    try {
      return await send(options);
    } catch (error) {
      if (connection?.signalingState === 'have-local-offer') await connection.setLocalDescription({ type: 'rollback' });
      for (const transceiver of connection?.getTransceivers() ?? []) {
        if (!before.has(transceiver)) transceiver.stop();
      }
      throw error;
    }
  };
  return handler;
}

/** mediasoup-client has no `updateIceServers` for Firefox, which did not implement `setConfiguration` once. */
function withIceServerUpdates(handler: HandlerInterface): HandlerInterface {
  const update = handler.updateIceServers.bind(handler);
  handler.updateIceServers = async (iceServers) => {
    const connection = peerConnectionOf(handler);
    if (!connection?.setConfiguration) return update(iceServers);
    connection.setConfiguration({ ...connection.getConfiguration(), iceServers });
  };
  return handler;
}

/** The handlers keep their peer connection in a private field. */
function peerConnectionOf(handler: object): RTCPeerConnection | undefined {
  return '_pc' in handler && handler._pc instanceof RTCPeerConnection ? handler._pc : undefined;
}
