/** Owns the first message of a connection: the server speaks first and says all that a client needs to join. */
import { describe, expect, test } from 'vitest';
import { RtpCapabilities } from '../../shared/media.ts';
import { PROTOCOL_VERSION } from '../../shared/protocol.ts';
import { routers } from '../support/routers.ts';
import { useServer } from '../support/weir.ts';

const weir = useServer();

describe('welcome', () => {
  test('is the first message, before the client has said anything', async () => {
    const client = await weir.connect();
    expect(client.messages.map(({ event }) => event)).toEqual(['welcome']);
    expect(client.welcome.protocol).toBe(PROTOCOL_VERSION);
  });

  test('says whether a token is needed', async () => {
    const client = await weir.connect();
    expect(client.welcome.auth).toBe('open');
  });

  test('says the limits that hold', async () => {
    const client = await weir.connect();
    expect(client.welcome.limits).toEqual({
      messageBytes: 65_536,
      joinSeconds: 10,
      queueSeconds: 8,
      pingSeconds: 5,
      silenceSeconds: 15,
      resumeSeconds: 0,
    });
  });

  test('lists the codecs, best supported first, the same for every connection', async () => {
    const [one, other] = await Promise.all([weir.connect(), weir.connect()]);
    const names = one.welcome.rtpCapabilities.codecs.map(({ mimeType }) => mimeType);
    expect(names.filter((name) => name !== 'video/rtx')).toEqual([
      'audio/opus',
      'video/VP8',
      'video/H264',
      'video/VP9',
      'video/AV1',
    ]);
    expect(other.welcome.rtpCapabilities).toEqual(one.welcome.rtpCapabilities);
  });

  test('comes uncompressed even to a client that offers compression', async () => {
    const client = await weir.connect();
    expect(client.socket.extensions).toBe('');
  });

  test('lists the codecs that the router of a room really has', async () => {
    const { client } = await weir.join();
    const [router] = routers();
    expect(RtpCapabilities.parse(router?.rtpCapabilities)).toEqual(client.welcome.rtpCapabilities);
  });
});
