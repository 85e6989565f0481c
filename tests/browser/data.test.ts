/** Data messages from browser to browser through the SFU: order, destinations, sizes, grants, backpressure, two workers. */
import type { Browser as Chromium } from 'playwright-core';
import type { Browser as Firefox } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { launchFirefox } from '../../scripts/support/browsers/firefox.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { startAll } from '../../scripts/support/startAll.ts';
import { ownAddresses } from '../../server/common/ownAddresses.ts';
import { DataVisitor, type Received } from '../support/DataVisitor.ts';
import { hasChromium } from '../support/equipment.ts';
import { hasFirefox } from '../support/firefox.ts';
import { spread } from '../support/headlessMembers.ts';
import { eventually } from '../support/people.ts';
import { token, withTokens } from '../support/weir.ts';

describe.skipIf(!hasChromium || !hasFirefox)('data messages in browsers', () => {
  const resources = new AsyncDisposableStack();
  let server: TestServer;
  let chromium: Chromium;
  let firefox: Firefox;
  let ann: DataVisitor;
  let bob: DataVisitor;
  let fox: DataVisitor;
  const enter = async (browser: Chromium | Firefox, identity: string, grants: Parameters<typeof token>[2] = {}) =>
    DataVisitor.enter(browser, server.url, {
      room: 'data',
      token: await token('data', identity, grants),
      name: identity,
    });

  beforeAll(async () => {
    // Firefox does not pair loopback with its own address.
    const [address = '127.0.0.1'] = ownAddresses();
    // A member each on two workers, in turn.
    server = resources.adopt(await startServer({ ...withTokens, ...spread, WEIR_RTC_HOST: address }), (one) =>
      one.close(),
    );
    await startAll([
      launchChromium().then((browser) => {
        chromium = resources.adopt(browser, () => browser.close());
      }),
      launchFirefox({ tone: 900 }).then((browser) => {
        firefox = resources.adopt(browser, () => browser.close());
      }),
    ]);
    ann = await enter(chromium, 'ann', { roomAdmin: true });
    bob = await enter(chromium, 'bob');
    fox = await enter(firefox, 'fox');
  });
  afterAll(() => resources.disposeAsync());

  test('the first message opens the channels of all, and reaches everyone but its sender, on both workers', async () => {
    for (const one of [ann, bob, fox]) await one.forget();
    expect(await ann.send("'hello'", { topic: 'greeting' })).toBeUndefined();
    const hello = { from: ann.peerId, topic: 'greeting', reliable: true, length: 5, first: 104, text: 'hello' };
    await eventually(() => bob.received()).toEqual([hello]);
    await eventually(() => fox.received()).toEqual([hello]);
    expect(await ann.received()).toEqual([]);
    expect((await server.app.rooms.find('data', 'call'))?.routers.routers).toHaveLength(2);
  });

  test.each(['Chromium', 'Firefox'])('300 reliable messages of %s arrive once and in order', async (browser) => {
    const [sender, others] = browser === 'Firefox' ? [fox, [ann, bob]] : [ann, [bob, fox]];
    for (const one of [ann, bob, fox]) await one.forget();
    await sender.run('await Promise.all(Array.from({ length: 300 }, (_, n) => dataRoom.sendData(String(n))));');
    const all = Array.from({ length: 300 }, (_, index) => String(index));
    for (const other of others) await eventually(() => other.texts()).toEqual(all);
    expect(await sender.received()).toEqual([]);
  });

  test('to one and to some: nobody else gets them; lossy ones say so', async () => {
    for (const one of [ann, bob, fox]) await one.forget();
    await ann.send("'for Bob'", { to: [bob.peerId] });
    await ann.send("'for both'", { to: [bob.peerId, fox.peerId, 'nobody'], reliable: false });
    await fox.send("'for Ann'", { to: [ann.peerId] });
    await ann.send("'for all'");
    await eventually(() => bob.texts()).toHaveLength(3);
    await eventually(() => fox.texts()).toHaveLength(2);
    await eventually(() => ann.texts()).toEqual(['for Ann']);
    const kinds = (received: Received[]) => received.map(({ text, reliable }) => [text, reliable]).sort();
    expect(kinds(await bob.received())).toEqual([
      ['for Bob', true],
      ['for all', true],
      ['for both', false],
    ]);
    expect(kinds(await fox.received())).toEqual([
      ['for all', true],
      ['for both', false],
    ]);
  });

  test('64 KiB arrive whole in both browsers; a byte more and a long topic are refused', async () => {
    for (const one of [ann, bob, fox]) await one.forget();
    expect(await ann.send('new Uint8Array(65536).fill(7)')).toBeUndefined();
    expect(await fox.send('new Uint8Array(65536).fill(8)', { to: [bob.peerId] })).toBeUndefined();
    await eventually(() => fox.received()).toMatchObject([{ from: ann.peerId, length: 65_536, first: 7 }]);
    await eventually(() => bob.received()).toHaveLength(2);
    expect((await bob.received()).map(({ length, first }) => [length, first]).sort()).toEqual([
      [65_536, 7],
      [65_536, 8],
    ]);
    expect(await ann.send('new Uint8Array(65537)')).toBe('badRequest');
    expect(await ann.send("'x'", { topic: 'x'.repeat(65) })).toBe('badRequest');
  });

  test('whoever awaits sendData fills no buffer, and keeps within the rate', async () => {
    await bob.forget();
    const elapsed = await fox.run(`
      const began = performance.now();
      for (let n = 0; n < 10; n++) await dataRoom.sendData(new Uint8Array(65536).fill(n), { to: ['${bob.peerId}'] });
      return performance.now() - began;`);
    await eventually(async () => (await bob.received()).map(({ first }) => first)).toEqual([...Array(10).keys()]);
    // 250 kB a second, after the 256 KiB that may come at once.
    expect(Number(elapsed)).toBeGreaterThan(1400);
    expect(await fox.run('return failures;')).toEqual([]);
  });

  test('canPublishData is enforced at the server, also when it is revoked in mid-call', async () => {
    await ann.forget();
    await bob.forget();
    await ann.run(`await dataRoom.setGrants('${bob.peerId}', { canPublishData: false });`);
    await eventually(() => bob.run('return dataRoom.grants.canPublishData;')).toBe(false);
    expect(await bob.send("'refused'")).toBe('forbidden');
    // A client that does not look at its grants.
    await bob.run(`
      Object.defineProperty(dataRoom, 'grants', { get: () => undefined, configurable: true });
      await dataRoom.sendData('smuggled').catch(() => {});`);
    await eventually(() => bob.run('return failures;')).toEqual([expect.stringMatching(/^forbidden: /)]);
    await bob.run('delete dataRoom.grants;');
    await ann.run(`await dataRoom.setGrants('${bob.peerId}', { canPublishData: true });`);
    await eventually(() => bob.run('return dataRoom.grants.canPublishData;')).toBe(true);
    await bob.send("'allowed'");
    await eventually(() => ann.texts()).toEqual(['allowed']);
    await ann.send("'still received'", { to: [bob.peerId] });
    await eventually(() => bob.texts()).toEqual(['still received']);
  });

  test('nothing is lost or repeated when ICE restarts at both ends', async () => {
    await bob.forget();
    const offers = async (one: DataVisitor) => Number(await one.run('return dataOffers;'));
    const before = [await offers(ann), await offers(bob)] as const;
    await bob.run('dataRoom.restartIce();');
    await ann.run(`
      for (let n = 0; n < 60; n++) {
        if (n === 10) dataRoom.restartIce();
        await dataRoom.sendData(String(n), { to: ['${bob.peerId}'] });
        await new Promise((resolve) => setTimeout(resolve, 10));
      }`);
    await eventually(() => bob.texts()).toEqual(Array.from({ length: 60 }, (_, index) => String(index)));
    await eventually(() => offers(ann)).toBe(before[0] + 1);
    await eventually(() => offers(bob)).toBe(before[1] + 1);
    expect([await ann.run('return failures;'), await bob.run('return failures;')]).toEqual([[], []]);
  });

  test('a viewer of a broadcast receives data before it is live, and sends some if the token says so', async () => {
    const join = async (browser: Chromium | Firefox, identity: string, grants: Parameters<typeof token>[2]) =>
      DataVisitor.enter(browser, server.url, {
        room: 'show',
        kind: 'broadcast',
        name: identity,
        token: await token('show', identity, { broadcast: true, ...grants }),
      });
    const host = await join(chromium, 'host', { roomAdmin: true });
    const writer = await join(chromium, 'writer', { canPublish: false });
    const reader = await join(firefox, 'reader', { canPublish: false, canPublishData: false });
    await host.send("'question'", { topic: 'quiz' });
    await eventually(() => writer.texts()).toEqual(['question']);
    await eventually(() => reader.texts()).toEqual(['question']);
    expect(await reader.send("'answer'")).toBe('forbidden');
    await writer.send("'answer'", { to: [host.peerId] });
    // Viewers are not named.
    await eventually(() => host.received()).toMatchObject([{ text: 'answer', from: null }]);
    expect(await reader.texts()).toEqual(['question']);
    const codes = await writer.run(`
      const sent = Array.from({ length: 80 }, () => dataRoom.sendData(new Uint8Array(65536), { to: ['nobody'] }));
      // The first of those that are refused is known at once.
      return Promise.race(sent.map((one) => one.then(() => new Promise(() => {}), ({ code }) => code)));`);
    expect(codes).toBe('rateLimited');
  });
});
