/** Tests of the parts of WHEP without media: counter-offers and their answers, and which video is shown. */
import { describe, expect, test } from 'vitest';
import { playerOffer } from '../../scripts/support/sdp/clientTexts.ts';
import { offerNames } from '../../scripts/support/sdp/offers.ts';
import { chooseVideo } from '../../server/gateways/playback/chooseVideo.ts';
import { counterMedia, readPlayAnswer, readPlayOffer } from '../../server/gateways/sdp/playOffer.ts';
import { type ServerMedia, writeSdp } from '../../server/gateways/sdp/writeSdp.ts';
import { iceCandidates } from '../../server/media/iceCandidates.ts';
import { serverRtpCapabilities } from '../../server/media/options.ts';
import type { Source } from '../../shared/media.ts';

const refused = (code: 'badRequest' | 'unsupported', message: unknown = expect.anything()) =>
  expect.objectContaining({ code, message });

const transport = {
  iceParameters: { usernameFragment: 'serverfragment', password: 'the-password-of-the-server-32-ch' },
  iceCandidates: iceCandidates(['192.0.2.1'], 44_400),
  dtlsParameters: { fingerprints: [{ algorithm: 'sha-256' as const, value: 'CC:DD' }] },
};
const describeMedia = (media: readonly ServerMedia[], setup: 'actpass' | 'active' = 'actpass') =>
  writeSdp({ sessionId: '1', extmapAllowMixed: true, media, transport, setup });

