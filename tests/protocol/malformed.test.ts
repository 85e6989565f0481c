/** Covers malformed messages: they get a typed error, then the connection is closed, and no worker dies. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { capabilities } from '../../scripts/support/media/clientParameters.ts';
import type { Message } from '../support/client.ts';
import { failure, useServer } from '../support/weir.ts';

const weir = useServer({ WEIR_MESSAGES_PER_SECOND: '1000', WEIR_MESSAGE_BURST: '1000' });
const workerPids = () => weir.app.pool.workers.map(({ pid }) => pid);
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

let before: number[];
beforeEach(() => {
  before = workerPids();
});
afterEach(async () => {
  // Whatever a test has sent, the same worker still opens rooms.
  expect(workerPids()).toEqual(before);
  await weir.join();
});

describe('a malformed message', () => {
  test.each([
    ['not JSON', 'hello'],
    ['empty', ''],
    ['half an object', '{"id":1,'],
    ['an array', '[{"id":1,"method":"leave","data":{}}]'],
    ['a number', '42'],
    ['null', 'null'],
    ['a string', '"join"'],
    ['an empty object', '{}'],
    ['a request without a method', '{"id":1}'],
    ['a request with an unknown field', '{"id":1,"method":"leave","data":{},"extra":1}'],
    ['an id that is not a number', '{"id":"1","method":"leave","data":{}}'],
    ['a negative id', '{"id":-1,"method":"leave","data":{}}'],
    ['a fractional id', '{"id":1.5,"method":"leave","data":{}}'],
    ['a huge id', '{"id":1e300,"method":"leave","data":{}}'],
    ['a method that is not a string', '{"id":1,"method":{"toString":"join"},"data":{}}'],
    ['a method with too long a name', `{"id":1,"method":"${'x'.repeat(65)}","data":{}}`],
    ['an unknown event', '{"event":"newPeer","data":{}}'],
    ['the event __proto__', '{"event":"__proto__","data":{}}'],
    ['the event constructor', '{"event":"constructor","data":{}}'],
    ['the field __proto__', '{"id":1,"method":"leave","data":{},"__proto__":{"admin":true}}'],
    ['10,000 levels of arrays', nested(10_000)],
    ['30,000 levels of arrays', nested(30_000)],
    ['a NaN', '{"id":NaN,"method":"leave","data":{}}'],
    ['a null byte', '\0'],
  ])('%s is answered with badMessage, and the connection stays open', async (_name, text) => {
    const client = await weir.connect();
    expect((await client.requestInvalid(text)).error?.code).toBe('badMessage');
    await expect(client.join()).resolves.toBeDefined();
  });

  test('sent repeatedly closes the connection with 4006 "protocolError"', async () => {
    const client = await weir.connect();
    for (let count = 0; count < 10; count += 1) client.send('garbage');
    expect(await client.closed).toEqual({ code: 4006, reason: 'protocolError' });
    expect(client.unrelatedErrors.length).toBe(5);
  });

  test('sent repeatedly after a join: the others get the reason of peerClosed', async () => {
    const ada = await weir.join({ room: 'room' });
    const bob = await weir.join({ room: 'room' });
    for (let count = 0; count < 5; count += 1) bob.client.send('garbage');
    expect(await ada.client.event('peerClosed')).toEqual({ peerId: bob.reply.peerId, reason: 'protocolError' });
  });

  test('is never echoed to the sender', async () => {
    const client = await weir.connect();
    const { error } = await client.requestInvalid('<script>alert(1)</script>');
    expect(JSON.stringify(error)).not.toContain('script');
  });

  test('a reply or an error without a request is ignored', async () => {
    const client = await weir.connect();
    client.send('{"id":77,"data":{}}');
    client.send('{"id":78,"error":{"code":"internal","message":"boo"}}');
    client.send('{"error":{"code":"internal","message":"boo"}}');
    expect((await client.requestRaw('nothing')).error?.code).toBe('unknownMethod');
    expect(client.unrelatedErrors).toEqual([]);
  });

  test('a binary message closes the connection with 4006', async () => {
    const client = await weir.connect();
    client.send(Buffer.from('{"id":1,"method":"leave","data":{}}'));
    expect(await client.closed).toEqual({ code: 4006, reason: 'protocolError' });
  });

  test('text that is not UTF-8 closes the connection with 1007', async () => {
    const client = await weir.connect();
    client.socket.send(Buffer.from([0x22, 0xff, 0xfe, 0x22]), { binary: false });
    expect((await client.closed).code).toBe(1007);
  });
});

describe('a request', () => {
  test.each(['nothing', '__proto__', 'constructor', 'toString', 'hasOwnProperty', '', '\ud800', 'JOIN'])(
    'of the unknown method %j is answered with unknownMethod',
    async (method) => {
      const client = await weir.connect();
      expect((await client.requestRaw(method)).error?.code).toBe('unknownMethod');
      await expect(client.join()).resolves.toBeDefined();
    },
  );

  test.each([
    ['connectTransport', { transportId: 'x', dtlsParameters: { fingerprints: [] } }],
    ['produce', {}],
    ['leave', { reason: 'bored' }],
    ['kick', { peerId: 7 }],
    ['resumeConsumers', { consumerIds: [] }],
    ['closeProducer', { source: 'hologram' }],
    ['pauseProducer', { source: ['camera'] }],
    ['resumeProducer', null],
    ['join', []],
    ['join', 'room'],
    ['openTransport', {}],
    ['openTransport', { direction: 'both' }],
    ['setHand', { raised: 'yes' }],
    ['setHand', { raised: true, name: ' ' }],
    ['setHand', { raised: true, name: 'x'.repeat(257) }],
    ['setGrants', { peerId: 'x' }],
    ['setGrants', { peerId: '', grants: {} }],
    ['setGrants', { peerId: 'x', grants: { hidden: true } }],
    ['setGrants', { peerId: 'x', grants: { canPublish: 'no' } }],
    ['setGrants', { peerId: 'x', grants: { canPublish: null } }],
    ['setGrants', { peerId: 'x', grants: { canPublishSources: ['hologram'] } }],
    ['setGrants', { peerId: 'x', grants: { canPublishSources: Array.from({ length: 9 }, () => 'camera') } }],
    ['setGrants', { peerId: 'x', grants: { canPublish: true }, role: 'host' }],
    ['setBroadcast', { live: 1 }],
    ['setBroadcast', { profile: 'high' }],
    ['setBroadcast', { state: 'live' }],
    ['invite', {}],
    ['invite', { peerId: ['x'] }],
    ['answerInvite', {}],
    ['answerInvite', { accept: 'true' }],
    ['answerInvite', { accept: true, peerId: 'x' }],
    ['stepDown', { peerId: 'x' }],
  ])('%s with the data %j is answered with badRequest', async (method, data) => {
    const { client } = await weir.join();
    const { error } = await client.requestRaw(method, data);
    expect(error?.code).toBe('badRequest');
    // It is not the schema library's own message.
    expect(error?.message).toMatch(/^("|The data |[A-Z]).+\.$/);
    expect(error?.message).not.toMatch(/expected|received|invalid|unrecognized/i);
    await expect(client.request('kick', { peerId: 'x' })).rejects.toMatchObject(failure('forbidden'));
  });

  test.each([
    'connectTransport',
    'produce',
    'closeProducer',
    'pauseProducer',
    'resumeProducer',
    'resumeConsumers',
    'kick',
    'openTransport',
    'setHand',
    'setGrants',
    'setBroadcast',
    'invite',
    'answerInvite',
    'stepDown',
  ])('%s before join is answered with an error, and the connection can still join', async (method) => {
    const client = await weir.connect();
    const valid: Record<string, unknown> = {
      connectTransport: {
        transportId: 'x',
        dtlsParameters: { fingerprints: [{ algorithm: 'sha-256', value: 'AB:CD' }] },
      },
      produce: { source: 'camera', rtpParameters: { codecs: [vp8], encodings: [{ ssrc: 1 }] } },
      resumeConsumers: { consumerIds: ['x'] },
      kick: { peerId: 'x' },
      openTransport: { direction: 'send' },
      setHand: { raised: true },
      setGrants: { peerId: 'x', grants: {} },
      setBroadcast: { live: true },
      invite: { peerId: 'x' },
      answerInvite: { accept: true },
      stepDown: {},
    };
    expect((await client.requestRaw(method, valid[method] ?? { source: 'camera' })).error?.code).toBe('notJoined');
    await expect(client.join()).resolves.toBeDefined();
  });

  test.each([
    { kind: 'webinar' },
    { kind: true },
    { role: 'admin' },
    { role: ['host'] },
    { kind: 'broadcast', role: '' },
  ])('to join with %j is rejected', async (wrong) => {
    const client = await weir.connect();
    expect((await client.requestRaw('join', { ...joinData, ...wrong })).error?.code).toBe('badRequest');
    await expect(client.join()).resolves.toBeDefined();
  });

  test.each(['extra', '__proto__', 'constructor', 'prototype'])(
    'to join with the unknown field %j is rejected',
    async (field) => {
      const client = await weir.connect();
      // As text, because `__proto__` in an object literal would set its prototype.
      const data = JSON.stringify(joinData).replace('{', `{"${field}":{"admin":true},`);
      client.send(`{"id":5,"method":"join","data":${data}}`);
      const answer = await client.until('the answer', () => client.messages.find(({ id }) => id === 5));
      expect(answer.error?.code).toBe('badRequest');
      expect(Object.hasOwn(Object.prototype, 'admin')).toBe(false);
    },
  );

  test('gets one reply each, in their order, whether they fail or not', async () => {
    const client = await weir.connect();
    const methods = ['nothing', 'kick', 'join', 'join', 'leaf', 'kick'];
    const data: Record<string, unknown> = { kick: { peerId: 'x' }, join: joinData };
    methods.forEach((method, id) => {
      client.send(JSON.stringify({ id, method, data: data[method] ?? {} }));
    });
    const isAnswer = ({ id, method }: Message) => id !== undefined && method === undefined;
    await client.until('the last answer', () => client.messages.find((one) => isAnswer(one) && one.id === 5));
    const answers = client.messages.filter(isAnswer).map(({ id, error }) => [id, error?.code]);
    expect(answers).toEqual([
      [0, 'unknownMethod'],
      [1, 'notJoined'],
      [2, undefined],
      [3, 'alreadyJoined'],
      [4, 'unknownMethod'],
      [5, 'forbidden'],
    ]);
  });

  test('with more than 1 KiB of invalid text gets a message of at most 512 characters', async () => {
    const client = await weir.connect();
    const { error } = await client.requestRaw('join', { ...joinData, ['x'.repeat(4000)]: 1 });
    expect(error?.code).toBe('badRequest');
    expect(error?.message.length).toBeLessThanOrEqual(512);
  });
});

const vp8 = { mimeType: 'video/VP8', payloadType: 96, clockRate: 90_000 };
const joinData = { room: 'room', rtpCapabilities: capabilities, transports: { send: true, recv: true } };
