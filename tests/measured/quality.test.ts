/** Whose connection it is, with real media: each cause once, named on both pages; `npm run torture -- verdict` does it often. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { faults, QualityCall } from '../../scripts/support/browsers/QualityCall.ts';
import { whyNoNamespaces } from '../../scripts/support/network/namespaces.ts';
import { hasChromium } from '../support/equipment.ts';

const why = whyNoNamespaces();
if (why) console.warn(`The tests of connection quality are skipped: ${why}.`);

describe.skipIf(why !== undefined || !hasChromium)('a bad connection in a call', () => {
  let call: QualityCall;
  beforeAll(async () => {
    call = await QualityCall.begin(180);
  }, 60_000);
  afterAll(() => call?.[Symbol.asyncDispose]());

  // One after the other, in the same call: nothing is said in the first seconds of it.
  test.each(faults.filter(({ name }) => !name.includes('kbit/s')).map((fault) => [fault.name, fault] as const))(
    '%s: both pages name it on the right tile',
    { timeout: 60_000 },
    async (_, fault) => {
      const { after, last } = await call.tell(fault, { least: 0, most: 45_000 });
      expect(after, JSON.stringify(last)).toBeDefined();
    },
  );
});
