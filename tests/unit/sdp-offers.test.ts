/**
 * Tests of what offers of real clients become: the parameters of mediasoup's producers, and the answer. The expected texts are
 * in tests/unit/sdp-offers/, one for each offer in scripts/support/sdp/offers/.
 */
import { parse } from 'sdp-transform';
import { describe, expect, test } from 'vitest';
import { offerNamed, offerNames } from '../../scripts/support/sdp/offers.ts';
import { readPublishOffer } from '../../server/gateways/sdp/publishOffer.ts';
import { answeredSetup } from '../../server/gateways/sdp/transport.ts';
import { writeIceFragment, writeSdp } from '../../server/gateways/sdp/writeSdp.ts';
import { iceCandidates } from '../../server/media/iceCandidates.ts';
import { serverRtpCapabilities } from '../../server/media/options.ts';

const transport = {
  iceParameters: { usernameFragment: 'serverfragment', password: 'the-password-of-the-server-32-ch', iceLite: true },
  iceCandidates: iceCandidates(['192.0.2.1', '2001:db8::1'], 44_400),
  dtlsParameters: {
    role: 'auto' as const,
    fingerprints: [
      { algorithm: 'sha-1' as const, value: 'AA:BB' },
      { algorithm: 'sha-256' as const, value: 'CC:DD' },
    ],
  },
};

function answerTo(sdp: string): string {
  const { tracks, extmapAllowMixed, transport: offered } = readPublishOffer(sdp, serverRtpCapabilities);
  return writeSdp({
    sessionId: '1',
    extmapAllowMixed,
    media: tracks.map(({ answer }) => answer),
    transport,
    setup: answeredSetup(offered),
  });
}

describe.each(offerNames)('the offer of %s', (name) => {
  test('becomes these producers, and gets this answer', async () => {
    const sdp = offerNamed(name);
    const { transport: offered, tracks } = readPublishOffer(sdp, serverRtpCapabilities);
    const producers = tracks.map(({ kind, rtpParameters }) => ({ kind, rtpParameters }));
    const parts = [offered, producers].map((part) => JSON.stringify(part, undefined, 1));
    const text = `${parts.join('\n\n')}\n\n${answerTo(sdp).replaceAll('\r\n', '\n')}`;
    await expect(text).toMatchFileSnapshot(`sdp-offers/${name}.txt`);
  });

  test('has the same m-lines in its answer, each received, with payload types of the offer', () => {
    const offer = Parsed.of(offerNamed(name));
    const answer = Parsed.of(answerTo(offerNamed(name)));
    expect(answer.media.map(({ type, mid }) => [type, mid])).toEqual(offer.media.map(({ type, mid }) => [type, mid]));
    for (const [index, media] of answer.media.entries()) {
      expect(media).toMatchObject({ direction: 'recvonly', port: 9, iceUfrag: 'serverfragment' });
      for (const payload of media.payloads) expect(offer.media[index]?.payloads).toContain(payload);
      for (const line of media.extensions) expect(offer.media[index]?.extensions).toContain(line);
    }
  });

  test('gets an answer that ffmpeg can read: 8 KiB at most, the first candidate by UDP', () => {
    const answer = answerTo(offerNamed(name));
    expect(Buffer.byteLength(answer)).toBeLessThan(8192);
    expect(/a=candidate:\S+ 1 (\w+) /.exec(answer)?.[1]).toBe('udp');
  });
});

test('an ICE restart is answered with the new parameters and all candidates', () => {
  const { tracks } = readPublishOffer(offerNamed('obs-32.2'), serverRtpCapabilities);
  const fragment = writeIceFragment(
    tracks.map(({ answer }) => answer),
    transport.iceParameters,
    transport.iceCandidates,
  );
  expect(fragment.split('\r\n')).toEqual([
    'a=ice-lite',
    'a=ice-options:trickle ice2',
    'a=group:BUNDLE 0 1',
    'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    'a=mid:0',
    'a=ice-ufrag:serverfragment',
    'a=ice-pwd:the-password-of-the-server-32-ch',
    expect.stringMatching(/^a=candidate:\w+ 1 udp \d+ 192\.0\.2\.1 44400 typ host$/),
    expect.stringMatching(/^a=candidate:\w+ 1 udp \d+ 2001:db8::1 44400 typ host$/),
    expect.stringMatching(/^a=candidate:\w+ 1 tcp \d+ 192\.0\.2\.1 44400 typ host tcptype passive$/),
    expect.stringMatching(/^a=candidate:\w+ 1 tcp \d+ 2001:db8::1 44400 typ host tcptype passive$/),
    'a=end-of-candidates',
    '',
  ]);
});

/** What these tests compare, by another reading of the SDP than the server's. */
class Parsed {
  readonly media: {
    type: string;
    mid: string;
    port: number;
    direction: string;
    iceUfrag: string;
    payloads: string[];
    extensions: string[];
  }[];

  private constructor(sdp: string) {
    const value = (lines: readonly string[], name: string) =>
      lines.find((line) => line.startsWith(`a=${name}:`))?.slice(name.length + 3) ?? '';
    this.media = sdp
      .split(/^(?=m=)/m)
      .slice(1)
      .map((section) => {
        const lines = section.trimEnd().split('\r\n');
        const [type = '', port = '', , ...payloads] = (lines[0] ?? '').slice(2).split(' ');
        return {
          type,
          port: Number(port),
          mid: value(lines, 'mid'),
          iceUfrag: value(lines, 'ice-ufrag'),
          direction: lines.find((line) => /^a=(sendonly|recvonly|sendrecv)$/.test(line))?.slice(2) ?? '',
          payloads,
          extensions: lines.filter((line) => line.startsWith('a=extmap:')),
        };
      });
  }

  static of(sdp: string): Parsed {
    // What cannot be parsed by anybody has no m-lines.
    expect(parse(sdp)).toMatchObject({ media: expect.anything() });
    return new Parsed(sdp);
  }
}
