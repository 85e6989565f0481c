/** The diagnosis in networks that are not perfect: UDP blocked, a relay alone, a relay that refuses, a narrow link. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { hostAddresses, TestNetwork, whyNoTestNetwork } from '../../scripts/support/network/TestNetwork.ts';
import { startCoturn, TURN_SECRET } from '../../scripts/support/servers/coturn.ts';
import { startMeasured } from '../../scripts/support/servers/measured.ts';
import { hasCoturn } from '../support/coturn.ts';
import { hasChromium } from '../support/equipment.ts';

const HOST = hostAddresses.server.v4;

describe.skipIf(!hasChromium || !hasCoturn || whyNoTestNetwork() !== undefined)('the diagnosis', () => {
  const resources = new AsyncDisposableStack();
  let network: TestNetwork;
  let browser: Browser;
  /** A server that shares its secret with coturn, and one that does not. */
  const servers = { known: `http://${HOST}:3000`, refused: `http://${HOST}:3001` };

  beforeAll(async () => {
    network = resources.use(await TestNetwork.create({ delay: 10 }));
    const turn = hostAddresses.turn.v4;
    const coturn = resources.use(
      await startCoturn({ within: network.host('turn').name, listenAddress: turn, sfuAddress: HOST }),
    );
    const start = async (port: string, secret: string) =>
      resources.use(
        await startMeasured(
          {
            WEIR_HOST: HOST,
            WEIR_PORT: port,
            WEIR_RTC_HOST: HOST,
            WEIR_TURN_URLS: coturn.urls.join(','),
            WEIR_TURN_SECRET: secret,
          },
          network.host('server'),
        ),
      );
    await start('3000', TURN_SECRET);
    await start('3001', 'another secret than that of the TURN server');
    const secure = Object.values(servers).join(',');
    browser = resources.use(await launchChromium({ within: network.host('client').name, secure }));
  });
  afterEach(async () => {
    await network?.setLink({ rate: 0 });
    await Promise.all((browser?.contexts() ?? []).map((context) => context.close()));
  });
  afterAll(() => resources.disposeAsync());

  /** A page on which all tests have run, and the figures of its report. */
  async function diagnose(server: string): Promise<{ page: Page; figures: (check: string) => string }> {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${server}/diagnose`);
    await page.getByRole('button', { name: 'Start the test' }).click();
    await page.locator('.verdict').waitFor({ timeout: 60_000 });
    const lines = (await page.locator('.report pre').innerText()).split('\n');
    return { page, figures: (check) => lines.find((line) => line.startsWith(`${check}: `)) ?? '' };
  }
  const verdict = (page: Page) => page.locator('.verdict');

  test('finds UDP blocked, and a relay that refuses: calls will work, but over TCP', async () => {
    await network.setAccess({ kind: 'no-udp' });
    const { page, figures } = await diagnose(servers.refused);
    expect(figures('udp')).toMatch(/^udp: bad, connected false, privateAddresses false/);
    expect(figures('tcp')).toMatch(/^tcp: good, connected true/);
    for (const relay of ['turnUdp', 'turnTcp']) expect(figures(relay)).toMatch(/: bad, connected false/);
    expect(figures('turnTls')).toBe('turnTls: skipped');
    expect(figures('throughput')).toMatch(/protocol tcp/);
    expect(await verdict(page).getAttribute('data-verdict')).toBe('overTcp');
    expect(await verdict(page).innerText()).toMatch(/Calls will work, but over TCP\..*UDP is blocked here/s);
  });

  test('finds the relay alone open: calls will work over it', async () => {
    await network.setAccess({
      kind: 'nat',
      closed: [
        { address: HOST, protocol: 'udp' },
        { address: HOST, protocol: 'tcp', except: 3000 },
      ],
    });
    const { page, figures } = await diagnose(servers.known);
    for (const path of ['udp', 'tcp']) expect(figures(path)).toMatch(/: bad, connected false/);
    for (const relay of ['turnUdp', 'turnTcp']) expect(figures(relay)).toMatch(/: good, connected true/);
    expect(figures('throughput')).toMatch(/protocol relay/);
    expect(await verdict(page).getAttribute('data-verdict')).toBe('overRelay');
    expect(await verdict(page).innerText()).toMatch(/Calls will work, but over a relay\./);
  });

  test('reports a narrow link within a quarter of its rate', async () => {
    await network.setAccess({ kind: 'nat' });
    const rate = 1_000_000;
    await network.setLink({ rate: rate / 1000 });
    const upRate = (report: string) => Number(/upBitrate (\d+)/.exec(report)?.[1]);
    let { page, figures } = await diagnose(servers.known);
    // On a busy machine the emulated link itself carries less than its rate.
    for (let more = 2; more > 0 && upRate(figures('throughput')) <= 0.75 * rate; more -= 1) {
      await page.close();
      ({ page, figures } = await diagnose(servers.known));
    }
    for (const path of ['udp', 'tcp', 'turnUdp', 'turnTcp']) expect(figures(path)).toMatch(/: good, connected true/);
    const measured = figures('throughput');
    expect(upRate(measured), measured).toBeGreaterThan(0.75 * rate);
    expect(upRate(measured), measured).toBeLessThan(1.25 * rate);
    expect(await verdict(page).getAttribute('data-verdict')).toBe('narrow');
    expect(await verdict(page).innerText()).toMatch(
      /Calls will work, but with poor video\.\s+Only (0\.\d+|1\.\d) Mbit\/s/,
    );
  });
});
