/** Covers Weir's STUN server and client: messages by the vectors of RFC 5769, what is answered, limits, retransmission. */
import { randomBytes, randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { PrefixRateLimit } from '../../server/common/PrefixRateLimit.ts';
import { StunResponder, stunAnswer } from '../../server/ice/StunResponder.ts';
import { stunRequest } from '../../server/ice/stunClient.ts';
import {
  ATTRIBUTE,
  BINDING,
  encodeStunMessage,
  errorCodeOf,
  mappedAddressOf,
  parseStunMessage,
  type StunAttribute,
  xorAddress,
} from '../../server/ice/stunMessage.ts';
import { hasIPv6 } from '../support/equipment.ts';

const bytes = (hexadecimal: string) => Buffer.from(hexadecimal.replace(/\s/g, ''), 'hex');

/** RFC 5769, sections 2.1 to 2.3. */
const vectors = {
  request: bytes(`00 01 00 58 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
    80 22 00 10 53 54 55 4e 20 74 65 73 74 20 63 6c 69 65 6e 74 00 24 00 04 6e 00 01 ff
    80 29 00 08 93 2f f9 b1 51 26 3b 36 00 06 00 09 65 76 74 6a 3a 68 36 76 59 20 20 20
    00 08 00 14 9a ea a7 0c bf d8 cb 56 78 1e f2 b5 b2 d3 f2 49 c1 b5 71 a2 80 28 00 04 e5 7a 3b cf`),
  ipv4: bytes(`01 01 00 3c 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
    80 22 00 0b 74 65 73 74 20 76 65 63 74 6f 72 20 00 20 00 08 00 01 a1 47 e1 12 a6 43
    00 08 00 14 2b 91 f5 99 fd 9e 90 c3 8c 74 89 f9 2a f9 ba 53 f0 6b e7 d7 80 28 00 04 c0 7d 4c 96`),
  ipv6: bytes(`01 01 00 48 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
    80 22 00 0b 74 65 73 74 20 76 65 63 74 6f 72 20
    00 20 00 14 00 02 a1 47 01 13 a9 fa a5 d3 f1 79 bc 25 f4 b5 be d2 b9 d9
    00 08 00 14 a3 82 95 4e 4b e6 7b f1 17 84 c9 7c 82 92 c2 75 bf e3 ed 41 80 28 00 04 c8 fb 0b 4c`),
};

const from = { address: '192.0.2.1', port: 32_853 };
const from6 = { address: '2001:db8:1234:5678:11:2233:4455:6677', port: 32_853 };
const log = pino({ level: 'silent' });

const request = (attributes: StunAttribute[] = [], fingerprint = false, transactionId = randomBytes(12)) =>
  encodeStunMessage({ type: BINDING.request, transactionId, attributes, fingerprint });
const attribute = (type: number, length = 0): StunAttribute => ({ type, value: Buffer.alloc(length, 7) });
const parsed = (data: Buffer | undefined) => {
  const message = data && parseStunMessage(data);
  if (!message) throw new Error('There is no message.');
  return message;
};

describe('messages', () => {
  test.each([
    ['request', BINDING.request, [0x8022, 0x0024, 0x8029, ATTRIBUTE.username, ATTRIBUTE.messageIntegrity], undefined],
    ['ipv4', BINDING.success, [0x8022, ATTRIBUTE.xorMappedAddress, ATTRIBUTE.messageIntegrity], from],
    ['ipv6', BINDING.success, [0x8022, ATTRIBUTE.xorMappedAddress, ATTRIBUTE.messageIntegrity], from6],
  ] as const)('the vector %s of RFC 5769 is read', (name, type, types, address) => {
    const message = parsed(vectors[name]);
    expect([message.type, message.fingerprint]).toEqual([type, true]);
    expect(message.transactionId.toString('hex')).toBe('b7e7a701bc34d686fa87dfae');
    expect(message.attributes.map((one) => one.type)).toEqual(types);
    expect(mappedAddressOf(message)).toEqual(address);
    if (name === 'request') expect(message.attributes[3]?.value.toString()).toBe('evtj:h6vY');
  });

  test.each([
    [from, 'ipv4'],
    [from6, 'ipv6'],
  ] as const)('the address %o is encoded as in the vector, and its fingerprint is right', (address, name) => {
    const { transactionId } = parsed(vectors[name]);
    const encoded = xorAddress(address, transactionId);
    expect(encoded).toEqual(parsed(vectors[name]).attributes[1]);
    const type = BINDING.success;
    expect(
      mappedAddressOf(parsed(encodeStunMessage({ type, transactionId, attributes: [encoded], fingerprint: true }))),
    ).toEqual(address);
  });

  test.each([
    ['one changed bit', (data: Buffer) => data.fill((data[30] ?? 0) ^ 1, 30, 31)],
    ['a cut end', (data: Buffer) => data.subarray(0, -4)],
    ['bytes after the end', (data: Buffer) => Buffer.concat([data, Buffer.alloc(4)])],
    ['another magic cookie', (data: Buffer) => data.fill(0, 4, 8)],
    ['the first bits of RTP', (data: Buffer) => data.fill(0x80, 0, 1)],
    ['an attribute longer than the message', (data: Buffer) => data.fill(0xff, 22, 24)],
    ['a length that is no multiple of 4', (data: Buffer) => data.fill(0x57, 3, 4)],
    ['nothing', () => Buffer.alloc(0)],
  ])('with %s are none', (_what, change) => {
    expect(parseStunMessage(Buffer.from(vectors.request))).toBeDefined();
    expect(parseStunMessage(change(Buffer.from(vectors.request)))).toBeUndefined();
  });
});

describe('an answer', () => {
  test('has the address that the request came from, and a FINGERPRINT where the request has one', () => {
    const plain = parsed(stunAnswer(request(), from));
    expect([plain.type, plain.fingerprint, mappedAddressOf(plain)]).toEqual([BINDING.success, false, from]);
    const marked = parsed(stunAnswer(request([], true), from6));
    expect([marked.type, marked.fingerprint, mappedAddressOf(marked)]).toEqual([BINDING.success, true, from6]);
    expect(parsed(stunAnswer(vectors.request, from)).transactionId).toEqual(parsed(vectors.request).transactionId);
  });

  test('is an error 420 that lists attributes that have to be understood and are not, each once', () => {
    // CHANGE-REQUEST and USE-CANDIDATE; USERNAME is known, SOFTWARE may be ignored.
    const unknown = [0x0003, 0x0025, 0x0025, ATTRIBUTE.username, 0x8022].map((type) => attribute(type));
    const answer = parsed(stunAnswer(request(unknown, true), from));
    expect([answer.type, errorCodeOf(answer), answer.fingerprint]).toEqual([BINDING.error, 420, true]);
    const listed = answer.attributes.find(({ type }) => type === ATTRIBUTE.unknownAttributes);
    expect(listed?.value.toString('hex')).toBe('00030025');
    expect(answer.attributes.find(({ type }) => type === ATTRIBUTE.xorMappedAddress)).toBeUndefined();
  });

  test('ignores what follows MESSAGE-INTEGRITY', () => {
    const attributes = [attribute(ATTRIBUTE.messageIntegrity, 20), attribute(0x0003, 4)];
    expect(parsed(stunAnswer(request(attributes), from)).type).toBe(BINDING.success);
  });

  test.each([
    ['responses', BINDING.success],
    ['error responses', BINDING.error],
    ['indications', BINDING.indication],
    ['requests of TURN', 0x0003],
  ])('is not given to %s', (_what, type) => {
    const message = { transactionId: randomBytes(12), attributes: [], fingerprint: true };
    expect(stunAnswer(encodeStunMessage({ ...message, type }), from)).toBeUndefined();
    expect(stunAnswer(encodeStunMessage({ ...message, type: BINDING.request }), from)).toBeDefined();
  });

  test('is not given where it would be longer than twice the request, nor to overlong requests', () => {
    // 44 bytes for 20 and 24 bytes: only the second is within the limit.
    expect(stunAnswer(request(), from6)).toBeUndefined();
    expect(stunAnswer(request([attribute(0x8022)]), from6)).toHaveLength(44);
    expect(stunAnswer(request([attribute(0x8022, 1200)]), from)).toBeDefined();
    expect(stunAnswer(request([attribute(0x8022, 1300)]), from)).toBeUndefined();
  });

  test('to random and mutated packets is never longer than twice the packet, and is no request', () => {
    const seeds = [...Object.values(vectors), request(), request([attribute(0x0003), attribute(0x0025)], true)];
    let answered = 0;
    for (let round = 0; round < 20_000; round += 1) {
      const seed = seeds[round % seeds.length] ?? Buffer.alloc(0);
      const packet = round % 10 === 0 ? randomBytes(randomInt(0, 100)) : Buffer.from(seed);
      for (let changes = randomInt(0, 4); changes > 0 && packet.length > 0; changes -= 1) {
        packet[randomInt(packet.length)] = randomInt(256);
      }
      const cut = packet.subarray(0, round % 3 === 0 ? randomInt(packet.length + 1) : undefined);
      const answer = stunAnswer(cut, round % 2 === 0 ? from : from6);
      if (answer === undefined) continue;
      answered += 1;
      expect(answer.length).toBeLessThanOrEqual(2 * cut.length);
      expect([BINDING.success, BINDING.error]).toContain(parsed(answer).type);
    }
    expect(answered).toBeGreaterThan(1000);
  });
});

describe('the rate limit', () => {
  test('holds for an IPv4 /24 and an IPv6 /64 as a whole, and refills', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const limit = new PrefixRateLimit({ perSecond: 10, burst: 3, buckets: 1 << 20 });
    const taken = (...addresses: string[]) => addresses.map((address) => limit.tryTake(address));
    expect(taken('192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4')).toEqual([true, true, true, false]);
    expect(taken('2001:db8::1', '2001:db8::2:1', '2001:db8::3', '2001:db8::4')).toEqual([true, true, true, false]);
    expect(taken('2001:db8:0:1::1', '198.51.100.1')).toEqual([true, true]);
    vi.advanceTimersByTime(100);
    expect(taken('192.0.2.9', '192.0.2.9')).toEqual([true, false]);
  });
});

