/** Tests of SDP that is refused: what is wrong, in one sentence, and never anything but a refusal. */
import { describe, expect, test } from 'vitest';
import { type Random, randomFrom } from '../../scripts/support/random.ts';
import { mutate } from '../../scripts/support/sdp/mutate.ts';
import { offerNamed, offerNames } from '../../scripts/support/sdp/offers.ts';
import { parseIceFragment } from '../../server/gateways/sdp/iceFragment.ts';
import { readPublishOffer } from '../../server/gateways/sdp/publishOffer.ts';
import { serverRtpCapabilities } from '../../server/media/options.ts';
import { WeirError } from '../../shared/errors.ts';

const obs = offerNamed('obs-30.2');
const simulcast = offerNamed('obs-simulcast');

function refusalOf(read: () => unknown): Pick<WeirError, 'code' | 'message'> | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof WeirError) return error;
    throw error;
  }
}

const refusalOfOffer = (sdp: string) => refusalOf(() => readPublishOffer(sdp, serverRtpCapabilities));
/** All lines that begin so, replaced or removed. */
const change = (sdp: string, line: RegExp, by = '') => sdp.replace(new RegExp(`^${line.source}.*\r\n`, 'gm'), by);

describe('what is no SDP is a bad request', () => {
  test.each([
    ['The SDP does not begin with "v=0".', ''],
    ['The SDP does not begin with "v=0".', '{"type":"offer"}'],
    ['The SDP has no media section.', 'v=0\r\ns=-\r\n'],
    ['The SDP has a malformed line 15.', obs.replace('a=mid:0', 'mid:0')],
    ['The SDP has a malformed line 15.', obs.replace('a=mid:0', 'a=mid:\u00070')],
    ['The SDP is not valid Unicode.', obs.replace('a=mid:0', 'a=mid:\ud800')],
    ['The SDP has a malformed "port" in media section 1.', obs.replace('m=audio 9', 'm=audio 70000')],
    ['The SDP has a malformed "type" in media section 1.', obs.replace('m=audio 9', 'm=audio')],
    ['The SDP has a malformed "rtp" in media section 2.', obs.replace('a=rtpmap:96', 'a=rtpmap:999')],
    ['The SDP has a malformed "ssrcs" in media section 2.', obs.replace('ssrc:3957928346', 'ssrc:99999999999')],
    ['The SDP has no "ice-ufrag" or no "ice-pwd".', change(obs, /a=ice-pwd/)],
    ['too short', obs.replace('a=ice-ufrag:JLvv', 'a=ice-ufrag:J')],
    ['The SDP has no "fingerprint".', change(obs, /a=fingerprint/)],
    ['unknown hash function', obs.replace('a=fingerprint:sha-256', 'a=fingerprint:md5')],
    ['The SDP has no "setup".', change(obs, /a=setup/)],
    ['The SDP has a media section without "mid".', change(obs, /a=mid:1/)],
    ['The SDP has two media sections of one "mid".', obs.replace('a=mid:1', 'a=mid:0')],
    ['The SDP has one SSRC twice.', obs.replaceAll('3957928346', '3957928345')],
  ])('%s', (message, sdp) => {
    expect(refusalOfOffer(sdp)).toMatchObject({ code: 'badRequest', message: expect.stringContaining(message) });
  });

  test.each([
    ['The SDP is larger than 65536 bytes.', `${obs}a=x:${'x'.repeat(64 * 1024)}\r\n`],
    ['The SDP has more than 2000 lines.', `${obs}${'a=x\r\n'.repeat(2000)}`],
    ['The SDP has more than 2000 lines.', obs + '\n'.repeat(60_000)],
    ['The SDP has a line of more than 4096 characters.', `${obs}a=x:${'x'.repeat(5000)}\r\n`],
    ['The SDP has more than 16 media sections.', `${obs}${'m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n'.repeat(16)}`],
    ['The SDP has more than 256 candidates.', `${obs}${'a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n'.repeat(257)}`],
    ['The SDP has a malformed "rtp" in media section 2.', `${obs}${'a=rtpmap:100 x/90000\r\n'.repeat(97)}`],
    ['The SDP has a malformed "ext" in media section 2.', `${obs}${'a=extmap:1 urn:x\r\n'.repeat(65)}`],
  ])('%s', (message, sdp) => {
    expect(refusalOfOffer(sdp)).toMatchObject({ code: 'badRequest', message: expect.stringContaining(message) });
  });
});

