/** GStreamer's webrtcbin publishes by WHIP and plays by WHEP: frames and sound are decoded, also of the next publisher. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { ownAddresses } from '../../server/common/ownAddresses.ts';
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
  const publish = async (identity: string) =>
    new WebrtcBin('publish', `${server.url}/whip/studio`, await token('studio', identity, { canSubscribe: false }));
  async function untilConnected(client: WebrtcBin): Promise<void> {
    await vi.waitUntil(() => client.state === 'connected' || !client.runs, waiting);
    expect([client.state, client.error]).toEqual(['connected', undefined]);
  }

  beforeAll(async () => {
    // libnice has no candidate on loopback: from its own address there it would lose two seconds with checks over UDP.
    const [address = '127.0.0.1'] = ownAddresses();
    server = await startServer({ ...withTokens, WEIR_RTC_HOST: address });
  });
  afterAll(() => server?.close());

  test('publishes with a token, decodes picture and sound of another webrtcbin, and goes on with the next one', async () => {
    await using publisher = await publish('encoder');
    await untilConnected(publisher);
    const viewer = await token('studio', 'screen', { canPublish: false });
    await using player = new WebrtcBin('play', `${server.url}/whep/studio`, viewer);
    await untilDecoding(player);
    // It has no header extension for MIDs: it knows the next SSRC by the payload type.
    await using next = await publish('other');
    await untilConnected(next);
    await publisher.close();
    const room = await server.app.rooms.find('studio', 'call');
    await vi.waitUntil(() => room?.publications.length === 2, waiting);
    await untilDecoding(player);
    // Sessions end with their clients.
    await Promise.all([next.close(), player.close()]);
    await vi.waitUntil(() => server.app.rooms.size === 0, waiting);
  });
});
