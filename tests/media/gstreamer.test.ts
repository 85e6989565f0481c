/** GStreamer's webrtcbin publishes by WHIP and plays by WHEP: frames and sound are decoded. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { hasGStreamer, WebrtcBin } from '../support/WebrtcBin.ts';
import { token, withTokens } from '../support/weir.ts';

/** Milliseconds. */
const waiting = { timeout: 20_000, interval: 20 };

/** Waits until a player has decoded so much more of both. */
async function untilDecoding(player: WebrtcBin, buffers = 15): Promise<void> {
  const { audio, video } = player.received;
  await vi.waitUntil(() => {
    if (player.error !== undefined) throw new Error(player.error);
    return player.received.audio >= audio + buffers && player.received.video >= video + buffers;
  }, waiting);
}

describe.skipIf(!hasGStreamer)('webrtcbin', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(withTokens);
  });
  afterAll(() => server?.close());

  test('publishes with a token, and decodes the picture and sound of another webrtcbin', async () => {
    await using publisher = new WebrtcBin(
      'publish',
      `${server.url}/whip/studio`,
      await token('studio', 'encoder', { canSubscribe: false }),
    );
    await vi.waitUntil(() => publisher.state === 'connected' || !publisher.runs, waiting);
    expect([publisher.state, publisher.error]).toEqual(['connected', undefined]);
    const viewer = await token('studio', 'screen', { canPublish: false });
    await using player = new WebrtcBin('play', `${server.url}/whep/studio`, viewer);
    await untilDecoding(player);
    // Both sessions end with their clients.
    const room = await server.app.rooms.find('studio', 'call');
    expect(room?.publications).toHaveLength(2);
    await Promise.all([publisher.close(), player.close()]);
    await vi.waitUntil(() => server.app.rooms.size === 0, waiting);
  });
});
