/** Trial: damaged SDP offers by WHIP; each is taken or refused, and nothing of them is left. */
import { randomFrom } from '../../support/random.ts';
import { mutate } from '../../support/sdp/mutate.ts';
import { offerNamed, offerNames } from '../../support/sdp/offers.ts';
import type { Trial } from '../support/Trial.ts';
import { sendDamaged } from './sendDamaged.ts';

const [first = '', ...others] = offerNames.map(offerNamed);

export const offers: Trial = {
  name: 'offers',
  title: 'Damaged offers of publishers',
  about: `Offers of ${offerNames.length} WebRTC clients are damaged at random, by seeds from 1 on, and sent to \`/whip/<room>\`, eight at a time. Each has to be answered: taken (201, and deleted then), malformed (400), too large (413), or unsupported (422). Anything else is a fault: its seed is printed.`,
  times: 60_000,
  run: (options) =>
    sendDamaged(
      {
        expected: new Map([
          [201, 'Taken'],
          [400, 'Malformed'],
          [413, 'Too large'],
          [422, 'Unsupported'],
        ]),
        async send(seed, { index, request }) {
          const random = randomFrom(seed);
          const sdp = mutate(random.pick([first, ...others]), random);
          const { status, location } = await request(`/whip/sender-${index}`, 'POST', sdp, {
            'content-type': 'application/sdp',
          });
          if (status !== 201) return status;
          const ended = await request(location, 'DELETE');
          return ended.status === 200 ? status : ended.status;
        },
      },
      options,
    ),
};
