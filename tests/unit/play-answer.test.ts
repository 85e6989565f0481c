/** Tests of the answer to a WHEP player: the numbers of its offer, and how those of the server become them. */
import { describe, expect, test } from 'vitest';
import { playerOffer, withSecondVideo } from '../../scripts/support/sdp/clientTexts.ts';
import { offerNames } from '../../scripts/support/sdp/offers.ts';
import { MID } from '../../server/gateways/sdp/headerExtensions.ts';
import { answerPlayOffer } from '../../server/gateways/sdp/playAnswer.ts';
import { readPlayOffer } from '../../server/gateways/sdp/playOffer.ts';
import { serverRtpCapabilities } from '../../server/media/options.ts';
import { withSendRtpMapping } from '../../server/media/sendRtpMapping.ts';

const answer = (sdp: string) => answerPlayOffer(readPlayOffer(sdp, serverRtpCapabilities), serverRtpCapabilities, 'id');
/** Of the codecs and header extensions of the server. */
const payloadType = (name: string) =>
  serverRtpCapabilities.codecs.find(({ mimeType }) => mimeType.endsWith(name))?.preferredPayloadType ?? 0;
const extensionId = (uri: string, kind: string) =>
  serverRtpCapabilities.headerExtensions?.find((known) => known.uri === uri && known.kind === kind)?.preferredId ?? 0;
describe('the answer to a WHEP player', () => {
  test.each(offerNames)('has the payload types and header extensions of the offer of %s', (name) => {
    const sdp = playerOffer(name);
    const answered = answer(sdp);
    for (const { kind, mid, codecs, headerExtensions } of answered.media) {
      const section = sdp.split(/^(?=m=)/m).find((part) => part.includes(`a=mid:${mid}\r`)) ?? '';
      expect(section.startsWith(`m=${kind}`)).toBe(true);
      expect(codecs.length).toBeGreaterThan(0);
      for (const { payloadType: number, name: codec } of codecs) {
        expect(section).toMatch(new RegExp(`^a=rtpmap:${number} ${codec}/`, 'm'));
      }
      for (const { uri, id } of headerExtensions) {
        expect(section).toMatch(new RegExp(`^a=extmap:${id}(/\\w+)? ${uri}\\r$`, 'm'));
      }
    }
    expect(answered.playback.received.map(({ mid }) => mid)).toEqual(answered.media.map(({ mid }) => mid));
  });

  test('maps each number of the server to the one that was offered, the same for all consumers', () => {
    const sdp = playerOffer('firefox');
    const answered = answer(sdp);
    const [audio, video] = answered.media;
    const offered = (name: string) => video?.codecs.find((codec) => codec.name === name)?.payloadType;
    const id = (uri: string) => video?.headerExtensions.find((extension) => extension.uri === uri)?.id;
    expect([...answered.payloadTypes]).toEqual(
      expect.arrayContaining([
        [payloadType('opus'), audio?.codecs[0]?.payloadType],
        [payloadType('VP8'), offered('VP8')],
        [payloadType('H264'), offered('H264')],
      ]),
    );
    expect(answered.extensionIds.get(extensionId(MID, 'video'))).toBe(id(MID));
    const { codecs } = withSendRtpMapping(answered.playback.capabilities, answered);
    const words = codecs.map(({ rtcpFeedback }) => rtcpFeedback?.at(-1)?.parameter);
    expect(words[0]?.split(' ')).toEqual(
      expect.arrayContaining([`p${payloadType('VP8')}=${offered('VP8')}`, `e${extensionId(MID, 'video')}=${id(MID)}`]),
    );
    expect(new Set(words).size).toBe(1);
    // Otherwise nothing is seen of it.
    expect(offered('VP8')).not.toBe(payloadType('VP8'));
  });

  test('takes the profile of H.264 that the server has, where several are offered', () => {
    const sdp = playerOffer('firefox');
    const h264 = answer(sdp).media[1]?.codecs.filter(({ name }) => name === 'H264');
    expect(h264).toHaveLength(1);
    expect(String(h264?.[0]?.parameters['profile-level-id'])).toMatch(/^42e01f$/i);
  });

  test('leaves out header extensions with numbers that do not fit, and two numbers of one for one transport', () => {
    const sdp = playerOffer('firefox');
    const [, midId = ''] = new RegExp(`^a=extmap:(\\d+)(?:/\\w+)? ${MID}\\r$`, 'm').exec(sdp) ?? [];
    const large = sdp.replaceAll(new RegExp(`^a=extmap:${midId}((?:/\\w+)? ${MID}\\r)$`, 'gm'), 'a=extmap:15$1');
    expect(uris(answer(large))).not.toContain(MID);
    const [before, after] = sdp.split(/^(?=m=video)/m);
    const other = after?.replace(new RegExp(`^a=extmap:${midId}((?:/\\w+)? ${MID}\\r)$`, 'm'), 'a=extmap:14$1');
    const [first, second] = answer(`${before}${other}`).media;
    expect([first, second].map((media) => media?.headerExtensions.some(({ uri }) => uri === MID))).toEqual([
      true,
      false,
    ]);
  });

  test('leaves the header extension for mids out where one is too long for it', () => {
    const sdp = playerOffer('firefox')
      .replace(/^a=mid:1\r$/m, 'a=mid:123456789\r')
      .replace(/BUNDLE (\S+) 1/, 'BUNDLE $1 123456789');
    expect(uris(answer(sdp))).not.toContain(MID);
  });
});

describe('an offer of a player', () => {
  test.each([
    ['two videos', withSecondVideo(playerOffer('obs-32.2')), false],
    ['no codec of the server', playerOffer('obs-32.2').replaceAll('H264', 'H265'), false],
    ['one of each', playerOffer('obs-32.2'), true],
  ])('with %s: whether it can be answered', (_, sdp, fits) => {
    expect(readPlayOffer(sdp, serverRtpCapabilities).fits).toBe(fits);
  });
});

function uris({ media }: ReturnType<typeof answer>): string[] {
  return media.flatMap(({ headerExtensions }) => headerExtensions.map(({ uri }) => uri));
}
