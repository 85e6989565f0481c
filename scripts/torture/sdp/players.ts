/** Trial: damaged SDP offers and answers by WHEP; each is taken or refused, and nothing of them is left. */
import { Member } from '../../support/endpoint/Member.ts';
import { steadyVideo, steadyVoice } from '../../support/media/steady.ts';
import { randomFrom } from '../../support/random.ts';
import { answerTo, playerOffer, withSecondVideo } from '../../support/sdp/clientTexts.ts';
import { mutate } from '../../support/sdp/mutate.ts';
import { offerNames } from '../../support/sdp/offers.ts';
import type { Trial } from '../support/Trial.ts';
import { sendDamaged } from './sendDamaged.ts';

const ROOM = 'live';
/** As little as a film can be. */
const film = { packetsPerFrame: 1, payloadBytes: 300, framesPerSecond: 5, keyEvery: 60, width: 320, height: 180 };
const SDP = { 'content-type': 'application/sdp' };
const [first = '', ...others] = offerNames.map(playerOffer);

export const players: Trial = {
  name: 'players',
  title: 'Damaged offers and answers of players',
  about: `The same offers, as players make them, are sent to \`/whep/<room>\` while somebody publishes there: by odd seeds damaged, by even ones with a second video, and then the answer to the counter-offer is damaged. Each has to be answered as that of a publisher: a counter-offer is 406, an answer that is taken 204.`,
  times: 20_000,
  run: (options) =>
    sendDamaged(
      {
        expected: new Map([
          [201, 'Answered'],
          [204, 'Taken after a counter-offer'],
          [400, 'Malformed'],
          [413, 'Too large'],
          [422, 'Unsupported'],
        ]),
        async prepare(url) {
          const tracks = { camera: [steadyVideo(film)], microphone: [steadyVoice()] };
          const { member, ready } = await Member.join({ url, room: ROOM, name: 'publisher', tracks });
          await ready;
          return () => member.leave();
        },
        async send(seed, { request }) {
          const random = randomFrom(seed);
          const isOffer = seed % 2 === 1;
          const offer = random.pick([first, ...others]);
          const body = isOffer ? mutate(offer, random) : withSecondVideo(offer);
          const countered = await request(`/whep/${ROOM}`, 'POST', body, SDP);
          if (countered.status === 201) {
            const ended = await request(countered.location, 'DELETE');
            return ended.status === 200 ? 201 : ended.status;
          }
          if (countered.status !== 406) return countered.status;
          const answer = answerTo(countered.body);
          const { location } = countered;
          const { status } = await request(location, 'PATCH', isOffer ? answer : mutate(answer, random), SDP);
          const ended = await request(location, 'DELETE');
          // An answer whose DTLS parameters the media worker refuses has ended its session.
          return ended.status === 200 || (ended.status === 404 && status !== 204) ? status : ended.status;
        },
      },
      options,
    ),
};