describe('what cannot be served is unsupported, and the error says what is wanted', () => {
  test.each([
    [
      'Each track that is published must be "sendonly"; the offer has "recvonly".',
      obs.replaceAll('a=sendonly', 'a=recvonly'),
    ],
    ['"inactive"', obs.replaceAll('a=sendonly', 'a=inactive')],
    ['The server takes VP8, H264, VP9, AV1 as video; the offer has H265.', obs.replaceAll('H264', 'H265')],
    ['The server takes opus as audio; the offer has PCMU.', obs.replaceAll('opus', 'PCMU')],
    ['the offer has H264', obs.replace('packetization-mode=1', 'packetization-mode=2')],
    ['the offer has H264', obs.replace('42e01f', '6e0028')],
    ['one BUNDLE group', obs.replace('a=group:BUNDLE 0 1', 'a=group:BUNDLE 0')],
    [
      'At most one video track',
      obs.replace('m=audio', 'm=video').replace('a=rtpmap:111 opus/48000/2', 'a=rtpmap:111 VP8/90000'),
    ],
    ['one MediaStream', obs.replaceAll('msid:ZEkK1QTjccuD7aXX ZEkK1QTjccuD7aXX-video', 'msid:other x')],
    ['"rtcp-mux" is missing', change(obs, /a=rtcp-mux/)],
    [
      'The protocol must be UDP/TLS/RTP/SAVPF; the offer has "RTP/AVP".',
      obs.replaceAll('UDP/TLS/RTP/SAVPF', 'RTP/AVP'),
    ],
    ['The offer has a media section that is disabled (port 0).', obs.replace('m=audio 9', 'm=audio 0')],
    [
      'Only audio and video can be offered, not "application".',
      `${obs.replace('BUNDLE 0 1', 'BUNDLE 0 1 2')}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n`,
    ],
    ['"setup:holdconn" is not supported.', obs.replace('a=setup:actpass', 'a=setup:holdconn')],
    ['full ICE', obs.replace('t=0 0', 't=0 0\r\na=ice-lite')],
    ['recognizable', change(obs, /a=ssrc/)],
    [
      'Simulcast has at most 4 layers here; the offer has 5.',
      simulcast
        .replace('send 0;1;2', 'send 0;1;2;3;4')
        .replace('a=rid:0 send', ['0', '3', '4'].map((id) => `a=rid:${id} send`).join('\r\n')),
    ],
  ])('%s', (message, sdp) => {
    expect(refusalOfOffer(sdp)).toMatchObject({ code: 'unsupported', message: expect.stringContaining(message) });
  });
});

describe('layers of simulcast', () => {
  const rids = (names: string, lines: readonly string[]) =>
    simulcast
      .replace(/(a=rid:\d send\r\n)+/, lines.map((line) => `a=rid:${line}\r\n`).join(''))
      .replace('send 0;1;2', `send ${names}`);
  const layersOf = (sdp: string) =>
    readPublishOffer(sdp, serverRtpCapabilities).tracks[1]?.rtpParameters.encodings.map(({ rid }) => rid);

  test.each([
    // The first one is the preferred one, which is the highest.
    ['0;1;2', ['0 send', '1 send', '2 send'], ['2', '1', '0']],
    ['x;y', ['x send', 'y send'], ['y', 'x']],
    // Names that everybody uses so.
    ['h;m;l', ['h send', 'm send', 'l send'], ['l', 'm', 'h']],
    ['q;h;f', ['q send', 'h send', 'f send'], ['q', 'h', 'f']],
    ['r0;r1;r2', ['r0 send', 'r1 send', 'r2 send'], ['r0', 'r1', 'r2']],
    ['low;high', ['low send', 'high send'], ['low', 'high']],
    // What is said counts more than a name.
    ['h;l', ['h send max-width=320', 'l send max-width=1280'], ['h', 'l']],
    // Alternatives, and layers that begin paused.
    ['h,m;~l', ['h send', 'm send', 'l send'], ['l', 'h']],
    // Those that are received do not count.
    ['h;l', ['h send', 'l recv'], ['h']],
  ])('%s is sent from the lowest on', (names, lines, expected) => {
    expect(layersOf(rids(names, lines))).toEqual(expected);
  });
});

