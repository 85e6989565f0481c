/** A direct call whose direct way is cut by a firewall goes on through the server; where it is blocked, it begins there. */
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { seeEachOther } from '../../scripts/support/browsers/Visitor.ts';
import { directSources, enterBoth, leaveAll, untilDirect } from '../../scripts/support/servers/DirectCall.ts';
import { DividedNetwork, whyNoDividedNetwork } from '../../scripts/support/servers/DividedNetwork.ts';
import { hasChromium } from '../support/equipment.ts';

/** In milliseconds, on a busy machine: until those who cannot connect directly see each other, and after a cut. */
const MOST = { begin: 30_000, cut: 6000 };
/** Frames in flight at the cut have been shown after this time, in milliseconds. */
const DRAINED = 500;

describe.skipIf(!hasChromium || whyNoDividedNetwork() !== undefined)('a firewall between two browsers', () => {
  test('two whom it keeps apart see each other through the server, at once and within six seconds of a cut', async () => {
    await using network = await DividedNetwork.open();
    const visitors = await enterBoth(network.browsers, network.url, 'cut');
    await untilDirect(visitors);
    await seeEachOther(...visitors, MOST.begin);
    const before = await Promise.all(visitors.map((visitor) => visitor.room()));
    await network.setBlocked(true);
    await setTimeout(DRAINED);
    await seeEachOther(...visitors, MOST.cut - DRAINED);
    await untilDirect(visitors, false);
    const after = await Promise.all(visitors.map((visitor) => visitor.room()));
    expect(after.map(({ peerId }) => peerId)).toEqual(before.map(({ peerId }) => peerId));
    await leaveAll(visitors);
    const apart = await enterBoth(network.browsers, network.url, 'blocked');
    await seeEachOther(...apart, MOST.begin);
    expect(await Promise.all(apart.map(directSources))).toEqual([[], []]);
  });
});
