/** Tests of the request to join and the source of its token. */
import { describe, expect, test } from 'vitest';
import { WeirError } from '../../shared/errors.ts';
import { joinRequest, tokenOf } from '../../web/client/joinOptions.ts';

describe('the token of a join', () => {
  test('is a string, or the result of a function, possibly asynchronous; it is optional', async () => {
    expect(await tokenOf({ token: 'a.b.c' })).toBe('a.b.c');
    expect(await tokenOf({ token: () => 'a.b.c' })).toBe('a.b.c');
    expect(await tokenOf({ token: async () => 'a.b.c' })).toBe('a.b.c');
    expect(await tokenOf({})).toBeUndefined();
  });

  test('is requested anew for each join', async () => {
    let calls = 0;
    const options = { token: () => `token ${++calls}` };
    expect([await tokenOf(options), await tokenOf(options)]).toEqual(['token 1', 'token 2']);
  });

  test('of a function that throws becomes a WeirError; the application’s own one is kept', async () => {
    const cause = new TypeError('Failed to fetch');
    const broken = () => {
      throw cause;
    };
    await expect(tokenOf({ token: broken })).rejects.toMatchObject({ name: 'WeirError', code: 'unauthorized', cause });
    const own = new WeirError('unavailable', 'Not now.');
    await expect(tokenOf({ token: () => Promise.reject(own) })).rejects.toBe(own);
  });
});

describe('the request of a join', () => {
  const common = { rtpCapabilities: { codecs: [] }, transports: { send: true, recv: true } };

  test('contains all options that were given', () => {
    const said = { name: 'Ada', guest: 'x'.repeat(22), kind: 'broadcast', role: 'host', initialVideoLimit: 0 } as const;
    expect(joinRequest({ room: 'hall', ...said }, 'a.b.c', { rtpCapabilities: { codecs: [] } })).toStrictEqual({
      ...{ room: 'hall', token: 'a.b.c', ...said },
      ...common,
    });
  });

  test('omits options that were not given', () => {
    expect(joinRequest({ room: 'hall' }, undefined, { rtpCapabilities: { codecs: [] } })).toStrictEqual({
      room: 'hall',
      ...common,
    });
  });
});
