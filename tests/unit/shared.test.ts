/** Covers what client and server share: media schemas and their bounds, errors, close reasons, room names. */
import { describe, expect, test } from 'vitest';
import { capabilities, dtls, opus, vp8 } from '../../scripts/support/media/clientParameters.ts';
import { closeReason, closeReasons } from '../../shared/closeReasons.ts';
import { errorCodes, WeirError } from '../../shared/errors.ts';
import { DtlsParameters, kindOf, RtpCapabilities, RtpParameters, sources, text } from '../../shared/media.ts';
import { clientMessages, DisplayName, RoomName, serverMessages } from '../../shared/protocol.ts';

describe('media schemas', () => {
  test('accept parameters of a browser, unchanged', () => {
    expect(RtpParameters.parse(vp8())).toEqual(vp8());
    expect(RtpParameters.parse(opus())).toEqual(opus());
    expect(RtpCapabilities.parse(capabilities)).toEqual(capabilities);
    expect(DtlsParameters.parse(dtls)).toEqual(dtls);
  });

  test('drop unknown header extensions, and keep the others', () => {
    const [mid] = vp8().headerExtensions ?? [];
    const extended = {
      ...vp8(),
      headerExtensions: [{ uri: 'urn:example:new', id: 999 }, mid, { uri: '__proto__', id: 2 }],
    };
    expect(RtpParameters.parse(extended).headerExtensions).toEqual([mid]);
  });

  test('refuse known header extensions that are malformed, and other values', () => {
    const withExtensions = (...headerExtensions: unknown[]) =>
      RtpParameters.safeParse({ ...vp8(), headerExtensions }).success;
    expect(withExtensions({ uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', id: 1 })).toBe(true);
    expect(withExtensions({ uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', id: 0 })).toBe(false);
    expect(withExtensions({ uri: 'urn:ietf:params:rtp-hdrext:sdes:mid' })).toBe(false);
    expect(withExtensions(null)).toBe(false);
    expect(withExtensions({ id: 1 })).toBe(false);
  });

  test('drop unknown fields, at every depth', () => {
    const [codec] = opus().codecs;
    const extended = {
      ...opus(),
      future: 1,
      codecs: [{ ...codec, future: 1 }],
      encodings: [{ ssrc: 1111, future: 1 }],
    };
    expect(RtpParameters.parse({ ...extended, encodings: [{ ssrc: 1112, future: 1 }] })).toEqual(opus());
  });

  test.each([
    ['payloadType', 127, 128],
    ['clockRate', 0xffff_ffff, 0x1_0000_0000],
    ['channels', 255, 256],
  ])('limit a codec to what RTP can carry: %s up to %i, not %i, not below 0, no fractions', (field, most, tooMuch) => {
    const accepts = (value: unknown) =>
      RtpParameters.safeParse({ ...opus(), codecs: [{ ...opus().codecs[0], [field]: value }] }).success;
    expect([accepts(0), accepts(most)]).toEqual([true, true]);
    for (const value of [tooMuch, -1, 1.5, Number.NaN, Infinity, '1', null]) expect(accepts(value)).toBe(false);
  });

  test('limit an ssrc to 32 bits', () => {
    const accepts = (ssrc: unknown) => RtpParameters.safeParse({ ...opus(), encodings: [{ ssrc }] }).success;
    expect([accepts(0), accepts(0xffff_ffff)]).toEqual([true, true]);
    for (const value of [0x1_0000_0000, -1, 0.1, '1', Number.NaN]) expect(accepts(value)).toBe(false);
  });

  test('require 1 to 32 codecs and 1 to 4 encodings', () => {
    const accepts = (codecs: number, encodings: number) =>
      RtpParameters.safeParse({
        codecs: Array.from({ length: codecs }, () => opus().codecs[0]),
        encodings: Array.from({ length: encodings }, (_, ssrc) => ({ ssrc })),
      }).success;
    expect([accepts(1, 1), accepts(32, 4)]).toEqual([true, true]);
    expect([accepts(0, 1), accepts(33, 1), accepts(1, 0), accepts(1, 5)]).toEqual([false, false, false, false]);
  });

  test('need a valid fingerprint', () => {
    const accepts = (...values: string[]) =>
      DtlsParameters.safeParse({ fingerprints: values.map((value) => ({ algorithm: 'sha-256', value })) }).success;
    expect([accepts('AB:CD'), accepts('ab:cd:01')]).toEqual([true, true]);
    expect([accepts(), accepts(''), accepts('AB'), accepts('AB:C'), accepts('AB:CD\n'), accepts('GG:HH')]).toEqual([
      false,
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  test('refuse text with lone surrogates, and count code points, not UTF-16 units', () => {
    const accepts = (value: string) => text(4).safeParse(value).success;
    expect([accepts('🎉🎉🎉🎉'), accepts('🎉🎉🎉🎉x'), accepts('abcde')]).toEqual([true, false, false]);
    expect([accepts('\ud83c'), accepts('\udf89\ud83c')]).toEqual([false, false]);
  });

  test('map every source to its kind', () => {
    expect(sources.map((source) => [source, kindOf[source]])).toEqual([
      ['camera', 'video'],
      ['microphone', 'audio'],
      ['screen', 'video'],
      ['screenAudio', 'audio'],
    ]);
  });
});

describe('names', () => {
  test('of rooms may have any visible characters but slashes', () => {
    for (const name of ['a', 'a b', 'ünï 🎉', '...', 'x'.repeat(256)]) expect(RoomName.parse(name)).toBe(name);
    for (const name of ['', ' ', 'a/b', 'a\tb', 'a\u007fb', 'x'.repeat(257), '\ud800', 7, null]) {
      expect(RoomName.safeParse(name).success).toBe(false);
    }
  });

  test('of people are trimmed and not empty', () => {
    expect(DisplayName.parse('  Ada\n')).toBe('Ada');
    for (const name of ['', ' \t\n', 'x'.repeat(101)]) expect(DisplayName.safeParse(name).success).toBe(false);
  });
});

describe('the tables of requests and events', () => {
  test('describe each message', () => {
    const { requests, events } = serverMessages;
    for (const { about } of [
      ...Object.values(clientMessages.requests),
      ...Object.values(requests),
      ...Object.values(events),
    ]) {
      expect(about).toMatch(/^[A-Z].+[.?]$/);
    }
  });

  test('are strict for clients and lenient for servers', () => {
    expect(clientMessages.requests.leave.request.safeParse({ more: 1 }).success).toBe(false);
    const news = { peerId: 'a', reason: 'left', more: 1 };
    expect(serverMessages.events.peerClosed.data.parse(news)).toEqual({ peerId: 'a', reason: 'left' });
  });
});

describe('close reasons', () => {
  const entries = Object.entries(closeReasons);

  test('have distinct codes that a WebSocket may use', () => {
    const codes = entries.map(([, { code }]) => code);
    expect(new Set(codes).size).toBe(codes.length);
    for (const code of codes) expect(code === 1000 || code === 1006 || (code >= 4000 && code <= 4999)).toBe(true);
  });

  test('fit into a close frame and have a message for people', () => {
    for (const [reason, { message }] of entries) {
      expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
      expect(message).toMatch(/^[A-Z].+\.$/);
    }
  });

  test('are found by their code; an unknown code counts as a lost connection', () => {
    for (const [reason, { code }] of entries) expect(closeReason(code)).toBe(reason);
    for (const code of [1001, 1005, 1009, 4999, 0, Number.NaN]) expect(closeReason(code)).toBe('disconnected');
  });
});

describe('errors', () => {
  test('have a sentence for every code', () => {
    for (const meaning of Object.values(errorCodes)) expect(meaning).toMatch(/^[A-Z].+\.$/);
    expect(new WeirError('roomFull').message).toBe(errorCodes.roomFull);
  });

  test('send code and message, and not the cause', () => {
    const error = new WeirError('notFound', 'Not here.', { cause: new Error('secret') });
    expect(JSON.stringify(error.toWire())).toBe('{"code":"notFound","message":"Not here."}');
    expect(WeirError.fromWire(error.toWire())).toMatchObject({ code: 'notFound', message: 'Not here.' });
    const expired = new WeirError('unauthorized', 'Too late.', { reason: 'expired', retryAfter: 7 });
    expect(WeirError.fromWire(expired.toWire())).toMatchObject({ reason: 'expired', retryAfter: 7 });
    expect(WeirError.fromWire({ ...expired.toWire(), reason: 'toString' }).reason).toBeUndefined();
  });

  test('that are not public become internal, with themselves as the cause', () => {
    const error = new Error('secret');
    expect(WeirError.from(error)).toMatchObject({ code: 'internal', message: errorCodes.internal, cause: error });
    const known = new WeirError('conflict');
    expect(WeirError.from(known)).toBe(known);
  });

  test.each(['unheardOf', '__proto__', 'constructor'])('of the unknown code %s become internal', (code) => {
    expect(WeirError.fromWire({ code, message: 'x' })).toMatchObject({ code: 'internal', message: 'x' });
  });
});
