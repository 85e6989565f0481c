/** Tests what the SDK reports of joins in real browsers: as the server counts it, against what the page itself measures. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { launchFirefox } from '../../scripts/support/browsers/firefox.ts';
import { SdkVisitor } from '../../scripts/support/browsers/SdkVisitor.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { ownAddresses } from '../../server/common/ownAddresses.ts';
import { hasChromium } from '../support/equipment.ts';
import { hasFirefox } from '../support/firefox.ts';
import { readMetrics, type Samples, sumOf } from '../support/metrics.ts';

/** Seconds: the SDK looks ten times a second, on a machine that has more to do. */
const SLACK = 1;
const joins = 'weir_client_joins_total';
const candidates = 'weir_client_ice_candidates_total';

describe.skipIf(!hasChromium)('the SDK reports a join', () => {
  let server: TestServer;
  let chromium: Awaited<ReturnType<typeof launchChromium>>;
  const read = () => readMetrics(`http://127.0.0.1:${server.app.metricsPort?.port}/metrics`);
  const untilReported = async (outcome: string, before: Samples): Promise<Samples> => {
    let after = before;
    const count = (samples: Samples) => sumOf(samples, joins, `first_frame="${outcome}"`);
    await expect
      .poll(
        async () => {
          after = await read();
          return count(after);
        },
        { timeout: 20_000 },
      )
      .toBe(count(before) + 1);
    return after;
  };

  beforeAll(async () => {
    // As `useFirefoxCall` has it.
    const [address = '127.0.0.1'] = ownAddresses();
    const settings = { WEIR_METRICS_PORT: '0', WEIR_RTC_HOST: address };
    [server, chromium] = await Promise.all([startServer(settings), launchChromium()]);
  });
  afterAll(async () => {
    await chromium?.close();
    await server?.close();
  });

  test.each([
    ['Chromium', () => Promise.resolve(chromium), true],
    ['Firefox', () => launchFirefox({ tone: 440 }), hasFirefox],
  ] as const)('of %s: first alone, then with somebody to see', async (name, launch, isHere) => {
    if (!isHere) return;
    const room = `report-${name}-${Date.now()}`;
    const browser = await launch();
    try {
      const atFirst = await read();
      const ann = await SdkVisitor.enter(chromium, { url: server.url, room, name: 'Ann' });
      const alone = await untilReported('none', atFirst);
      expect(sumOf(alone, candidates, 'protocol="udp"')).toBe(sumOf(atFirst, candidates, 'protocol="udp"') + 1);
      expect(sumOf(alone, 'weir_client_first_frame_seconds_count')).toBe(
        sumOf(atFirst, 'weir_client_first_frame_seconds_count'),
      );

      const bob = await SdkVisitor.enter(browser, { url: server.url, room, name: 'Bob' });
      const presented = (await bob.firstFrame(20_000)) / 1000;
      const after = await untilReported('shown', alone);
      const grown = (series: string) => sumOf(after, series) - sumOf(alone, series);
      expect(Math.abs(grown('weir_client_first_frame_seconds_sum') - presented)).toBeLessThan(SLACK);
      expect(grown('weir_client_join_seconds_count')).toBe(1);
      expect(grown('weir_client_join_seconds_sum')).toBeGreaterThan(0);
      expect(grown('weir_client_join_seconds_sum')).toBeLessThanOrEqual(grown('weir_client_first_frame_seconds_sum'));
      expect(grown(candidates)).toBe(1);
      await Promise.all([ann.leave(), bob.leave()]);
    } finally {
      if (browser !== chromium) await browser.close();
    }
  });
});
