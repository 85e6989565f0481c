/** Covers where the token of a join comes from. */
import { describe, expect, test } from 'vitest';
import { WeirError } from '../../shared/errors.ts';
import { tokenOf } from '../../web/client/joinOptions.ts';

describe('the token of a join', () => {
  test('is text, or what a function gives, now or later; and may be missing', async () => {
    expect(await tokenOf({ token: 'a.b.c' })).toBe('a.b.c');
    expect(await tokenOf({ token: () => 'a.b.c' })).toBe('a.b.c');
    expect(await tokenOf({ token: async () => 'a.b.c' })).toBe('a.b.c');
    expect(await tokenOf({})).toBeUndefined();
  });

  test('is asked for anew at each join', async () => {
    let calls = 0;
    const options = { token: () => `token ${++calls}` };
    expect([await tokenOf(options), await tokenOf(options)]).toEqual(['token 1', 'token 2']);
  });

  test('of a function that fails is a WeirError, the application’s own one as it is', async () => {
    const cause = new TypeError('Failed to fetch');
    const broken = () => {
      throw cause;
    };
    await expect(tokenOf({ token: broken })).rejects.toMatchObject({ name: 'WeirError', code: 'unauthorized', cause });
    const own = new WeirError('unavailable', 'Not now.');
    await expect(tokenOf({ token: () => Promise.reject(own) })).rejects.toBe(own);
  });
});