describe('fragments', () => {
  const ice = { usernameFragment: 'EsAw', password: 'P2uYro0UCOQ4zxjKXaWCBui1' };
  const credentials = 'a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n';

  test.each([
    [
      'of RFC 9725',
      `a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n${credentials}a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1\r\na=end-of-candidates\r\n`,
      ice,
    ],
    // As the package whip-whep writes it, whose m-line is none.
    ['of whip-whep', `${credentials}m=audio RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 1 a.local 1 typ host\r\n`, ice],
    ['without credentials', 'm=audio 9 UDP/TLS/RTP/SAVPF 0\na=mid:0\na=end-of-candidates\n', undefined],
    ['with a candidate of an unknown transport', `${credentials}a=candidate:1 1 quic 1 192.0.2.1 1 typ host\r\n`, ice],
  ])('%s', (_name, text, expected) => {
    expect(parseIceFragment(text).ice).toEqual(expected);
  });

  test.each([
    ['', 'The SDP fragment has no attributes.'],
    ['{}', 'The SDP has a malformed line 1.'],
    [`v=0\r\n${credentials}`, 'The SDP fragment has other lines than "a=" and "m=".'],
    [`${credentials}a=candidate:x\r\n`, 'The SDP fragment has a malformed candidate.'],
    ['a=ice-ufrag:EsAw\r\n', 'The SDP fragment has one of "ice-ufrag" and "ice-pwd" only.'],
    [credentials.replace('EsAw', 'E'), 'The SDP fragment has a malformed "ice-ufrag".'],
  ])('%j is refused', (text, message) => {
    expect(refusalOf(() => parseIceFragment(text))).toMatchObject({ code: 'badRequest', message });
  });
});

describe('damaged at random', () => {
  // `npm run torture -- sdp` is the long form.
  const times = 200;
  const [first = '', ...others] = offerNames.map(offerNamed);
  const damaged = (random: Random) => mutate(random.pick([first, ...others]), random);

  test('an offer is taken or refused, within a moment', () => {
    const seen = { badRequest: 0, unsupported: 0, taken: 0 };
    /** Milliseconds of computing. */
    let slowest = 0;
    for (let seed = 1; seed <= times; seed += 1) {
      const sdp = damaged(randomFrom(seed));
      const began = process.threadCpuUsage();
      const code = refusalOfSeed(seed, () => readPublishOffer(sdp, serverRtpCapabilities));
      slowest = Math.max(slowest, process.threadCpuUsage(began).user / 1000);
      if (code === 'badRequest' || code === 'unsupported') seen[code] += 1;
      else seen.taken += 1;
    }
    // The damage is neither none nor total.
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(times / 20);
    expect(slowest).toBeLessThan(500);
  });

  test('a fragment is taken or refused', () => {
    for (let seed = 1; seed <= times; seed += 1) {
      const text = damaged(randomFrom(seed)).replace(/^[^am]=.*\r\n/gm, '');
      refusalOfSeed(seed, () => parseIceFragment(text));
    }
  });

  function refusalOfSeed(seed: number, read: () => unknown): string | undefined {
    try {
      read();
      return undefined;
    } catch (error) {
      if (error instanceof WeirError && (error.code === 'badRequest' || error.code === 'unsupported'))
        return error.code;
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});
