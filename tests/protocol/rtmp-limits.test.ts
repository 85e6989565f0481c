/** Tests of what one encoder, or somebody who is none, can make the RTMP port do: memory, places, processes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { writeAmf } from '../../server/gateways/rtmp/amf0.ts';
import { messageType, writeMessage } from '../../server/gateways/rtmp/chunks.ts';
import { MAX_ENCODINGS } from '../../server/gateways/rtmp/RtmpStream.ts';
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
    async connect(localAddress?: string) {
      const client = await RtmpClient.connect(server.app.rtmp?.port ?? 0, localAddress);
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
  const silent = await Promise.all(Array.from({ length: 9 }, () => connect()));
  await vi.waitUntil(() => silent.filter(({ closed }) => closed).length === 4, waiting);
  expect(lines.filter((line) => line.includes('RTMP connections refused'))).toHaveLength(1);
  for (const client of silent) client[Symbol.dispose]();
  await vi.waitUntil(() => lines.filter((line) => line.includes('RTMP connection ended')).length === 5, waiting);

  const publish = async () => (await connect()).publish('lobby', 'Camera');
  for (let count = 0; count < 10; count += 1) expect(await publish()).toMatchObject({ level: 'status' });
  const description = 'There are too many streams, of this network or in all: end another one.';
  expect(await publish()).toMatchObject({ level: 'error', description });
});

test('networks that hold all places of connections without publishing keep no encoder out', async () => {
  const { connect } = await open();
  const networks = Array.from({ length: 10 }, (_, index) => `127.0.${index + 1}.1`);
  const silent: RtmpClient[] = [];
  for (const network of networks) for (let count = 0; count < 5; count += 1) silent.push(await connect(network));
  expect(await (await connect('127.0.99.1')).publish('lobby', 'Camera')).toMatchObject({ level: 'status' });
  await silent[0]?.untilClosed();
  // The oldest one has given way. A network that has its own places takes none of others.
  silent.push(await connect('127.0.98.1'));
  await (await connect('127.0.10.1')).untilClosed();
  expect(silent.filter(({ closed }) => closed)).toHaveLength(1);
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

/** Sends enough of H264 and AAC that it is known what it is. @param offset of a B-frame, in milliseconds */
function sendVideo(client: RtmpClient, offset = 0): void {
  client.sendMedia(messageType.video, 0, 0x17, 0, 0, 0, 0, 1, 100, 0, 31);
  client.sendMedia(messageType.audio, 0, 0xaf, 1, 0, 0);
  for (let count = 0; count < 12; count += 1)
    client.sendMedia(messageType.video, count, 0x27, 1, 0, 0, offset, 1, 2, 3);
}

test('an encoder whose ffmpeg ends is told that, and not that it has left', async () => {
  const { connect } = await open(standInFfmpeg('exit 3').path);
  const client = await connect();
  await client.publish('lobby', 'Camera');
  sendVideo(client);
  expect(await lastError(client)).toMatchObject({ description: 'The stream has ended: ffmpeg has ended (3).' });
});

test('ffmpeg has a limit of memory', async () => {
  const { path, folder } = standInFfmpeg('ulimit -d > limit; exec cat > /dev/null');
  const { connect } = await open(path);
  const client = await connect();
  await client.publish('lobby', 'Camera');
  sendVideo(client);
  const limit = join(folder, 'limit');
  const said = () => existsSync(limit) && readFileSync(limit, 'utf8').trim();
  expect(await vi.waitUntil(said, waiting)).toBe(String(1024 * 1024));
});

test('ffmpeg knows no secrets, and gives way to all else when it encodes', async () => {
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv('WEIR_API_SECRET', 'a secret');
  const { path, folder } = standInFfmpeg('env > variables; echo $$ > pid; exec cat > /dev/null');
  const { connect } = await open(path);
  const client = await connect();
  await client.publish('lobby', 'Camera');
  sendVideo(client, 66);
  const pidFile = join(folder, 'pid');
  const pid = await vi.waitUntil(() => existsSync(pidFile) && Number(readFileSync(pidFile, 'utf8')), waiting);
  const variables = readFileSync(join(folder, 'variables'), 'utf8');
  expect(variables).toContain(`PATH=${process.env.PATH}`);
  expect(variables).not.toContain('SECRET');
  await vi.waitUntil(() => getPriority(pid) === 10, waiting);
});

// More streams than one network may have would be needed on larger machines.
test.skipIf(MAX_ENCODINGS > 8)('streams with B-frames are encoded for as many as there are cores for', async () => {
  const { path, folder } = standInFfmpeg('echo > started.$$; exec cat > /dev/null');
  const { connect } = await open(path);
  const started = () => readdirSync(folder).filter((name) => name.startsWith('started')).length;
  /** @returns why it is refused; undefined when it is encoded */
  const encode = async () => {
    const before = started();
    const client = await connect();
    await client.publish('lobby', 'Camera');
    sendVideo(client, 66);
    const error = () => client.commands.map(([, , , status]) => status).find((status) => isError(status));
    await vi.waitUntil(() => started() > before || error(), waiting);
    return { client, error: error() };
  };
  const encoded = [];
  for (let count = 0; count < MAX_ENCODINGS; count += 1) encoded.push(await encode());
  expect(encoded.map(({ error }) => error)).toEqual(encoded.map(() => undefined));
  const words = expect.stringContaining('since it has B-frames, and the server does that for as many as it can');
  expect((await encode()).error).toMatchObject({ description: words });
  encoded[0]?.client[Symbol.dispose]();
  await vi.waitUntil(async () => !(await encode()).error, { ...waiting, interval: 200 });
});
