/** Mends what the handlers of mediasoup-client, and browsers under them, do wrong: each function takes and returns a handler. */
import type { HandlerInterface, HandlerOptions } from 'mediasoup-client/handlers/HandlerInterface';
import { selectedPair } from '../connectionStats.ts';

/** Applies all fixes to a new handler. */
export function fixHandler(
  handler: HandlerInterface,
  { direction }: Pick<HandlerOptions, 'direction'>,
): HandlerInterface {
  fixIceServerUpdates(handler);
  if (direction === 'send') {
    fixFailedSends(handler);
    fixIceRestarts(handler);
  }
  return handler;
}

/**
 * If mediasoup-client fails to send a track, it leaves its transceiver in the peer connection: every later offer would have
 * one media section more than its answer, and fail.
 */
function fixFailedSends(handler: HandlerInterface): void {
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
}

/** mediasoup-client does not update the ICE servers of Firefox, which has `setConfiguration` since version 119. */
function fixIceServerUpdates(handler: HandlerInterface): void {
  const update = handler.updateIceServers.bind(handler);
  handler.updateIceServers = async (iceServers) => {
    const connection = peerConnectionOf(handler);
    if (!connection?.setConfiguration) return update(iceServers);
    connection.setConfiguration({ ...connection.getConfiguration(), iceServers });
  };
}

/** How long the selected pair has received nothing when it counts as lost, in milliseconds: RTCP feedback comes more often. */
const LOST_AFTER = 600;

/**
 * After an ICE restart Chromium sends over the former pair until it has received nothing there for 2.5 s, and a second more.
 * A pair that has been silent before the restart is released, so that the next one is selected as soon as it connects.
 */
function fixIceRestarts(handler: HandlerInterface): void {
  const restart = handler.restartIce.bind(handler);
  handler.restartIce = async (iceParameters) => {
    const connection = peerConnectionOf(handler);
    if (connection && handler.name !== 'Firefox120') {
      await releaseLostPair(connection, iceParameters.usernameFragment).catch(() => {});
    }
    await restart(iceParameters);
  };
}

/**
 * A candidate with the same address and a user fragment of the next ICE generation replaces the pair of this generation, as
 * it does by itself where the other end offers the restart: libwebrtc's `Port::AddOrReplaceConnection`.
 */
async function releaseLostPair(connection: RTCPeerConnection, usernameFragment: string): Promise<void> {
  const rows: Record<string, unknown>[] = [];
  (await connection.getStats()).forEach((row: Record<string, unknown>) => {
    rows.push(row);
  });
  const { timestamp, lastPacketReceivedTimestamp } = selectedPair(rows) ?? {};
  if (typeof timestamp !== 'number' || typeof lastPacketReceivedTimestamp !== 'number') return;
  if (timestamp - lastPacketReceivedTimestamp < LOST_AFTER) return;
  const candidates = connection.remoteDescription?.sdp.match(/(?<=^a=)candidate:.*$/gm) ?? [];
  for (const candidate of new Set(candidates)) {
    await connection.addIceCandidate({
      candidate: `${candidate.trim()} ufrag ${usernameFragment}`,
      sdpMLineIndex: 0,
      usernameFragment,
    });
  }
}

/** The handlers keep their peer connection in a private field. */
export function peerConnectionOf(handler: object): RTCPeerConnection | undefined {
  return '_pc' in handler && handler._pc instanceof RTCPeerConnection ? handler._pc : undefined;
}