describe('a counter-offer', () => {
  const media = counterMedia(readPlayOffer(playerOffer('firefox'), serverRtpCapabilities), serverRtpCapabilities, 'id');
  const offer = describeMedia(media);

  test('has the codecs of both sides, with the numbers of the server', () => {
    const router = (name: string) =>
      serverRtpCapabilities.codecs.find(({ mimeType }) => mimeType.endsWith(name))?.preferredPayloadType;
    expect(media.map(({ kind, codecs }) => [kind, codecs.map(({ name, payloadType }) => [name, payloadType])])).toEqual(
      [
        ['audio', [['opus', router('opus')]]],
        ['video', ['VP8', 'H264', 'VP9'].map((name) => [name, router(name)])],
      ],
    );
    expect(offer).toMatch(/^a=setup:actpass\r$/m);
    expect(offer.match(/^a=sendonly\r$/gm)).toHaveLength(2);
    expect(offer.match(/^a=msid:id (audio|video)\r$/gm)).toHaveLength(2);
    expect(offer.match(/^a=rtcp-mux-only\r$/gm)).toHaveLength(2);
    for (const line of ['a=group:BUNDLE 0 1', 'a=ice-lite', 'a=end-of-candidates'])
      expect(offer).toContain(`${line}\r\n`);
    expect(offer.match(/^a=candidate:/gm)).toHaveLength(transport.iceCandidates.length);
    expect(offer).toContain('urn:ietf:params:rtp-hdrext:sdes:mid');
    // Sources change, and no SSRC of them can be told.
    expect(offer).not.toMatch(/a=ssrc|rtx/);
  });

  test.each(offerNames)('can be made for the player of %s', (name) => {
    const { media: wanted } = readPlayOffer(playerOffer(name), serverRtpCapabilities);
    const offered = counterMedia(
      { ...readPlayOffer(playerOffer(name), serverRtpCapabilities) },
      serverRtpCapabilities,
      'id',
    );
    expect(offered.map(({ kind }) => kind)).toEqual(wanted.map(({ kind }) => kind));
    for (const { codecs } of offered) expect(codecs.length).toBeGreaterThan(0);
  });

  test.each([
    [playerOffer('firefox').replace('a=recvonly', 'a=sendonly'), 'unsupported'],
    [playerOffer('firefox').replace('a=recvonly', 'a=inactive'), 'unsupported'],
    ['', 'badRequest'],
  ] as const)('is not made for %#', (sdp, code) => {
    expect(() => readPlayOffer(sdp, serverRtpCapabilities)).toThrow(refused(code));
  });

  describe('is answered', () => {
    /** As a player would: its own transport, the m-lines of the offer. */
    const answerOf = (lines: readonly ServerMedia[]) =>
      describeMedia(lines, 'active')
        .replace(/^a=(sendonly|ice-lite)\r\n/gm, (_line, name) => (name === 'sendonly' ? 'a=recvonly\r\n' : ''))
        .replace(/^a=ice-pwd:.*\r$/gm, 'a=ice-pwd:abcdefghijklmnopqrstuvwx\r');
    const read = (sdp: string) => readPlayAnswer(sdp, media, serverRtpCapabilities);

    test('with all of it', () => {
      const { received, capabilities, transport: client } = read(answerOf(media));
      expect(received).toEqual([
        { kind: 'audio', mid: '0' },
        { kind: 'video', mid: '1' },
      ]);
      expect(client.dtlsParameters.role).toBe('client');
      expect(capabilities.codecs.map(({ mimeType }) => mimeType)).toEqual([
        'audio/opus',
        'video/VP8',
        'video/H264',
        'video/VP9',
      ]);
      expect(capabilities.headerExtensions?.length).toBe(
        media.flatMap(({ headerExtensions }) => headerExtensions).length,
      );
    });

    test('with a part of it: one codec, no video', () => {
      const [audio, video] = media;
      if (!audio || !video) throw new Error('There are two m-lines.');
      const vp8 = { ...video, codecs: video.codecs.slice(0, 1), headerExtensions: [] };
      expect(read(answerOf([audio, vp8])).capabilities.codecs).toHaveLength(2);
      const declined = answerOf(media).replace('m=video 9', 'm=video 0').replace('BUNDLE 0 1', 'BUNDLE 0');
      expect(read(declined).received).toEqual([{ kind: 'audio', mid: '0' }]);
    });

    test.each([
      [
        answerOf(media).replaceAll('a=recvonly', 'a=sendrecv'),
        refused('badRequest', expect.stringContaining('"recvonly"')),
      ],
      [answerOf(media).replaceAll('a=setup:active', 'a=setup:actpass'), refused('badRequest')],
      [answerOf(media.slice(1)), refused('badRequest')],
      [answerOf(media.toReversed()), refused('badRequest')],
      [answerOf(media).replaceAll(/m=(\w+) 9/g, 'm=$1 0'), refused('unsupported', 'The answer receives nothing.')],
    ])('not by %#', (sdp, error) => {
      expect(() => read(sdp)).toThrow(error);
    });
  });
});

describe('the video that is shown', () => {
  const video = (peerId: string, source: Source = 'camera', paused = false) => ({ track: { peerId, source, paused } });
  const [ann, bob, cem] = [video('ann'), video('bob'), video('cem')];
  const screen = video('bob', 'screen');

  test('is the first one, and stays when others come', () => {
    expect(chooseVideo([ann, bob], undefined, undefined)).toBe(ann);
    expect(chooseVideo([ann, bob, cem], bob, undefined)).toBe(bob);
    expect(chooseVideo([], undefined, 'ann')).toBeUndefined();
  });

  test('is that of whoever is heard, and a screen before any camera', () => {
    expect(chooseVideo([ann, bob, cem], ann, 'cem')).toBe(cem);
    expect(chooseVideo([ann, bob, screen], ann, 'ann')).toBe(screen);
  });

  test('is not one that is muted, unless there is no other', () => {
    const muted = video('dan', 'camera', true);
    expect(chooseVideo([muted, ann], muted, 'dan')).toBe(ann);
    expect(chooseVideo([muted], muted, undefined)).toBe(muted);
    expect(chooseVideo([ann, video('bob', 'screen', true)], undefined, undefined)).toBe(ann);
  });
});
