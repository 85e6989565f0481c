/** Weir under a path of a host, behind nginx and Caddy with the snippets of docs/deploy.md. */
import type { JSHandle } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { hasChromium } from '../support/equipment.ts';
import { eventually, expectToSee, Person, roomUrl } from '../support/people.ts';
import { hasProxy, TestProxy } from '../support/proxies.ts';

describe.skipIf(!hasChromium)('a call under /meet', () => {
  const captures = new Captures();
  let alice: Person;
  let bob: Person;
  let server: TestServer;

  beforeAll(async () => {
    [alice, bob, server] = await Promise.all([
      Person.start('Alice', { colour: 'red', tone: 500 }, captures),
      Person.start('Bob', { colour: 'green', tone: 800 }, captures),
      startServer({ WEIR_BASE_PATH: '/meet', WEIR_TRUST_PROXY: '1' }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([alice, bob, server].map((one) => one?.[Symbol.asyncDispose]()));
    captures[Symbol.dispose]();
  });

  test.runIf(hasProxy('nginx')).each(['nginx', 'caddy'] as const)(
    'is one through %s, which keeps the path for one and takes it away for the other',
    async (name) => {
      await using keeping = await TestProxy.start(name, server.url, 'keeps the path');
      await using taking = await TestProxy.start(name, server.url, 'takes the path away');
      const [one, other] = await Promise.all([alice.page(), bob.page()]);
      try {
        // From the start page, whose path is written without its slash; the other is let in by the address.
        const entered = other.goto(roomUrl(`${taking.url}/meet`, name.toUpperCase(), 'Bob'));
        await one.goto(`${keeping.url}/meet`);
        expect(one.url()).toBe(`${keeping.url}/meet/`);
        await Promise.all([one.goto(roomUrl(`${keeping.url}/meet`, name, 'Alice')), entered]);
        await Promise.all([expectToSee(one, [bob]), expectToSee(other, [alice])]);
        expect(new URL(other.url()).pathname).toBe(`/meet/r/${name}`);
        // The SDK finds its server by where it was loaded from, and keeps the path of a URL that it is given.
        for (const [page, url] of [
          [one, undefined],
          [other, `${taking.url}/meet`],
        ] as const) {
          const sdk: JSHandle<typeof import('../../web/client/index.ts')> =
            await page.evaluateHandle("import('/meet/sdk.js')");
          const peers = await sdk.evaluate(
            async ({ RoomClient }, { room, at }) => {
              const client = new RoomClient(at === undefined ? {} : { url: at });
              await client.join({ room, name: 'Cleo' });
              const names = client.peers.map((peer) => peer.name);
              client.leave();
              return names;
            },
            { room: name, at: url },
          );
          expect(peers.sort()).toEqual(['Alice', 'Bob']);
        }
      } finally {
        await Promise.all([alice.leaveAll(), bob.leaveAll()]);
      }
    },
  );

  test.runIf(hasProxy('nginx'))('is refused with the reason where a proxy does not pass the Host on', async () => {
    await using proxy = await TestProxy.start('nginx', server.url, 'does not pass the Host on');
    const page = await alice.enter(`${proxy.url}/meet`, 'nowhere');
    const alerts = () => page.getByRole('alert').allTextContents();
    await eventually(alerts).toContainEqual(expect.stringMatching(/^The server refuses calls from http/));
    await alice.leaveAll();
  });
});
