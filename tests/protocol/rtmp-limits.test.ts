/** Tests of what one encoder, or somebody who is none, can make the RTMP port do: memory, places, processes. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { messageType } from '../../server/gateways/rtmp/chunks.ts';
import { startLoggedServer } from '../support/logged.ts';
import { RtmpClient } from '../support/rtmpClient.ts';
import { standInFfmpeg } from '../support/standInFfmpeg.ts';

/** Milliseconds. */
const waiting = { timeout: 8000, interval: 5 };

async function open(ffmpeg = standInFfmpeg().path) {
  const server = await startLoggedServer({ WEIR_RTMP_PORT: '0', WEIR_FFMPEG: ffmpeg });
  onTestFinished(() => server.close());
  return {
    ...server,
    async connect() {
      const client = await RtmpClient.connect(server.app.rtmp?.port ?? 0);
      onTestFinished(() => client[Symbol.dispose]());
      return client;
    },
  };
}

const lastError = (client: RtmpClient) =>
  vi.waitUntil(() => client.commands.map(([, , , status]) => status).find((status) => isError(status)), waiting);
const isError = (status: unknown) => JSON.stringify(status)?.includes('"error"');

test('a stream that begins with thousands of tiny messages is refused', async () => {
  const { connect } = await open();
  const client = await connect();
  await client.publish('lobby', 'Camera');
  for (let count = 0; count < 5000; count += 1) client.sendMedia(messageType.audio, 0, 0xaf);
  expect(await lastError(client)).toMatchObject({ description: 'The stream begins with too many small messages.' });
});

test('what a stream is is decided after three seconds, whatever times its messages say', async () => {
  const { app, connect } = await open();
  const client = await connect();
  await client.publish('lobby', 'Camera');
  client.sendMedia(messageType.audio, 0, 0xaf, 1, 0, 0);
  const peers = async () => (await app.rooms.find('lobby'))?.visiblePeers() ?? [];
  await vi.waitUntil(async () => (await peers()).some(({ name }) => name === 'Camera'), waiting);
});
