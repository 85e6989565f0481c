/** Each receiver gets the packets by which the media worker probes its bandwidth, whoever has joined after it. */
import type { JSHandle, Page } from 'playwright-core';
import { afterEach, describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { Member } from '../../scripts/support/endpoint/Member.ts';
import { machineOf } from '../../scripts/support/machine.ts';
import { hasChromium } from '../support/equipment.ts';
import { layers } from '../support/headlessMembers.ts';
import { useChromium } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

/** Of the stream that mediasoup probes with. */
const SSRC = 1234;
/** With a worker that makes their sequence numbers depend on each other, all of so many are probed in 3 of 100 cases. */
const RECEIVERS = 6;
/** A receiver to whom less is sent than its link carries is probed each five seconds; in milliseconds. */
const PROBED_WITHIN = 15_000;
/** scripts/setup/worker-build/README.md says what is different. */
const isPrebuilt = machineOf().worker === 'prebuilt';

describe.skipIf(!hasChromium || isPrebuilt)('a media worker', () => {
  const weir = useServer({ WEIR_WORKERS: '1' });
  const chromium = useChromium(() => launchChromium(), { [Symbol.dispose]: () => {} });
  let publisher: Member | undefined;
  afterEach(() => publisher?.leave());

  /** Collects the connections that a page opens from now on. */
  const connectionsOf = (page: Page) =>
    page.evaluateHandle(() => {
      const connections: RTCPeerConnection[] = [];
      window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(configuration?: RTCConfiguration) {
          super(configuration);
          connections.push(this);
        }
      };
      return connections;
    });

  /** How many packets each connection has been probed with. */
  const probesOf = (connections: JSHandle<RTCPeerConnection[]>) =>
    connections.evaluate(async (all, ssrc) => {
      const counts = all.map(async (connection) => {
        let packets = 0;
        for (const stats of (await connection.getStats()).values()) {
          if (stats.type === 'inbound-rtp' && stats.ssrc === ssrc) packets += stats.packetsReceived;
        }
        return packets;
      });
      return Promise.all(counts);
    }, SSRC);

  test(`probes each of ${RECEIVERS} receivers that have joined one after another`, async () => {
    const { member, ready } = await Member.join({
      url: weir.url,
      room: 'probes',
      name: 'publisher',
      tracks: { camera: layers },
      receives: false,
    });
    publisher = member;
    await ready;
    const page = await chromium.browser.newPage();
    await page.goto(`${weir.url}/health`);
    const connections = await connectionsOf(page);
    // As text: what the test runner makes of an import() does not run in a page.
    const sdk: JSHandle<typeof import('../../web/client/index.ts')> = await page.evaluateHandle("import('/sdk.js')");
    for (let joined = 1; joined <= RECEIVERS; joined += 1) {
      await sdk.evaluate(async ({ RoomClient }, name) => {
        await new RoomClient().join({ room: 'probes', name });
      }, `receiver ${joined}`);
      // Each is probed first when its video begins.
      await expect
        .poll(async () => (await probesOf(connections)).filter((packets) => packets > 0).length, {
          timeout: PROBED_WITHIN,
        })
        .toBe(joined);
    }
    const before = await probesOf(connections);
    const probedSince = async () => (await probesOf(connections)).filter((packets, at) => packets > (before[at] ?? 0));
    await expect.poll(async () => (await probedSince()).length, { timeout: PROBED_WITHIN }).toBe(RECEIVERS);
  });
});
