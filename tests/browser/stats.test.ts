/** Statistics and log of a call with real media: in Chromium beside its own chrome://webrtc-internals, and in Firefox. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { hasChromium } from '../support/equipment.ts';
import { hasFirefox } from '../support/firefox.ts';
import { useFirefoxCall } from '../support/firefoxCall.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { receivedOf, tileOf } from '../support/tiles.ts';

const Connection = z.looseObject({
  updateLog: z.array(z.looseObject({ type: z.string(), value: z.string(), timestamp: z.number() })),
  stats: z.record(
    z.string(),
    z.strictObject({
      startTime: z.iso.datetime(),
      endTime: z.iso.datetime(),
      statsType: z.string(),
      values: z.string().transform((text) => z.array(z.unknown()).parse(JSON.parse(text))),
    }),
  ),
});
const Connections = z.record(z.string(), Connection);
type Connection = z.infer<typeof Connection>;

describe.skipIf(!hasChromium || !hasFirefox)('statistics and log of a call', () => {
  const call = useFirefoxCall();

  /** The connections in the log of a page; each call adds a sample of the statistics. */
  async function logOf(page: {
    evaluate(script: string): Promise<unknown>;
  }): Promise<{ text: string; connections: Record<string, Connection> }> {
    const text = await page.evaluate("import('/sdk.js').then(({ exportLog }) => exportLog())");
    const log = z.string().parse(text);
    return {
      text: log,
      connections: z.object({ PeerConnections: Connections }).parse(JSON.parse(log)).PeerConnections,
    };
  }
  const isReceiving = ({ stats }: Connection) =>
    Object.values(stats).some(({ statsType, values }) => statsType === 'inbound-rtp' && values.length > 1);
  const receiving = (connections: Record<string, Connection>) => Object.values(connections).find(isReceiving);
  /** The names of the series of the object of a type and kind that received most, and what is derived from them. */
  function seriesOf({ stats }: Connection, statsType: string, kind: string) {
    // mediasoup probes for bandwidth with a stream of its own, which has no frames.
    const received = (name: string) => Number(stats[name.replace(/kind$/, 'bytesReceived')]?.values.at(-1) ?? 0);
    const [id] = Object.keys(stats)
      .filter(
        (name) => stats[name]?.statsType === statsType && name.endsWith('-kind') && stats[name]?.values[0] === kind,
      )
      .toSorted((one, other) => received(other) - received(one));
    const prefix = id?.slice(0, -'kind'.length) ?? 'none';
    const names = Object.keys(stats).filter((name) => name.startsWith(prefix));
    const short = names.map((name) => name.slice(prefix.length));
    return {
      prefix,
      own: short.filter((name) => !name.startsWith('[')).toSorted(),
      derived: short.filter((name) => name.startsWith('[')),
    };
  }
  /** What was negotiated, in its order. */
  const negotiations = ({ updateLog }: Connection) =>
    updateLog.map(({ type }) => type).filter((type) => /^set(Local|Remote)Description(OnSuccess)?$/.test(type));

  test("the panel has the figures of getStats, and the log has the form and the content of the browser's own", async () => {
    const internals = await call.alice.page();
    await internals.goto('chrome://webrtc-internals');
    const alice = await call.alice.enter(call.server.url, 'measured');
    const fox = await (await call.firefox.createBrowserContext()).newPage();
    await fox.goto(roomUrl(call.server.url, 'measured', 'Fox'));
    const peerId = async () => (await tileOf(alice, 'Fox'))?.peerId ?? '';
    await eventually(async () => (await receivedOf(alice, await peerId(), 'camera'))?.frames ?? 0).toBeGreaterThan(20);

    await alice.getByRole('button', { name: 'More', exact: true }).click();
    await alice.getByRole('button', { name: 'Connection statistics' }).click();
    const section = alice.locator('.stats-panel section', { has: alice.getByRole('heading', { name: 'Fox' }) });
    const figure = (name: string) =>
      section.locator('.stats-track', { hasText: 'Camera' }).locator('div', { hasText: name }).locator('dd');
    const shown = (name: string) =>
      figure(name)
        .textContent({ timeout: 1000 })
        .catch(() => undefined);
    await eventually(async () => {
      const stats = await receivedOf(alice, await peerId(), 'camera');
      const size = `${stats?.frameWidth}×${stats?.frameHeight}`;
      const isRight = (await shown('Size')) === size && (await shown('Codec'))?.startsWith('VP8');
      const [layer] = await alice.evaluate(async () => (await window.weir?.getConsumerLayers()) ?? []);
      const isLayer = (await shown('Spatial/temporal layer')) === `${layer?.spatialLayer}/${layer?.temporalLayer}`;
      return isRight && isLayer && Number.parseInt((await shown('Frames/s')) ?? '', 10) > 5;
    }, 'size, codec and frame rate of the panel are those of getStats, and its layers those of the server').toBe(true);
    expect(await alice.locator('.stats-panel section').first().textContent()).toContain('direct, UDP');

    await eventually(async () => receiving((await logOf(alice)).connections) !== undefined).toBe(true);
    const { text, connections } = await logOf(alice);
    const mine = receiving(connections);
    if (!mine) throw new Error('there is no connection that receives');
    const native = async () =>
      receiving(
        Connections.parse(
          JSON.parse(await internals.evaluate('JSON.stringify(window.peerConnectionDataStore)').then(String)),
        ),
      );
    // Chromium derives a mean only when its divisor has grown, and some values come later there than here. It hides a
    // deprecated name, and values that come later still may be in one of them only.
    const isLate = (name: string) => /freeze|pause|qp|power|mediaType/i.test(name);
    await eventually(async () => {
      const theirs = await native();
      return ['video', 'audio'].flatMap((kind) => {
        const known = theirs && seriesOf(theirs, 'inbound-rtp', kind);
        const { own, derived } = seriesOf(mine, 'inbound-rtp', kind);
        return [
          ...own.filter((name) => !isLate(name) && !known?.own.includes(name)),
          ...derived.filter((name) => !known?.derived.includes(name)),
        ];
      });
    }, 'series that the dump of Chromium does not have').toEqual([]);
    const chromium = await native();
    if (!chromium) throw new Error('the dump of Chromium has no connection that receives');
    expect(Object.keys(mine)).toEqual(expect.arrayContaining(Object.keys(chromium)));
    expect(negotiations(mine)).toEqual(negotiations(chromium));
    for (const kind of ['video', 'audio']) {
      const ours = seriesOf(mine, 'inbound-rtp', kind);
      expect(ours.own.length).toBeGreaterThan(20);
      expect(ours.derived).toContain('[bytesReceived_in_bits/s]');
      const times = mine.stats[`${ours.prefix}timestamp`]?.values ?? [];
      expect(mine.stats[`${ours.prefix}packetsReceived`]?.values).toHaveLength(times.length);
    }
    // What must not leave the page.
    expect(text).toContain('a=ice-pwd:removed');
    expect(text).not.toMatch(/a=ice-pwd:(?!removed)/);
    for (const secret of ['measured', 'Fox', 'Alice', '127.0.0.1']) expect(text).not.toContain(secret);

    const atFox = await logOf(fox);
    await eventually(async () => receiving((await logOf(fox)).connections) !== undefined).toBe(true);
    const received = receiving((await logOf(fox)).connections);
    expect(received && negotiations(received).length).toBeGreaterThan(1);
    expect(received?.updateLog.map(({ type }) => type)).toContain('connectionstatechange');
    expect(received && seriesOf(received, 'inbound-rtp', 'video').own).toEqual(
      expect.arrayContaining(['bytesReceived', 'framesDecoded', 'packetsLost', 'timestamp']),
    );
    for (const secret of ['measured', 'Fox', 'Alice']) expect(atFox.text).not.toContain(secret);
    await Promise.all([call.alice.leaveAll(), fox.close()]);
  });
});
