/** Tests of the muted state: server, other participants and the own button end with the last requested state. */
import { describe, expect, test } from 'vitest';
import { WeirError } from '../../shared/errors.ts';
import { MuteState } from '../../web/client/sfu/MuteState.ts';

/** A source that starts `muted`; the test answers each request to the server, in order. */
function setUp(muted = false) {
  const applied: boolean[] = [];
  const asked: { readonly muted: boolean; answer(error?: WeirError): void }[] = [];
  const { promise: accepted, resolve: accept, reject: refuse } = Promise.withResolvers<void>();
  accepted.catch(() => {});
  const state = new MuteState({
    muted,
    apply: (now) => applied.push(now),
    send: (now) =>
      new Promise<void>((resolve, reject) => {
        asked.push({ muted: now, answer: (error) => (error ? reject(error) : resolve()) });
      }),
    accepted: () => accepted,
  });
  const turn = () => new Promise(setImmediate);
  return { state, applied, asked, accept, refuse, turn, sent: () => asked.map((one) => one.muted) };
}

describe('the muted state', () => {
  test.each([true, false])(
    'with which a source starts (%s) is announced with it, and not sent again',
    async (muted) => {
      const { state, accept, sent } = setUp(muted);
      expect(state.muted).toBe(muted);
      expect(state.announce()).toBe(muted);
      accept();
      await state.set(muted);
      expect(sent()).toEqual([]);
    },
  );

  test('is applied at once, and sent once the server has accepted the source', async () => {
    const { state, applied, accept, asked, sent, turn } = setUp();
    state.announce();
    const done = state.set(true);
    expect([state.muted, applied]).toEqual([true, [true]]);
    await turn();
    expect(sent()).toEqual([]);
    accept();
    await turn();
    expect(sent()).toEqual([true]);
    asked[0]?.answer();
    await done;
  });

  test('after several calls during one request is the last one, sent in one more request or none', async () => {
    const { state, applied, accept, asked, sent, turn } = setUp();
    state.announce();
    accept();
    const calls = [state.set(true)];
    await turn();
    calls.push(state.set(false), state.set(true));
    asked[0]?.answer();
    await Promise.all(calls);
    expect(sent()).toEqual([true]);
    calls.push(state.set(false));
    await turn();
    calls.push(state.set(true), state.set(false), state.set(true));
    asked[1]?.answer();
    await turn();
    expect(sent()).toEqual([true, false, true]);
    asked[2]?.answer();
    await Promise.all(calls);
    expect([state.muted, applied.at(-1)]).toEqual([true, true]);
    // No request is pending: the next call starts anew.
    const next = state.set(false);
    await turn();
    expect(sent().slice(3)).toEqual([false]);
    asked[3]?.answer();
    await next;
  });

  test('stays muted when the server refuses to unmute, which rejects the call', async () => {
    const { state, applied, accept, asked, sent, turn } = setUp(true);
    state.announce();
    accept();
    const done = state.set(false);
    await turn();
    asked[0]?.answer(new WeirError('forbidden'));
    await expect(done).rejects.toMatchObject({ code: 'forbidden' });
    expect([state.muted, applied, sent()]).toEqual([true, [false, true], [false]]);
    // The server knows that it is muted.
    await state.set(true);
    expect(sent()).toEqual([false]);
  });

  test('stays muted locally and remotely when the reply to unmuting is missing', async () => {
    const { state, applied, accept, asked, sent, turn } = setUp(true);
    state.announce();
    accept();
    const done = state.set(false);
    await turn();
    asked[0]?.answer(new WeirError('timeout'));
    await turn();
    expect([state.muted, applied.at(-1), sent()]).toEqual([true, true, [false, true]]);
    asked[1]?.answer();
    await expect(done).rejects.toMatchObject({ code: 'timeout' });
    await state.set(true);
    expect(sent()).toEqual([false, true]);
  });

  test('ends with the last call, also with one that comes while the source is muted for a missing reply', async () => {
    const { state, applied, accept, asked, sent, turn } = setUp(true);
    state.announce();
    accept();
    const calls = [state.set(false)];
    await turn();
    asked[0]?.answer(new WeirError('timeout'));
    await turn();
    calls.push(state.set(false));
    asked[1]?.answer();
    await turn();
    expect(sent()).toEqual([false, true, false]);
    asked[2]?.answer();
    await Promise.all(calls);
    expect([state.muted, applied.at(-1)]).toEqual([false, false]);
  });

  test('is sent again by the next call if the server may not have received it', async () => {
    const { state, accept, asked, sent, turn } = setUp();
    state.announce();
    accept();
    const lost = state.set(true);
    await turn();
    asked[0]?.answer(new WeirError('timeout'));
    await expect(lost).rejects.toMatchObject({ code: 'timeout' });
    expect(state.muted).toBe(true);
    const again = state.set(true);
    await turn();
    expect(sent()).toEqual([true, true]);
    asked[1]?.answer();
    await again;
  });

  test('a replaced call does not reject', async () => {
    const { state, accept, asked, sent, turn } = setUp(true);
    state.announce();
    accept();
    const first = state.set(false);
    await turn();
    const last = state.set(true);
    asked[0]?.answer(new WeirError('forbidden'));
    await Promise.all([first, last]);
    expect([state.muted, sent()]).toEqual([true, [false]]);
  });

  test('of a refused source is not sent', async () => {
    const { state, refuse, sent } = setUp();
    state.announce();
    const done = state.set(true);
    refuse(new WeirError('forbidden'));
    await expect(done).rejects.toMatchObject({ code: 'forbidden' });
    expect(sent()).toEqual([]);
  });

  test('that the server has changed for an administrator is applied here, and not sent', async () => {
    const { state, applied, accept, sent, turn } = setUp();
    state.announce();
    accept();
    expect(state.mutedByServer()).toBe(true);
    expect([state.muted, applied]).toEqual([true, [true]]);
    // Told once more, it was muted already.
    expect(state.mutedByServer()).toBe(false);
    await turn();
    expect(sent()).toEqual([]);
  });

  test('that the server has changed wins over a request to unmute that was on its way', async () => {
    const { state, accept, asked, sent, turn } = setUp(true);
    state.announce();
    accept();
    const unmuting = state.set(false);
    await turn();
    state.mutedByServer();
    // The server had executed it before or after; it is asked to mute again, and whoever pressed the button sees that.
    asked[0]?.answer();
    await turn();
    expect(sent()).toEqual([false, true]);
    asked[1]?.answer();
    await unmuting;
    expect(state.muted).toBe(true);
  });
});
