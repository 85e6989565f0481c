/** Tests of the step server and its client: all steps, and the end of either side. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { StepClient, type StepHooks, type StepJoinOptions } from '../../scripts/bench/support/StepClient.ts';
import { StepServer } from '../../scripts/bench/support/StepServer.ts';
import { capabilities, dtls, opus, vp8 } from '../../scripts/support/media/clientParameters.ts';
import { loopback } from '../../scripts/support/servers/startServer.ts';
import { readConfig } from '../../server/config/readConfig.ts';
import { arePaused } from '../support/routers.ts';

const { config } = readConfig(loopback);

describe.each(['oneByOne', 'atOnce'] as const)('a new member whose consumers come %s', (consumers) => {
  let server: StepServer;
  const clients = new Set<StepClient>();
  beforeAll(async () => {
    server = await StepServer.start(config, { consumers });
  });
  afterEach(async () => {
    for (const client of clients) client.close();
    clients.clear();
    await vi.waitUntil(() => server.rooms === 0, { timeout: 5000, interval: 5 });
  });
  afterAll(() => server.close());

  const join = async (hooks?: StepHooks, options?: StepJoinOptions): Promise<StepClient> => {
    const client = await StepClient.join(server.url, 'room', { device: () => capabilities, ...hooks }, options);
    clients.add(client);
    return client;
  };

  test('gets one consumer of each track, in one request each, and resumes them', async () => {
    const ada = await join();
    const producerIds = [await ada.produce('camera', vp8()), await ada.produce('microphone', opus())];
    const bob = await join();
    await bob.settled();
    expect(bob.consumers.map(({ producerId }) => producerId).sort()).toEqual(producerIds.sort());
    expect(bob.peers.map(({ name }) => name)).toEqual(['guest']);
    expect(await server.consumers()).toBe(2);
    const ids = bob.consumers.map(({ consumerId }) => consumerId);
    await vi.waitUntil(async () => !(await arePaused(ids)).includes(true), { timeout: 5000 });
  });

  test('gives everyone in the room its own tracks', async () => {
    const [ada, bob] = [await join(), await join()];
    const eve = await join();
    await eve.produce('camera', vp8());
    await Promise.all([ada.received(1), bob.received(1)]);
    expect(eve.consumers).toEqual([]);
    expect(await server.consumers()).toBe(2);
  });

  test('connects each transport once, before its first track', async () => {
    const steps: string[] = [];
    const hooks: StepHooks = {
      connect: (_info, direction) => {
        steps.push(`connect ${direction}`);
        return dtls;
      },
      connected: (_info, direction) => steps.push(`connected ${direction}`),
      consume: ({ source }) => {
        steps.push(source);
      },
    };
    const ada = await join();
    await ada.produce('camera', vp8());
    await ada.produce('microphone', opus());
    const bob = await join(hooks);
    await bob.settled();
    await bob.produce('microphone', opus());
    await bob.produce('camera', vp8());
    expect(steps.slice(0, 2)).toEqual(['connect recv', 'connected recv']);
    expect(steps.slice(2, 4).sort()).toEqual(['camera', 'microphone']);
    expect(steps.slice(4)).toEqual(['connect send', 'connected send']);
  });

  test('counts messages and bytes equally on both sides', async () => {
    const before = structuredClone({ sent: server.traffic.sent, received: server.traffic.received });
    const ada = await join({}, { directions: ['send'], name: 'Ünal' });
    await ada.produce('microphone', opus());
    const { sent, received } = ada.traffic;
    // capabilities, one transport, join, produce
    expect(sent.messages).toBe(4);
    expect(received.messages).toBe(4);
    expect(server.traffic.sent.bytes - before.sent.bytes).toBe(received.bytes);
    expect(server.traffic.received.bytes - before.received.bytes).toBe(sent.bytes);
  });

  test('that leaves takes its tracks with it', async () => {
    const closed: string[] = [];
    const ada = await join({ consumerClosed: (id) => closed.push(id) });
    const bob = await join();
    await bob.produce('camera', vp8());
    await ada.received(1);
    bob.close();
    await vi.waitUntil(() => closed.length === 1, { timeout: 5000 });
    expect(closed).toEqual(ada.consumers.map(({ consumerId }) => consumerId));
    expect(await server.consumers()).toBe(0);
  });

  test('is notified when the server closes while it waits', async () => {
    const ada = await join();
    const waits = expect(ada.received(1)).rejects.toMatchObject({ code: 'closed' });
    ada.close();
    await waits;
  });
});
