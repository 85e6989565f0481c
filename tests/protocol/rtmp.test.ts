/** Covers the RTMP port without media: who is admitted, what is refused and in which words, and limits. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { hasEquipment } from '../support/equipment.ts';
import { startLoggedServer } from '../support/logged.ts';
import { RtmpClient } from '../support/rtmpClient.ts';
import { takePortAside } from '../support/takePortAside.ts';
import { useServer, withTokens } from '../support/weir.ts';

const hasFfmpeg = hasEquipment('ffmpeg', '/usr/bin/ffmpeg');

describe.skipIf(!hasFfmpeg)('with tokens', () => {
  const weir = useServer({ ...withTokens, WEIR_RTMP_PORT: '0' });
  const connect = async () => {
    const client = await RtmpClient.connect(weir.app.rtmp?.port ?? 0);
    onTestFinished(() => client[Symbol.dispose]());
    return client;
  };

  test('an encoder with a token as stream key may begin', async () => {
    const client = await connect();
    const status = await client.publish('studio', await weir.token('studio', 'camera 1'));
    expect(status).toMatchObject({ level: 'status', code: 'NetStream.Publish.Start' });
    expect(client.commands.map(([name, transaction]) => [name, transaction])).toEqual([
      ['_result', 1],
      ['_result', 4],
      ['onStatus', 0],
    ]);
  });

  test.each([
    ['no token', 'studio', 'nonsense', /token/i],
    ['no room', '', 'nonsense', /^A room name has/],
    ['a kind that there is not', 'studio?kind=mesh', 'nonsense', 'The kind of a room is call or broadcast.'],
    ['a room of two names', 'live/studio', 'nonsense', /^A room name has/],
  ])('%s is refused in words', async (_name, app, key, description) => {
    const client = await connect();
    const status = await client.publish(app, key);
    const text = description instanceof RegExp ? expect.stringMatching(description) : description;
    expect(status).toMatchObject({ level: 'error', code: 'NetStream.Publish.Failed', description: text });
    await client.untilClosed();
  });

  test('a token for another room is refused, one for a broadcast is for that only', async () => {
    const descriptionOf = async (app: string, token: Promise<string>) => (await connect()).publish(app, await token);
    expect(await descriptionOf('studio', weir.token('other', 'eve'))).toMatchObject({ level: 'error' });
    const stage = weir.token('studio', 'host', { broadcast: true });
    expect(await descriptionOf('studio', stage)).toMatchObject({ level: 'error' });
    expect(await descriptionOf('studio?kind=broadcast', stage)).toMatchObject({ level: 'status' });
  });

  test('who wants to play is told that nothing is', async () => {
    const client = await connect();
    client.shakeHands();
    client.send('connect', 1, { app: 'studio' });
    client.send('play', 2, null, 'stream');
    expect(await client.status()).toMatchObject({ description: 'Nothing is played here by RTMP.' });
    await client.untilClosed();
  });

  test.each([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['no chunks after the handshake', Buffer.concat([Buffer.from([3]), Buffer.alloc(3072), Buffer.alloc(50, 0xff)])],
  ])('%s is closed', async (_name, bytes) => {
    const client = await connect();
    client.socket.write(bytes);
    await client.untilClosed();
  });
});

test('without ffmpeg, or with a port that is taken, Weir starts without RTMP and says so', async () => {
  const without = await startLoggedServer({ WEIR_RTMP_PORT: '0', WEIR_FFMPEG: '/nowhere/ffmpeg' });
  await without.close();
  expect(without.app.rtmp).toBeUndefined();
  expect(without.lines.join()).toContain('WEIR_RTMP_PORT is set, but /nowhere/ffmpeg cannot be run');

  const taken = await takePortAside('tcp');
  onTestFinished(() => taken.release());
  const aside = await startLoggedServer({ WEIR_RTMP_PORT: String(taken.port) });
  await aside.close();
  expect(aside.app.rtmp).toBeUndefined();
  expect(aside.lines.join()).toContain(`RTMP port ${taken.port} (TCP on 127.0.0.1) is in use by another program`);
});
