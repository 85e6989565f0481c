/** Tests of coturn with the configuration that Weir generates: it relays to the SFU only. */
import { describe, expect, test } from 'vitest';
import { hasCoturn, startCoturn } from '../support/coturn.ts';
import { TestAuthority } from '../support/TestAuthority.ts';

describe.runIf(hasCoturn)('coturn with the generated configuration', () => {
  test('starts, answers STUN requests, and ends', async () => {
    using authority = new TestAuthority();
    await using coturn = await startCoturn({
      listenAddress: ['127.0.0.1', '::1'],
      sfuAddress: ['127.0.0.1', '::1'],
      tls: { certificate: authority.issue('localhost', '127.0.0.1') },
    });
    expect(coturn.urls).toHaveLength(5);
  });
});
