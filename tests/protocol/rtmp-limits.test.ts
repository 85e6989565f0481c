/** Tests of what one encoder, or somebody who is none, can make the RTMP port do: memory, places, processes. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { writeAmf } from '../../server/gateways/rtmp/amf0.ts';
import { messageType, writeMessage } from '../../server/gateways/rtmp/chunks.ts';
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

test('who asks for ever and never reads the answers is cut off', async () => {
  const { lines, connect } = await open();
  const client = await connect();
  await client.publish('lobby', 'Camera');
  client.socket.pause();
  const payload = writeAmf(['connect', 1, { app: 'lobby' }]);
  const question = writeMessage({ type: messageType.command, streamId: 0, timestamp: 0, payload });
  const questions = Buffer.concat(Array.from({ length: 1000 }, () => question));
  // The network takes some megabytes of the answers. What has been asked waits for the server.
  await vi.waitUntil(() => {
    if (client.socket.writableLength < questions.length) client.socket.write(questions);
    return lines.join().includes('it does not read what it is answered');
  }, waiting);
});

test('a connection that does other things than publish is refused after a hundred messages', async () => {
  const { connect } = await open();
  const client = await connect();
  client.shakeHands();
  client.send('connect', 1, { app: 'lobby' });
  for (let count = 0; count < 110; count += 1) client.send('createStream', count, null);
  expect(await lastError(client)).toMatchObject({ description: 'Too many messages have come before "publish".' });
  await client.untilClosed();
});

test('a connection publishes one stream', async () => {
  const { connect } = await open();
  const client = await connect();
  await client.publish('lobby', 'Camera');
  client.send('publish', 6, null, 'Camera', 'live');
  expect(await lastError(client)).toMatchObject({ description: 'A connection publishes one stream.' });
});

test('one network has five connections that publish nothing, and ten streams', async () => {
  const { lines, connect } = await open();
  const silent = await Promise.all(Array.from({ length: 9 }, connect));
  await vi.waitUntil(() => silent.filter(({ closed }) => closed).length === 4, waiting);
  expect(lines.filter((line) => line.includes('RTMP connections refused'))).toHaveLength(1);
  for (const client of silent) client[Symbol.dispose]();
  await vi.waitUntil(() => lines.filter((line) => line.includes('RTMP connection ended')).length === 5, waiting);

  const publish = async () => (await connect()).publish('lobby', 'Camera');
  for (let count = 0; count < 10; count += 1) expect(await publish()).toMatchObject({ level: 'status' });
  const description = 'There are too many streams, of this network or in all: end another one.';
  expect(await publish()).toMatchObject({ level: 'error', description });
});

test('one network connects twice a second', async () => {
  const { lines, connect } = await open();
  const isRefused = () => lines.some((line) => line.includes('RTMP connections refused'));
  for (let count = 0; count < 200 && !isRefused(); count += 1) {
    const client = await connect();
    client.socket.write('GET');
    await client.untilClosed();
  }
  expect(isRefused()).toBe(true);
});
