/** Tests that a DTLS client is given each message of a handshake once, however often the server sends it. */
import { expect, test } from 'vitest';
import { HandshakeFilter } from '../../server/ice/probe/HandshakeFilter.ts';

let sequence = 0;
/** A record; each has a number of its own, also when it repeats a message. */
function record(type: number, epoch: number, body: Buffer): Buffer {
  const header = Buffer.alloc(13);
  header[0] = type;
  header.writeUInt16BE(0xfefd, 1);
  header.writeUInt16BE(epoch, 3);
  header.writeUIntBE(sequence++, 5, 6);
  header.writeUInt16BE(body.length, 11);
  return Buffer.concat([header, body]);
}
function message(number: number, offset = 0, epoch = 0): Buffer {
  const body = Buffer.alloc(20, number);
  body.writeUInt16BE(number, 4);
  body.writeUIntBE(offset, 6, 3);
  return record(22, epoch, body);
}

test('messages pass once, in one datagram or in several; other records always', () => {
  const filter = new HandshakeFilter();
  const flight = Buffer.concat([message(1), message(2), message(2, 8)]);
  expect(filter.filter(flight)).toEqual(flight);
  expect(filter.filter(message(1))).toBeUndefined();
  const [repeated, change, next] = [message(2, 8), record(20, 0, Buffer.of(1)), message(3)];
  expect(filter.filter(Buffer.concat([repeated, change, next]))).toEqual(Buffer.concat([change, next]));
  for (const encrypted of [message(1, 0, 1), message(1, 0, 1), record(23, 1, Buffer.alloc(30))]) {
    expect(filter.filter(encrypted)).toEqual(encrypted);
  }
});

test('what is no complete record passes as it is', () => {
  for (const bytes of ['16', '16fefd00000000000000000020', '16fefd0000000000000000ffff0102']) {
    const datagram = Buffer.from(bytes, 'hex');
    expect(new HandshakeFilter().filter(datagram)).toEqual(datagram);
  }
});
