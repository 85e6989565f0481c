/** Trial: damaged SDP fragments to sessions of WHIP; each is taken or refused, and the session goes on. */
import { type Random, randomFrom } from '../../support/random.ts';
import { fragment } from '../../support/sdp/clientTexts.ts';
import { mutate } from '../../support/sdp/mutate.ts';
import { offerNamed } from '../../support/sdp/offers.ts';
import type { Trial } from '../support/Trial.ts';
import { type Answer, sendDamaged } from './sendDamaged.ts';

const offer = offerNamed('obs-32.2');
const [, ufrag = ''] = /^a=ice-ufrag:(\S+)\r$/m.exec(offer) ?? [];
const candidates = [
  'a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1',
  'a=candidate:3471623853 1 udp 2122194687 fe80::1 61765 typ host generation 0',
  'a=candidate:473322822 1 tcp 1518280447 9a3c.local 9 typ host tcptype active generation 0',
  'a=candidate:2154773085 1 udp 1685987071 203.0.113.2 63312 typ srflx raddr 192.0.2.1 rport 61764',
  'a=end-of-candidates',
].map((line) => `${line}\r\n`);

export const fragments: Trial = {
  name: 'fragments',
  title: 'Damaged fragments',
  about:
    'Fragments with candidates, of the ICE session or of a restart, are damaged at random, by seeds from 1 on, and sent to a session of WHIP with its entity tag, another one, an asterisk or none. Each has to be answered: taken (204), a restart (200), malformed (400), another ICE session (412), too large (413), or without a tag (428). The session has to be there afterwards.',
  times: 20_000,
  run: (options) =>
    sendDamaged(
      {
        expected: new Map([
          [204, 'Taken'],
          [200, 'ICE restarts'],
          [400, 'Malformed'],
          [412, 'Of another ICE session'],
          [413, 'Too large'],
          [428, 'Without an entity tag'],
        ]),
        async send(seed, { index, request }) {
          const random = randomFrom(seed);
          const opened = await request(`/whip/sender-${index}`, 'POST', offer, { 'content-type': 'application/sdp' });
          if (opened.status !== 201) return opened.status;
          const { status } = await request(opened.location, 'PATCH', damaged(random), {
            'content-type': 'application/trickle-ice-sdpfrag',
            ...condition(random, opened),
          });
          const found = await request(opened.location, 'GET');
          if (found.status !== 204) return found.status;
          const ended = await request(opened.location, 'DELETE');
          return ended.status === 200 ? status : ended.status;
        },
      },
      options,
    ),
};

function damaged(random: Random): string {
  const count = random.int(candidates.length + 1);
  return mutate(fragment(random.pick([ufrag, 'ysXw']), candidates.slice(0, count).join('')), random);
}

function condition(random: Random, { etag }: Answer): Record<string, string> {
  const tag = random.pick([etag, etag, '*', '"other"', '']);
  return tag === '' ? {} : { 'if-match': tag };
}
