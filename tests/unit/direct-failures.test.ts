/** Reports of failed direct connections: one that is refused for now is sent again, as long as it matters. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type ErrorCode, WeirError } from '../../shared/errors.ts';
import { FailureReports } from '../../web/client/p2p/FailureReports.ts';
import type { Request } from '../../web/client/Signalling.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Reports to a server that answers each with the next of these, undefined for an acceptance. */
function reporting(...answers: ({ code: ErrorCode; retryAfter?: number } | undefined)[]) {
  const sent: unknown[] = [];
  const state = { negotiation: 1 };
  const request: Request = (_, data) => {
    sent.push(data);
    const answer = answers.shift();
    const { code = 'internal', retryAfter } = answer ?? {};
    return answer ? Promise.reject(new WeirError(code, code, { retryAfter })) : new Promise(() => {});
  };
  const reports = new FailureReports({ request, isCurrent: (_, negotiation) => negotiation === state.negotiation });
  /** How many reports have been sent after so many more milliseconds. */
  const sentIn = async (milliseconds: number) => {
    await vi.advanceTimersByTimeAsync(milliseconds);
    return sent.length;
  };
  return { reports, state, sent, sentIn };
}

test('one that is refused is sent again when the server says that it may be, and not before', async () => {
  const { reports, sent, sentIn } = reporting({ code: 'rateLimited', retryAfter: 20 }, { code: 'timeout' });
  void reports.report('ada', 1);
  expect(await sentIn(19_900)).toBe(1);
  expect(await sentIn(200)).toBe(2);
  expect(await sentIn(1100)).toBe(3);
  expect(await sentIn(120_000)).toBe(3);
  expect(sent).toEqual(Array(3).fill({ peerId: 'ada', negotiation: 1 }));
});

test('it is not sent again once the two have begun anew, after any other refusal, or after the end', async () => {
  const limited = { code: 'rateLimited', retryAfter: 5 } as const;
  const { reports, state, sentIn } = reporting(limited, { code: 'notFound' }, limited);
  void reports.report('ada', 1);
  expect(await sentIn(1000)).toBe(1);
  state.negotiation = 2;
  expect(await sentIn(60_000)).toBe(1);
  void reports.report('ada', 2);
  expect(await sentIn(60_000)).toBe(2);
  void reports.report('ada', 2);
  expect(await sentIn(1000)).toBe(3);
  reports.close();
  expect(await sentIn(60_000)).toBe(3);
});

test('a failure of a former negotiation is not reported', async () => {
  const { reports, sentIn } = reporting();
  void reports.report('ada', 0);
  expect(await sentIn(0)).toBe(0);
});
