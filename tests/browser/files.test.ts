/** Tests of files between Chromium and Firefox through the SFU: content, several at once, cuts, rejoins, reloads, refusals. */
import type { Browser as Chromium } from 'playwright-core';
import type { Browser as Firefox } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { FileVisitor } from '../../scripts/support/browsers/FileVisitor.ts';
import { launchFirefox } from '../../scripts/support/browsers/firefox.ts';
import { until } from '../../scripts/support/until.ts';
import { ownAddresses } from '../../server/common/ownAddresses.ts';
import { hasChromium } from '../support/equipment.ts';
import { isFull } from '../support/extent.ts';
import { hasFirefox } from '../support/firefox.ts';
import { useServer } from '../support/weir.ts';

const MB = 1_000_000;
/** Of one transfer, in milliseconds. */
const TIMEOUT = 30_000;

describe.skipIf(!hasChromium || !hasFirefox)('files between browsers', () => {
  // Firefox has no loopback candidate where a page uses no device.
  const [address = '127.0.0.1'] = ownAddresses();
  const weir = useServer({
    WEIR_RTC_HOST: address,
    WEIR_FILE_MAX_BYTES: String(6 * MB),
    // Slow enough that something can happen in the middle.
    WEIR_FILE_BITRATE: '24000000',
    WEIR_RESUME_SECONDS: '30',
  });
  let chromium: Chromium;
  let firefox: Firefox;
  let visitors: FileVisitor[] = [];
  beforeAll(async () => {
    [chromium, firefox] = await Promise.all([launchChromium(), launchFirefox({ tone: 440 })]);
  });
  afterEach(async () => {
    await Promise.all(visitors.map((visitor) => visitor.close()));
    visitors = [];
  });
  afterAll(() => Promise.all([chromium?.close(), firefox?.close()]));

  async function meet(room: string, accepts: boolean): Promise<[FileVisitor, FileVisitor]> {
    const options = { url: weir.url, room, accepts };
    const [ann, bob] = await Promise.all([
      FileVisitor.enter(chromium, { ...options, name: 'Ann' }),
      FileVisitor.enter(firefox, { ...options, name: 'Bob' }),
    ]);
    visitors.push(ann, bob);
    for (const one of [ann, bob]) await until('the other', TIMEOUT, async () => (await one.peers()).length === 1);
    return [ann, bob];
  }

  test('a file arrives as it is, others at the same time in both directions', async () => {
    const [ann, bob] = await meet('content', true);
    const [large, small, back] = await Promise.all([
      ann.send('large.bin', 5 * MB),
      ann.send('small.bin', MB),
      bob.send('back.bin', MB),
    ]);
    const arrived = (visitor: FileVisitor, name: string) =>
      visitor.transfer(name, TIMEOUT, ({ state }) => state === 'completed');
    await arrived(bob, 'large.bin');
    expect(await bob.receivedHash('large.bin')).toBe(large);
    await arrived(bob, 'small.bin');
    expect(await bob.receivedHash('small.bin')).toBe(small);
    await arrived(ann, 'back.bin');
    expect(await ann.receivedHash('back.bin')).toBe(back);
    await arrived(ann, 'large.bin');
    expect(await bob.events()).toEqual(expect.arrayContaining(['fileOffered large.bin', 'fileCompleted large.bin']));
  });

  test('a cut of the signalling and a rejoin of the sender do not end it, nor begin it again', async () => {
    const [ann, bob] = await meet('rejoin', true);
    const sha256 = await ann.send('long.bin', 5 * MB);
    await bob.transfer('long.bin', TIMEOUT, ({ transferred }) => transferred > 0.5 * MB);
    await ann.cutSignalling();
    const before = await bob.transfer('long.bin', TIMEOUT, ({ transferred }) => transferred > 2 * MB);
    expect(before.state).toBe('active');
    await ann.rejoin();
    const after = await bob.transfer('long.bin', TIMEOUT, ({ state }) => state === 'active' || state === 'completed');
    expect(after.transferred).toBeGreaterThan(MB);
    await bob.transfer('long.bin', TIMEOUT, ({ state }) => state === 'completed');
    expect(await bob.receivedHash('long.bin')).toBe(sha256);
    await ann.transfer('long.bin', TIMEOUT, ({ state }) => state === 'completed');
  });

  /** Reloads a receiver of `kept.bin` in the middle, and waits until it receives more. */
  async function reloadReceiver(receiver: FileVisitor): Promise<void> {
    await receiver.transfer('kept.bin', TIMEOUT, ({ transferred }) => transferred > 2.5 * MB);
    await receiver.reload();
    // It was not offered anew, and what was stored is counted at once; the last block may not have been stored yet.
    const found = await receiver.transfer('kept.bin', TIMEOUT, ({ transferred }) => transferred > 0);
    expect(found.transferred).toBeGreaterThan(MB);
    // The sender has heard from it, and knows who it is now.
    await receiver.transfer(
      'kept.bin',
      TIMEOUT,
      ({ transferred, state }) => state === 'completed' || transferred > found.transferred,
    );
  }

  test('a receiver in Chromium that is reloaded is offered the file again, and then goes on to the place that it has chosen', async () => {
    const [ann, bob] = await meet('reload-receiver', false);
    const sha256 = await bob.send('kept.bin', 5 * MB);
    const isOffered = ({ state }: { state: string }) => state === 'offered';
    await ann.transfer('kept.bin', TIMEOUT, isOffered);
    await ann.reload();
    const { id } = await ann.transfer('kept.bin', TIMEOUT, isOffered);
    expect(await ann.events()).toEqual(['fileOffered kept.bin']);
    await ann.acceptTo(id, 'chosen.bin');
    await reloadReceiver(ann);
    await ann.completed('kept.bin', TIMEOUT);
    expect(await ann.savedHash('chosen.bin')).toBe(sha256);
    expect(await ann.receivedHash('kept.bin')).toBe('');
    expect(await ann.events()).toEqual(['fileCompleted kept.bin']);
    await bob.transfer('kept.bin', TIMEOUT, ({ state }) => state === 'completed');
  });

  test.runIf(isFull)(
    'a receiver in Firefox that is reloaded, and then its sender, which chooses the same file again',
    async () => {
      const [ann, bob] = await meet('reload-both', true);
      const sha256 = await ann.send('kept.bin', 6 * MB);
      await reloadReceiver(bob);
      await ann.reload();
      await ann.transfer('kept.bin', TIMEOUT, ({ state }) => state === 'needsFile');
      expect(await ann.provide('kept.bin', 'other.bin')).toBe('badRequest');
      expect(await ann.provide('kept.bin')).toBe('');
      await bob.completed('kept.bin', TIMEOUT);
      expect(await bob.receivedHash('kept.bin')).toBe(sha256);
      expect(await bob.events()).toEqual(['fileCompleted kept.bin']);
      await ann.transfer('kept.bin', TIMEOUT, ({ state }) => state === 'completed');
    },
  );

  test('both ends are reloaded at once: they find each other, and go on with a kept handle or the file chosen again', async () => {
    const [ann, bob] = await meet('reload-at-once', true);
    const [kept, chosen] = await Promise.all([ann.sendKept('kept.bin', 5 * MB), ann.send('chosen.bin', 5 * MB)]);
    const isHalf = ({ transferred }: { transferred: number }) => transferred > 1.5 * MB;
    for (const name of ['kept.bin', 'chosen.bin']) await bob.transfer(name, TIMEOUT, isHalf);
    await Promise.all([ann.reload(), bob.reload()]);
    await ann.transfer('chosen.bin', TIMEOUT, ({ state }) => state === 'needsFile');
    await bob.transfer('chosen.bin', TIMEOUT, ({ state }) => state === 'paused');
    expect(await ann.provide('chosen.bin')).toBe('');
    for (const name of ['kept.bin', 'chosen.bin']) await bob.completed(name, TIMEOUT);
    expect(await bob.receivedHash('kept.bin')).toBe(kept);
    expect(await bob.receivedHash('chosen.bin')).toBe(chosen);
    // Nothing was offered anew.
    expect((await bob.events()).sort()).toEqual(['fileCompleted chosen.bin', 'fileCompleted kept.bin']);
    for (const name of ['kept.bin', 'chosen.bin'])
      await ann.transfer(name, TIMEOUT, ({ state }) => state === 'completed');
  });

  test('what is declined, cancelled or too large does not arrive', async () => {
    const [ann, bob] = await meet('refused', false);
    await ann.send('declined.bin', MB);
    const { id } = await bob.transfer('declined.bin', TIMEOUT, ({ state }) => state === 'offered');
    await bob.call('decline', id);
    const declined = await ann.transfer('declined.bin', TIMEOUT, ({ state }) => state === 'declined');
    expect(declined).toMatchObject({ transferred: 0, error: expect.stringContaining('declined') });
    await ann.send('cancelled.bin', 5 * MB);
    const offered = await bob.transfer('cancelled.bin', TIMEOUT, ({ state }) => state === 'offered');
    await bob.call('accept', offered.id);
    await bob.transfer('cancelled.bin', TIMEOUT, ({ transferred }) => transferred > MB);
    await ann.call('cancel', offered.id);
    await bob.transfer('cancelled.bin', TIMEOUT, ({ state }) => state === 'cancelled');
    expect(await bob.receivedHash('cancelled.bin')).toBe('');
    expect(await ann.refusal(6 * MB + 1)).toBe('badRequest');
    expect(await ann.refusal(6 * MB)).toBe('');
  });
});
