/** Owns what this browser can do, asked early: the answer takes as long as the server's first word. */
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

/** What makes this browser's transports, with its capabilities under way; undefined where this is no browser that can. */
export function prefetchHandler(): HandlerFactory | undefined {
  const factory = handlers[detectDevice() ?? '']?.createFactory({});
  if (!factory) return undefined;
  const asked = {
    recvonly: factory.getNativeRtpCapabilities({ direction: 'recvonly' }),
    sendonly: factory.getNativeRtpCapabilities({ direction: 'sendonly' }),
  };
  // Whoever uses it hears of a failure; nobody may when the server is not there.
  for (const answer of Object.values(asked)) answer.catch(() => {});
  return {
    ...factory,
    factory: (options) => withoutRemains(factory.factory(options)),
    getNativeRtpCapabilities: ({ direction }) => asked[direction],
  };
}

/**
 * mediasoup-client leaves the transceiver of a track that it could not send in the connection: every later offer would
 * have one section more than its answer, and be refused.
 */
function withoutRemains(handler: HandlerInterface): HandlerInterface {
  const send = handler.send.bind(handler);
  handler.send = async (options) => {
    const connection = connectionOf(handler);
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

/** The handlers of browsers keep their connection in a field that their types do not tell of. */
function connectionOf(handler: object): RTCPeerConnection | undefined {
  return '_pc' in handler && handler._pc instanceof RTCPeerConnection ? handler._pc : undefined;
}
