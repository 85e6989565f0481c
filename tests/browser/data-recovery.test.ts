/** Data messages when something breaks: cut signalling, a dead media worker, a network in which only a TURN server is reached. */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { NetworkFault } from '../../scripts/support/network/NetworkFault.ts';
import { pidOf } from '../../scripts/support/process/pidOf.ts';
import { startCoturn } from '../../scripts/support/servers/coturn.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import type { JoinOptions } from '../../web/client/index.ts';
import { hasCoturn } from '../support/coturn.ts';
import { DataVisitor } from '../support/DataVisitor.ts';
import { hasChromium } from '../support/equipment.ts';
import { placeNextOn, spread } from '../support/headlessMembers.ts';
import { eventually } from '../support/people.ts';

const ROOM = 'data';

/** Sends a number every 10 ms until `stopped`, and notes those whose promises have resolved, and the codes of the others. */
const COUNT = `
  Object.assign(window, { stopped: false, sent: 0, resolved: [], rejected: [] });
  window.counting = (async () => {
    const client = dataRoom;
    const promises = [];
    while (!stopped) {
      const number = sent++;
      promises.push(client.sendData(String(number)).then(() => resolved.push(number), ({ code }) => rejected.push(code)));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await Promise.all(promises);
  })();`;
const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));

