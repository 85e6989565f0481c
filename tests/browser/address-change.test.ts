/** A call goes on when a device moves to another network. */
import { describe, expect, test } from 'vitest';
import { whyNoNamespaces } from '../../scripts/support/network/namespaces.ts';
import { address } from '../../scripts/torture/recover/address.ts';
import { hasChromium, hasEquipment } from '../support/equipment.ts';

/** No such file: it is there under CI alone, where nothing is skipped. */
const mustRun = hasEquipment('namespaces', '');
const missing = whyNoNamespaces();
if (missing) console.warn(`Nobody moves to another network: ${missing}.`);

describe.skipIf(!hasChromium || (missing !== undefined && !mustRun))('a device whose address changes', () => {
  test('is seen and sees again within seconds, in the same session', async () => {
    const figures = await address.run({ times: 1, report: () => {} });
    const figure = (name: string) => figures.find((one) => one.name === name)?.value;
    // By itself, the browser takes nine seconds.
    expect(figure('Each sees the other again, worst')).toBeLessThan(6000);
    expect(figure('Sessions that were lost')).toBe(0);
  });
});
