/** Tests that invalid RTP, ICE and DTLS parameters of a client reach neither a worker nor another peer. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { capabilities, dtls, opus, vp8 } from '../../scripts/support/media/clientParameters.ts';
import { useServer } from '../support/weir.ts';

const weir = useServer({ WEIR_MESSAGES_PER_SECOND: '1000', WEIR_MESSAGE_BURST: '1000' });
const workerPids = () => weir.app.pool.workers.map(({ pid }) => pid);

let before: number[];
beforeEach(() => {
  before = workerPids();
});
afterEach(async () => {
  expect(workerPids()).toEqual(before);
  const { client } = await weir.join();
  await client.request('produce', { source: 'camera', rtpParameters: vp8() });
});

const fingerprint = { algorithm: 'sha-256', value: 'AB:CD' };
const [codec] = vp8().codecs;
const [audio] = capabilities.codecs;
const withCodec = (change: object) => ({ ...vp8(), codecs: [{ ...codec, ...change }] });
const withEncoding = (change: object) => ({ ...vp8(), encodings: [{ ssrc: 1, ...change }] });

describe('DTLS parameters', () => {
  test.each([
    ['no fingerprints', { fingerprints: [] }],
    ['no list of fingerprints', {}],
    ['fingerprints that are no list', { fingerprints: { 0: fingerprint, length: 1 } }],
    ['a fingerprint that is none', { fingerprints: [{ algorithm: 'sha-256', value: 'hello' }] }],
    ['an empty fingerprint', { fingerprints: [{ algorithm: 'sha-256', value: '' }] }],
    ['an unknown algorithm', { fingerprints: [{ algorithm: 'md5', value: 'AB:CD' }] }],
    ['the algorithm __proto__', { fingerprints: [{ algorithm: '__proto__', value: 'AB:CD' }] }],
    ['too many fingerprints', { fingerprints: Array.from({ length: 100 }, () => fingerprint) }],
    ['an endless fingerprint', { fingerprints: [{ algorithm: 'sha-256', value: 'AB:'.repeat(1000) }] }],
    ['an unknown role', { role: 'boss', fingerprints: [fingerprint] }],
  ])('with %s are rejected, and valid ones still accepted', async (_name, dtlsParameters) => {
    const { client, reply } = await weir.join();
    const transportId = reply.transports.send?.transportId ?? '';
    expect((await client.requestRaw('connectTransport', { transportId, dtlsParameters })).error?.code).toBe(
      'badRequest',
    );
    expect((await client.requestRaw('connectTransport', { transportId, dtlsParameters: dtls })).error).toBeUndefined();
  });
});

describe('RTP parameters', () => {
  test.each([
    ['no codecs', { ...vp8(), codecs: [] }],
    [
      '1000 codecs',
      { ...vp8(), codecs: Array.from({ length: 1000 }, () => ({ ...codec, rtcpFeedback: [] })).slice(0, 500) },
    ],
    ['no encodings', { ...vp8(), encodings: [] }],
    ['1000 encodings', { ...vp8(), encodings: Array.from({ length: 1000 }, (_, ssrc) => ({ ssrc })) }],
    ['a codec that no room has', withCodec({ mimeType: 'video/FAKE' })],
    ['a codec that is no codec', withCodec({ mimeType: 'VP8' })],
    ['a codec with a line break', withCodec({ mimeType: 'video/VP8\r\na=x' })],
    ['a payload type of 128', withCodec({ payloadType: 128 })],
    ['a negative payload type', withCodec({ payloadType: -1 })],
    ['a fractional payload type', withCodec({ payloadType: 96.5 })],
    ['a payload type in letters', withCodec({ payloadType: '96' })],
    ['the payload type NaN', withCodec({ payloadType: 'NaN' })],
    ['a clock rate of 2^32', withCodec({ clockRate: 2 ** 32 })],
    ['the clock rate null', withCodec({ clockRate: null })],
    ['256 channels', withCodec({ channels: 256 })],
    ['a codec parameter of 1e300', withCodec({ parameters: { x: 1e300 } })],
    ['a codec parameter that is an object', withCodec({ parameters: { x: { y: 1 } } })],
    ['a codec parameter with a lone surrogate', withCodec({ parameters: { x: '\ud800' } })],
    ['a codec parameter named by a lone surrogate', withCodec({ parameters: { '\ud800': 1 } })],
    ['an endless codec parameter', withCodec({ parameters: { x: 'x'.repeat(1025) } })],
    ['an ssrc of 2^32', withEncoding({ ssrc: 2 ** 32 })],
    ['a negative ssrc', withEncoding({ ssrc: -1 })],
    ['a fractional ssrc', withEncoding({ ssrc: 0.5 })],
    ['a huge ssrc', withEncoding({ ssrc: 1e300 })],
    ['a bitrate of 2^53', withEncoding({ maxBitrate: 2 ** 53 })],
    ['a rid that is a number', withEncoding({ rid: 1 })],
    ['a rid with a lone surrogate', withEncoding({ rid: '\udfff' })],
    ['an endless mid', { ...vp8(), mid: 'x'.repeat(1000) }],
    ['a mid with a lone surrogate', { ...vp8(), mid: '\ud800' }],
    ['a header extension with the id 0', { ...vp8(), headerExtensions: [{ ...vp8().headerExtensions?.[0], id: 0 }] }],
    [
      'a header extension with the id 256',
      { ...vp8(), headerExtensions: [{ ...vp8().headerExtensions?.[0], id: 256 }] },
    ],
    ['header extensions that are no list', { ...vp8(), headerExtensions: 'mid' }],
    [
      'retransmission for a codec that is not there',
      {
        ...vp8(),
        codecs: [{ mimeType: 'video/rtx', payloadType: 97, clockRate: 90_000, parameters: { apt: 96 } }],
      },
    ],
  ])('with %s are rejected, and valid ones still accepted', async (_name, rtpParameters) => {
    const { client } = await weir.join();
    expect((await client.requestRaw('produce', { source: 'camera', rtpParameters })).error?.code).toBe('badRequest');
    expect((await client.requestRaw('produce', { source: 'camera', rtpParameters: vp8() })).error).toBeUndefined();
  });

  test.each(['__proto__', 'constructor', 'prototype', 'toString'])(
    'with a codec parameter named %j do no harm',
    async (key) => {
      const { client } = await weir.join({ room: 'room' });
      const rtpParameters = JSON.stringify(withCodec({ parameters: { marker: 1 } })).replace('marker', key);
      client.send(`{"id":9,"method":"produce","data":{"source":"camera","rtpParameters":${rtpParameters}}}`);
      await client.until('the answer', () => client.messages.find(({ id }) => id === 9));
      expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('marker');
      await expect(weir.join({ room: 'room' })).resolves.toBeDefined();
    },
  );

  test('with an ssrc that is already in use are rejected', async () => {
    const { client } = await weir.join();
    await client.request('produce', { source: 'camera', rtpParameters: vp8() });
    const { error } = await client.requestRaw('produce', { source: 'screen', rtpParameters: { ...vp8(), mid: '9' } });
    expect(error?.code).toBe('badRequest');
  });

  // A publisher's parameters become lines in the session descriptions of all its receivers.
  const injected = 'x\r\na=candidate:1 1 udp 1 203.0.113.9 9 typ host';
  test.each([
    ['cname', { ...opus(), rtcp: { cname: injected } }],
    ['msid', { ...opus(), msid: injected }],
    ['codec parameter', { ...opus(), codecs: [{ ...opus().codecs[0], parameters: { x: injected } }] }],
    [
      'codec parameter name',
      { ...opus(), codecs: [{ ...opus().codecs[0], parameters: { [injected.slice(0, 60)]: 1 } }] },
    ],
    ['mid', { ...opus(), mid: 'x\r\na=x' }],
  ])('cannot inject lines into the session description of others through a %s', async (_name, rtpParameters) => {
    const ada = await weir.join({ room: 'room' });
    await ada.client.requestRaw('produce', { source: 'microphone', rtpParameters });
    const bob = await weir.join({ room: 'room' });
    expect(JSON.stringify(bob.reply.consumers)).not.toContain('\\r\\n');
  });
});

describe('RTP capabilities', () => {
  test.each([
    [
      '1000 codecs',
      {
        codecs: Array.from({ length: 1000 }, () => ({
          kind: 'audio',
          mimeType: 'audio/x',
          preferredPayloadType: 1,
          clockRate: 1,
        })).slice(0, 700),
      },
    ],
    ['no codecs', {}],
    ['codecs that are no list', { codecs: { length: 3 } }],
    ['a codec of a third kind', { codecs: [{ ...audio, kind: 'smell' }] }],
    ['a payload type of 1e9', { codecs: [{ ...audio, preferredPayloadType: 1e9 }] }],
    ['a clock rate of -1', { codecs: [{ ...audio, clockRate: -1 }] }],
    [
      '1000 header extensions',
      { codecs: [], headerExtensions: Array.from({ length: 600 }, () => capabilities.headerExtensions?.[0]) },
    ],
    ['null', null],
  ])('with %s are rejected, and the connection may still join', async (_name, rtpCapabilities) => {
    const client = await weir.connect();
    const data = { room: 'room', rtpCapabilities, transports: { send: true, recv: true } };
    expect((await client.requestRaw('join', data)).error?.code).toBe('badRequest');
    expect((await client.requestRaw('join', { ...data, rtpCapabilities: capabilities })).error).toBeUndefined();
  });

  test('that are contradictory affect only their owner', async () => {
    const ada = await weir.join({ room: 'room' });
    const client = await weir.connect();
    const rtpCapabilities = {
      codecs: [
        { kind: 'video', mimeType: 'video/rtx', preferredPayloadType: 96, clockRate: 90_000 },
        { kind: 'audio', mimeType: 'video/VP8', preferredPayloadType: 96, clockRate: 0, parameters: { apt: true } },
      ],
    };
    await client.requestRaw('join', { room: 'room', rtpCapabilities, transports: { send: true, recv: true } });
    const bob = await weir.join({ room: 'room' });
    await ada.client.request('produce', { source: 'camera', rtpParameters: vp8() });
    expect((await bob.client.event('newConsumers')).consumers.length).toBe(1);
    await client.request('ping', {});
    expect(client.unreadEvents('newConsumers')).toEqual([]);
  });

  test('with unknown header extensions are accepted without them', async () => {
    const client = await weir.connect();
    const rtpCapabilities = {
      ...capabilities,
      headerExtensions: [{ kind: 'audio', uri: 'urn:example:new', preferredId: 400, direction: 'sideways' }],
    };
    const data = { room: 'room', rtpCapabilities, transports: { send: true, recv: true } };
    expect((await client.requestRaw('join', data)).error).toBeUndefined();
  });
});
