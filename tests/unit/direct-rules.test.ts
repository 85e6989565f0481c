/** Covers the rules of direct media: which participants of a room exchange it, and when media has to go through the server. */
import { describe, expect, test } from 'vitest';
import { type DirectCandidate, decideDirect } from '../../server/room/directRules.ts';

const everything = { canPublish: true, canSubscribe: true, hidden: false };

function person(id: string, change: Partial<DirectCandidate['grants']> & { isDirect?: boolean } = {}): DirectCandidate {
  const { isDirect = true, ...grants } = change;
  return { id, isDirect, grants: { ...everything, ...grants } };
}

const hiddenViewer = { canPublish: false, hidden: true };

describe('with the policy auto', () => {
  const pair = [['ada', 'bob']];
  test.each([
    ['two who may publish', [person('ada'), person('bob')], pair, false],
    ['one who is alone', [person('ada')], [], false],
    ['a third one', [person('ada'), person('bob'), person('cleo')], [], true],
    ['a third one whose client cannot', [person('ada'), person('bob'), person('cleo', { isDirect: false })], [], true],
    ['two of whom one cannot', [person('ada'), person('bob', { isDirect: false })], [], false],
    ['a viewer', [person('ada'), person('bob'), person('vic', { canPublish: false })], [], true],
    ['a hidden viewer', [person('ada'), person('bob'), person('vic', hiddenViewer)], [], true],
    [
      'a hidden one who receives nothing',
      [person('ada'), person('bob'), person('vic', { ...hiddenViewer, canSubscribe: false })],
      pair,
      false,
    ],
    ['a speaker and a viewer', [person('ada'), person('vic', { canPublish: false })], [], true],
    ['two of whom one may not receive', [person('ada'), person('bob', { canSubscribe: false })], [], false],
  ] as const)('%s', (_who, candidates, pairs, isCrowded) => {
    expect(decideDirect('auto', candidates, false)).toEqual({ pairs, isCrowded });
  });

  test('a recorder receives as well', () => {
    expect(decideDirect('auto', [person('ada'), person('bob')], true)).toEqual({ pairs: [], isCrowded: true });
  });
});

test('with the policy p2p all who can are direct with each other', () => {
  const candidates = [
    person('ada'),
    person('bob'),
    person('cleo', { canPublish: false }),
    person('deaf', { canSubscribe: false }),
    person('late', { isDirect: false }),
  ];
  const pairs = [
    ['ada', 'bob'],
    ['ada', 'cleo'],
    ['bob', 'cleo'],
  ];
  expect(decideDirect('p2p', candidates, true)).toEqual({ pairs, isCrowded: false });
});

test('with the policy sfu nobody is', () => {
  expect(decideDirect('sfu', [person('ada'), person('bob')], false).pairs).toEqual([]);
});