describe('the server', () => {
  const serve = async (hosts: readonly string[] = ['127.0.0.1'], port = 0, log_ = log) => {
    const responder = await StunResponder.start({ hosts, port, log: log_ });
    onTestFinished(() => responder?.close());
    return responder;
  };

  test.skipIf(!hasIPv6)('answers on all hosts and one port, over IPv4 and IPv6', async () => {
    const responder = await serve(['127.0.0.1', '::1']);
    const port = responder?.port ?? 0;
    for (const host of ['127.0.0.1', '::1']) {
      const { mapped, local, server } = await stunRequest({ host, port });
      expect(mapped).toEqual(local);
      expect([mapped.address, server]).toEqual([host, { address: host, port }]);
    }
  });

  test('answers no more than its rate', async () => {
    const responder = await serve();
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
    onTestFinished(() => void socket.close());
    let answers = 0;
    socket.on('message', () => {
      answers += 1;
    });
    socket.connect(responder?.port ?? 0, '127.0.0.1');
    await once(socket, 'connect');
    const began = performance.now();
    // Slower than sockets overflow; an answer to each shows that it was received.
    for (let sent = 0; sent < 600; sent += 10) {
      for (let index = 0; index < 10; index += 1) socket.send(request());
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect(stunRequest({ host: '127.0.0.1', port: responder?.port ?? 0 })).resolves.toBeDefined();
    const refilled = ((performance.now() - began) / 1000) * 50;
    expect(answers).toBeGreaterThan(100);
    expect(answers).toBeLessThanOrEqual(300 + refilled);
  });

  test('whose port is taken is not there, which is logged with what to do', async () => {
    const other = await serve();
    const warn = vi.fn();
    const none = await serve(['127.0.0.1'], other?.port, Object.assign(pino({ level: 'silent' }), { warn }));
    expect(none).toBeUndefined();
    expect(warn.mock.calls).toEqual([
      [expect.stringMatching(/^STUN port \d+ \(UDP on 127\.0\.0\.1\) is in use .*WEIR_STUN_PORT/)],
    ]);
  });

  test('tells browsers the public IPv4 addresses that are announced, else private ones', async () => {
    const responder = await serve();
    const url = (address: string) => `stun:${address}:${responder?.port}`;
    expect(responder?.urls(['10.0.0.5', '2001:db8::5', '203.0.113.5'])).toEqual([url('203.0.113.5')]);
    expect(responder?.urls(['10.0.0.5', '2001:db8::5'])).toEqual([url('10.0.0.5')]);
    expect(responder?.urls(['2001:db8::5'])).toEqual([]);
  });
});

describe('the client', () => {
  /** A server that does with each request what it is told to. */
  const listen = async (onRequest: (data: Buffer, reply: (data: Buffer) => void) => void) => {
    const socket = createSocket('udp4');
    onTestFinished(() => void socket.close());
    socket.on('message', (data, { address, port }) => onRequest(data, (answer) => socket.send(answer, port, address)));
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return { host: '127.0.0.1', port: socket.address().port };
  };
  const success = (data: Buffer, changes = {}) =>
    encodeStunMessage({
      ...parsed(data),
      type: BINDING.success,
      attributes: [xorAddress(from, parsed(data).transactionId)],
      ...changes,
    });

  test('sends again with doubled intervals until an answer comes', async () => {
    let received = 0;
    const server = await listen((data, reply) => {
      received += 1;
      if (received === 4) reply(success(data));
    });
    const began = performance.now();
    const { mapped, roundTripTime } = await stunRequest(server, { timeout: 20 });
    const elapsed = performance.now() - began;
    expect(mapped).toEqual(from);
    // After 20, 40 and 80 ms; the round trip is that of the fourth request. Timers may be late, but not early.
    expect(elapsed).toBeGreaterThan(138);
    expect(roundTripTime).toBeLessThan(elapsed - 138);
  });

  test('gives up after seven requests', async () => {
    let received = 0;
    const server = await listen(() => {
      received += 1;
    });
    const words = `The STUN server 127.0.0.1:${server.port} does not answer.`;
    await expect(stunRequest(server, { timeout: 1 })).rejects.toThrow(words);
    await expect.poll(() => received).toBe(7);
    const signal = AbortSignal.timeout(20);
    await expect(stunRequest(server, { signal })).rejects.toThrow(words);
  });

  test('takes no answer to another request, and none with a wrong FINGERPRINT', async () => {
    const other = { address: '203.0.113.66', port: 6 };
    const server = await listen((data, reply) => {
      const attributes = [xorAddress(other, parsed(data).transactionId)];
      reply(success(data, { attributes, transactionId: randomBytes(12) }));
      reply(success(data, { attributes, type: BINDING.indication }));
      const wrong = success(data, { attributes });
      wrong.writeUInt8(wrong.readUInt8(wrong.length - 1) ^ 1, wrong.length - 1);
      reply(wrong);
      reply(randomBytes(40));
      reply(success(data));
    });
    expect((await stunRequest(server)).mapped).toEqual(from);
  });

  test.each([
    ['refuses: nothing listens there', async () => ({ host: '127.0.0.1', port: 9 })],
    [
      'answers with error 420',
      () =>
        listen((data, reply) => {
          const value = Buffer.from([0, 0, 4, 20]);
          reply(success(data, { type: BINDING.error, attributes: [{ type: ATTRIBUTE.errorCode, value }] }));
        }),
    ],
    ['answers without an address', () => listen((data, reply) => reply(success(data, { attributes: [] })))],
    ['cannot be found (E', async () => ({ host: 'no.such.host.invalid', port: 3478 })],
  ])('says that a server %s', async (words, open) => {
    await expect(stunRequest(await open())).rejects.toMatchObject({
      name: 'StunError',
      message: expect.stringContaining(words),
    });
  });
});
