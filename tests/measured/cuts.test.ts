/** Cut connections: how soon the session is resumed, while media continues. */
import { setTimeout } from 'node:timers/promises';
import { describe, expect, vi } from 'vitest';
import { flows, forwarding, isComplete, publishes, test } from '../support/TestSetup.ts';

describe('a cut connection', () => {
  test.for(['reset', 'silence'] as const)(
    'by %s: media continues in both directions, and the session is resumed within a second',
    async (how, { setup }) => {
      const { url, app } = await setup.serve({ WEIR_PING_SECONDS: '0.5', WEIR_SIGNALLING_TIMEOUT_SECONDS: '2' });
      const [near, far] = [await setup.lay(url), await setup.lay(url)];
      const publisher = await setup.enter(near.url, 'cut', 'publisher', publishes);
      const viewer = await setup.enter(far.url, 'cut', 'viewer');
      const control = await setup.enter(url, 'cut', 'control');
      await Promise.all([flows(viewer), flows(control)]);
      const forwarded = [viewer, control].map((one) => forwarding(publisher, one));
      const consumers = viewer.member.media.all.map(({ info }) => info.consumerId);
      for (const [network, one] of [
        [near, publisher],
        [far, viewer],
      ] as const) {
        const before = one.resumes.length;
        network.cut(how);
        await vi.waitUntil(() => one.cuts.length > before, { timeout: 8000, interval: 5 });
        // Long enough that connection attempts are in every state.
        await setTimeout(700);
        const mended = performance.now();
        await network.mend();
        await vi.waitUntil(() => one.resumes.length > before, { timeout: 5000, interval: 5 });
        expect((one.resumes.at(-1) ?? 0) - mended).toBeLessThan(1000);
      }
      await Promise.all([flows(viewer), flows(control)]);
      for (const since of forwarded) await isComplete(since);
      expect(viewer.member.media.all.map(({ info }) => info.consumerId)).toEqual(consumers);
      expect([publisher, viewer, control].flatMap(({ ends }) => ends)).toEqual([]);
      const room = await app.rooms.find('cut');
      expect(room?.visiblePeers().map(({ peerId, away }) => [peerId, away])).toEqual(
        [publisher, viewer, control].map(({ member }) => [member.peerId, false]),
      );
    },
  );
});