describe.skipIf(!hasChromium)('data messages when something breaks', () => {
  let browser: Browser;
  let resources = new AsyncDisposableStack();
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    await resources.disposeAsync();
    resources = new AsyncDisposableStack();
  });
  afterAll(() => browser?.close());

  async function serve(environment: Record<string, string>): Promise<TestServer> {
    return resources.use(await startServer(environment));
  }

  const enter = (url: string, name: string, options: Partial<JoinOptions> = {}) =>
    DataVisitor.enter(browser, url, { room: ROOM, name, ...options });

  function enterOn(app: TestServer['app'], worker: number, url: string, name: string): Promise<DataVisitor> {
    placeNextOn(app, worker);
    return enter(url, name);
  }

  /** Ends `COUNT`, when all promises have settled. @returns how many messages it has sent, and the codes of those refused */
  async function stopCounting(visitor: DataVisitor): Promise<{ sent: number; resolved: number; rejected: string[] }> {
    const script =
      'stopped = true; await counting; return JSON.stringify({ sent, resolved: resolved.length, rejected });';
    return JSON.parse(String(await visitor.run(script)));
  }

  test('reliable messages arrive once and in order, and promises resolve, while the signalling is cut and resumed', async () => {
    const { url } = await serve({ ...spread, WEIR_RESUME_SECONDS: '30' });
    const network = resources.use(await NetworkFault.start(url));
    const [ann, bob, late, witness] = [
      await enter(network.url, 'ann'),
      await enter(network.url, 'bob'),
      // Opens its channels because messages wait for it, and sends its first one while it is cut.
      await enter(network.url, 'late'),
      await enter(url, 'witness'),
    ];
    const isCut = (visitor: DataVisitor) => visitor.run('return dataRoom.reconnecting;');
    await ann.send("'first'", { to: [bob.peerId, witness.peerId] });
    await eventually(() => bob.texts()).toEqual(['first']);
    await bob.forget();
    await eventually(() => witness.texts()).toEqual(['first']);
    await witness.forget();
    await ann.run(COUNT);
    await eventually(async () => (await bob.received()).length).toBeGreaterThan(10);
    network.cut('reset');
    for (const one of [ann, bob, late]) await eventually(() => isCut(one)).toBe(true);
    const before = (await bob.received()).length;
    await eventually(async () => (await bob.received()).length).toBeGreaterThan(before + 10);
    await late.run(`window.pending = dataRoom.sendData('late', { to: ['${witness.peerId}'] });`);
    await network.mend();
    for (const one of [ann, bob, late]) await eventually(() => isCut(one)).toBe(false);
    const after = (await bob.received()).length;
    await eventually(async () => (await bob.received()).length).toBeGreaterThan(after + 10);
    await late.run('await pending;');
    const { sent, resolved, rejected } = await stopCounting(ann);
    expect({ resolved, rejected }).toEqual({ resolved: sent, rejected: [] });
    await eventually(() => bob.texts()).toEqual(numbers(sent));
    await eventually(async () => (await witness.texts()).filter((text) => text !== 'late')).toEqual(numbers(sent));
    expect((await witness.texts()).filter((text) => text === 'late')).toEqual(['late']);
    // What the server kept until its channels were open, and all that came after.
    await eventually(() => late.texts()).toEqual(numbers(sent));
    for (const one of [ann, bob, late]) {
      expect(await one.run('return [dataOffers, failures.length, endings.length].join();')).toBe('1,0,0');
    }
  });

  test('those whose media worker dies lose their session and its last messages, and come back; others miss nothing of each other', async () => {
    const { url, app } = await serve(spread);
    const [ann, bob, cat] = [
      await enterOn(app, 0, url, 'ann'),
      await enterOn(app, 1, url, 'bob'),
      await enterOn(app, 0, url, 'cat'),
    ];
    const former = bob.peerId;
    const heard = async (visitor: DataVisitor, peerId: string) =>
      (await visitor.received()).filter(({ from }) => from === peerId).map(({ text }) => text);
    const everyone = async (count: number) => {
      for (const [listener, speaker] of [
        [ann, former],
        [cat, former],
        [bob, ann.peerId],
        [cat, ann.peerId],
      ] as const) {
        await eventually(async () => (await heard(listener, speaker)).length).toBeGreaterThan(count);
      }
    };
    await ann.run(COUNT);
    await bob.run(COUNT);
    await everyone(20);
    // More than the rate allows: some of it waits when the worker dies.
    await bob.run(`
      window.codes = [];
      window.waiting = Promise.all(Array.from({ length: 20 }, () =>
        dataRoom.sendData(new Uint8Array(65536), { to: ['nobody'] }).catch(({ code }) => codes.push(code))));`);
    process.kill(pidOf(app.pool.workers[1]), 'SIGKILL');
    await eventually(() => bob.run('return endings.join();')).toBe('mediaLost');
    expect(await bob.run('await waiting; return [...new Set(codes)].join();')).toBe('closed');
    const ofBob = await stopCounting(bob);
    // What was refused is known to be lost; what was sent last may be.
    expect(ofBob.resolved + ofBob.rejected.length).toBe(ofBob.sent);
    expect(ofBob.rejected.filter((code) => code !== 'closed' && code !== 'notJoined')).toEqual([]);
    const until = await heard(bob, ann.peerId);
    expect(until).toEqual(numbers(until.length));

    await bob.join({ room: ROOM, name: 'bob' });
    await eventually(async () => (await heard(bob, ann.peerId)).length).toBeGreaterThan(until.length + 20);
    await bob.send("'again'");
    const ofAnn = await stopCounting(ann);
    expect(ofAnn).toEqual({ sent: ofAnn.sent, resolved: ofAnn.sent, rejected: [] });
    await eventually(() => heard(cat, ann.peerId)).toEqual(numbers(ofAnn.sent));
    await eventually(async () => (await heard(bob, ann.peerId)).at(-1)).toBe(String(ofAnn.sent - 1));
    const since = (await heard(bob, ann.peerId)).slice(until.length);
    expect(since).toEqual(numbers(ofAnn.sent).slice(-since.length));
    for (const other of [ann, cat]) {
      await eventually(() => heard(other, bob.peerId)).toEqual(['again']);
      const ofFormer = await heard(other, former);
      expect(ofFormer).toEqual(numbers(ofFormer.length));
      expect(await other.run('return [dataOffers, failures.length, endings.length].join();')).toBe('1,0,0');
      expect(await other.run(`return dataRoom.peers.some(({ peerId }) => peerId === '${former}');`)).toBe(false);
    }
  });

  test.skipIf(!hasCoturn)('by a TURN server alone messages of 64 KiB arrive in both directions', async () => {
    const address = '127.0.0.1';
    const coturn = resources.use(await startCoturn({ listenAddress: address, sfuAddress: address }));
    const { url } = await serve({ WEIR_TURN_URLS: coturn.urls.join(), WEIR_TURN_SECRET: coturn.secret });
    const ann = await enter(url, 'ann', { iceTransportPolicy: 'relay' });
    const bob = await enter(url, 'bob');
    for (const [sender, receiver, first] of [
      [ann, bob, 7],
      [bob, ann, 8],
    ] as const) {
      expect(await sender.send(`new Uint8Array(65536).fill(${first})`)).toBeUndefined();
      await eventually(() => receiver.received()).toMatchObject([{ from: sender.peerId, length: 65_536, first }]);
    }
    const candidate = (visitor: DataVisitor) =>
      visitor.run(`
        const stats = [...(await dataConnections[0].getStats()).values()];
        const { selectedCandidatePairId } = stats.find(({ type }) => type === 'transport');
        const { localCandidateId } = stats.find(({ id }) => id === selectedCandidatePairId);
        return stats.find(({ id }) => id === localCandidateId).candidateType;`);
    expect([await candidate(ann), await candidate(bob)]).toEqual(['relay', 'host']);
    expect(await ann.run('return failures.length;')).toBe(0);
  });
});
