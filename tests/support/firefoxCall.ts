/** A server, Alice in Chromium and a Firefox, for the tests of one suite. */
import type { Browser } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { launchFirefox } from '../../scripts/support/browsers/firefox.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { startAll } from '../../scripts/support/startAll.ts';
import { ownAddresses } from '../../server/common/ownAddresses.ts';
import { Person } from './people.ts';

/** Set when the suite begins; closed after it, and the pages of Alice and of the contexts of Firefox after each test. */
export interface FirefoxCall {
  server: TestServer;
  alice: Person;
  firefox: Browser;
}

/** Call it in a suite; its tests read what they use from the result. */
export function useFirefoxCall(): Readonly<FirefoxCall> {
  const resources = new AsyncDisposableStack();
  const call: Partial<FirefoxCall> = {};
  beforeAll(async () => {
    const captures = resources.use(new Captures());
    // Firefox does not pair loopback with its own address: media goes to the address that others would use.
    const [address = '127.0.0.1'] = ownAddresses();
    await startAll([
      startServer({ WEIR_RTC_HOST: address }).then((server) => {
        call.server = resources.adopt(server, () => server.close());
      }),
      Person.start('Alice', { colour: 'red', tone: 500 }, captures).then((alice) => {
        call.alice = resources.use(alice);
      }),
      launchFirefox({ tone: 900 }).then((firefox) => {
        call.firefox = resources.adopt(firefox, () => firefox.close());
      }),
    ]);
  });
  afterEach(async () => {
    const { alice, firefox } = call;
    const contexts = firefox?.browserContexts().filter((context) => context !== firefox.defaultBrowserContext());
    await Promise.all([alice?.leaveAll(), ...(contexts ?? []).map((context) => context.close())]);
  });
  afterAll(() => resources.disposeAsync());
  const begun = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('The suite has not begun.');
    return value;
  };
  return {
    get server() {
      return begun(call.server);
    },
    get alice() {
      return begun(call.alice);
    },
    get firefox() {
      return begun(call.firefox);
    },
  };
}
