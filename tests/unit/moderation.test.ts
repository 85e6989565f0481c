/** Covers which decisions of administrators apply to which tokens, and for how long. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { grantsOf } from '../../server/auth/grants.ts';
import { Moderation } from '../../server/auth/Moderation.ts';

const LEEWAY = 60_000;
const LIFETIME = 3_600_000;
const START = 1_800_000_000_300;
const who = { room: 'room', identity: 'mallory' };
const [asked, silenced] = [grantsOf('speaker'), grantsOf('viewer')];

let moderation = new Moderation({ lifetime: LIFETIME, leeway: LEEWAY });
let tokens = 0;

beforeEach(() => {
  vi.useFakeTimers({ now: START, toFake: ['Date'] });
  moderation = new Moderation({ lifetime: LIFETIME, leeway: LEEWAY });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A new token of an issuer whose clock is so many seconds ahead. */
function sign({ ahead = 0, whole = false } = {}) {
  const at = Date.now() / 1000 + ahead;
  tokens += 1;
  return { ...who, token: { id: `token ${tokens}`, issuedAt: whole ? Math.floor(at) : at } };
}

const pass = (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds);
const removed = expect.objectContaining({ code: 'unauthorized', reason: 'removed' });
type Admission = Parameters<Moderation['admit']>[0];

/** Each kind of decision, and how to see whether it applies to a token. */
describe.each([
  [
    'a removal',
    () => moderation.revoke(who),
    (admission: Admission) => {
      try {
        moderation.admit(admission);
        return false;
      } catch (error) {
        expect(error).toEqual(removed);
        return true;
      }
    },
  ],
  [
    'a change of grants',
    () => moderation.overrideGrants(who, silenced),
    (admission: Admission) => {
      moderation.admit(admission);
      return moderation.grantsFor(admission, asked) === silenced;
    },
  ],
] as const)('%s', (_, decide, holds) => {
  test.each([false, true])('applies to the token in use and any older one (whole seconds: %s)', (whole) => {
    const [older, used] = [sign({ whole }), sign({ whole })];
    expect(holds(used)).toBe(false);
    pass(1000);
    decide();
    expect([holds(used), holds(older), holds(used)]).toEqual([true, true, true]);
  });

  test('does not apply to a token that is issued after it, in the same second or millisecond', () => {
    const used = sign({ whole: true });
    moderation.admit(used);
    decide();
    expect(holds(sign())).toBe(false);
    expect(holds(sign({ whole: true }))).toBe(false);
    expect(holds(used)).toBe(true);
    pass(1);
    expect(holds(sign())).toBe(false);
  });

  test.each([false, true])("learns from a token how far its issuer's clock is ahead (whole seconds: %s)", (whole) => {
    const [older, used] = [sign({ ahead: 30, whole }), sign({ ahead: 30, whole })];
    moderation.admit(used);
    pass(2000);
    decide();
    expect([holds(older), holds(used)]).toEqual([true, true]);
    expect(holds(sign({ ahead: 30, whole }))).toBe(false);
    pass(60_000);
    expect([holds(older), holds(used)]).toEqual([true, true]);
  });

  test('uses the clock of the issuer of the last token before it', () => {
    moderation.admit(sign({ ahead: 30 }));
    moderation.admit(sign());
    decide();
    pass(1);
    expect(holds(sign())).toBe(false);
  });

  test('learns nothing about other issuers from a token that this server has signed', () => {
    const older = sign({ ahead: 30 });
    moderation.admit(sign({ ahead: 30 }));
    moderation.addSignedToken(who, sign().token);
    pass(2000);
    decide();
    expect(holds(older)).toBe(true);
  });

  test('does not trust a clock beyond the leeway, nor that of another identity', () => {
    moderation.admit({ ...sign({ ahead: 30 }), identity: 'somebody else' });
    moderation.admit(sign({ ahead: 600 }));
    decide();
    pass(LEEWAY + 1);
    expect(holds(sign())).toBe(false);
  });

  test('applies to a token of unknown age, and where no token is required', () => {
    decide();
    expect(holds({ ...who, token: { id: 'undated', issuedAt: undefined } })).toBe(true);
    expect(holds({ ...who, token: undefined })).toBe(true);
  });

  test('is limited to that identity in that room', () => {
    const [room, identity] = [
      { ...sign(), room: 'another' },
      { ...sign(), identity: 'ada' },
    ];
    pass(1);
    decide();
    expect([holds(room), holds(identity)]).toEqual([false, false]);
  });

  test('is kept as long as older tokens can be used, and then dropped', () => {
    const used = sign();
    moderation.admit(used);
    decide();
    pass(LIFETIME);
    moderation.revoke({ room: 'room', identity: 'another' });
    expect([holds(used), moderation.size]).toEqual([true, 2]);
    pass(1);
    moderation.revoke({ room: 'room', identity: 'a third' });
    expect([holds(used), moderation.size]).toEqual([false, 2]);
  });
});

test('the last override of grants counts, unless the token is newer', () => {
  const used = sign();
  moderation.admit(used);
  moderation.overrideGrants(who, silenced);
  pass(1);
  const between = sign();
  pass(1);
  moderation.overrideGrants(who, asked);
  expect(moderation.grantsFor(used, silenced)).toBe(asked);
  expect(moderation.grantsFor(between, silenced)).toBe(asked);
  pass(1);
  expect(moderation.grantsFor(sign(), silenced)).toBe(silenced);
});

test('a step down lasts for a while only, and an earlier override of grants applies again then', () => {
  const used = sign();
  moderation.admit(used);
  const limited = { ...asked, canPublishSources: ['microphone' as const] };
  moderation.overrideGrants(who, limited);
  moderation.stepDown(who);
  expect(moderation.grantsFor(used, asked)).toEqual({ ...limited, canPublish: false });
  pass(5 * 60_000);
  expect(moderation.grantsFor(used, asked)).toEqual(limited);
  moderation.stepDown(who);
  pass(1);
  expect(moderation.grantsFor(sign(), asked)).toEqual(asked);
  moderation.overrideGrants(who, asked);
  expect(moderation.grantsFor(used, silenced)).toEqual(asked);
});

test('a token that was presented before a decision is older, although the clock was set back meanwhile', () => {
  const used = sign();
  moderation.admit(used);
  pass(-10_000);
  moderation.revoke(who);
  expect(() => moderation.admit(used)).toThrow(removed);
});

test('the number of decisions is limited, the oldest are dropped first', () => {
  for (let count = 0; count <= 100_000; count += 1) moderation.revoke({ room: 'room', identity: `guest ${count}` });
  expect(moderation.size).toBe(100_000);
  const admission = (count: number) => ({ room: 'room', identity: `guest ${count}`, token: undefined });
  expect(() => moderation.admit(admission(0))).not.toThrow();
  expect(() => moderation.admit(admission(1))).toThrow(removed);
});
