/** Covers `welcome`, the first message of a connection, which has all that a client needs to join. */
import { describe, expect, test } from 'vitest';
import { RtpCapabilities } from '../../shared/media.ts';
import { PROTOCOL_VERSION } from '../../shared/protocol.ts';
import { routers } from '../support/routers.ts';
import { useServer } from '../support/weir.ts';

const weir = useServer();

describe('welcome', () => {
  test('is the first message, before the client has sent anything', async () => {
    const client = await weir.connect();
    expect(client.messages.map(({ event }) => event)).toEqual(['welcome']);
    expect(client.welcome.protocol).toBe(PROTOCOL_VERSION);
  });

  test('has whether a token is required', async () => {
    const client = await weir.connect();
    expect(client.welcome.auth).toBe('open');
  });

  test('has the limits in effect', async () => {
    const client = await weir.connect();
    expect(client.welcome.limits).toEqual({
      messageBytes: 65_536,
      joinSeconds: 10,
      queueSeconds: 8,
      pingSeconds: 5,
      silenceSeconds: 15,
      resumeSeconds: 0,
      dataBytes: 65_536,
      dataMessages: 200,
      dataBitrate: 2_000_000,
      fileBitrate: 40_000_000,
      fileBytes: 2 * 1024 ** 3,
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

  test('is not compressed even for a client that offers compression', async () => {
    const client = await weir.connect();
    expect(client.socket.extensions).toBe('');
  });

  test('lists the codecs that the router of a room has', async () => {
    const { client } = await weir.join();
    const [router] = routers();
    expect(RtpCapabilities.parse(router?.rtpCapabilities)).toEqual(client.welcome.rtpCapabilities);
  });
});
