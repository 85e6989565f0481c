/**
 * Churn: random joins, leaves, resumes, track settings, mutes and moderation leave everyone with a correct view of the
 * room.
 */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { randomFrom } from '../../scripts/support/random.ts';
import { Churn } from '../support/Churn.ts';
import { MAX_AUDIBLE_SPEAKERS, TOP_LAYER } from '../support/churnView.ts';
import { TestClient } from '../support/client.ts';
import { startLoggedServer } from '../support/logged.ts';
import { RoomModel } from '../support/RoomModel.ts';
import { dumpOnlyRouter } from '../support/routers.ts';
import { token, useServer, withTokens } from '../support/weir.ts';

/** Slots begin in the first phase, end in the second, and so on; each ends with a quiet moment. */
const PHASES = 4;
const STEPS = 45;

const weir = useServer({ ...withTokens, WEIR_MAX_CONNECTIONS_PER_IP: '1000' });
/** A server whose sessions outlive their connections, with short timeouts of slots and consumers. */
const lasting = useServer(
  {
    WEIR_MAX_AUDIBLE_SPEAKERS: String(MAX_AUDIBLE_SPEAKERS),
    ...withTokens,
    WEIR_RESUME_SECONDS: '30',
    // A resumed connection needs no join.
    WEIR_JOIN_SECONDS: '2',
    WEIR_MESSAGES_PER_SECOND: '10000',
    WEIR_MESSAGE_BURST: '10000',
  },
  { hysteresis: 30, consumerLinger: 300 },
);

/**
 * Waits until everyone's view equals the server's state and the model; fails with the differences.
 * @returns the share of sources whose state the model knows
 */
async function expectTruth(churn: Churn, lingering = true): Promise<number> {
  const compared = () => {
    const { told, held, expected } = churn.view(lingering);
    return {
      told: told.map(({ peers, slots, grants, watched }) => ({ peers, slots, grants, watched })),
      held,
      received: told.map(({ identity, receives }) => ({ identity, receives })),
      inside: churn.room
        .visiblePeers()
        .map(({ peerId }) => peerId)
        .sort(),
      toBeInside: [...churn.inside.map(({ peerId }) => peerId), ...churn.talkers.map(({ id }) => id)].sort(),
      toReceive: expected.map(({ identity, receives }) => ({ identity, receives })),
    };
  };
  const isTrue = () => {
    const { told, held, received, toReceive, inside, toBeInside } = compared();
    return (
      isDeepStrictEqual(inside, toBeInside) && isDeepStrictEqual(told, held) && isDeepStrictEqual(received, toReceive)
    );
  };
  await vi.waitUntil(isTrue, { timeout: 5000 }).catch(() => {});
  expect(churn.failures).toEqual([]);
  const { told, held, received, toReceive, inside, toBeInside } = compared();
  const ended = churn.participants.filter((one) => one.gone && inside.includes(one.peerId));
  expect(ended.map(({ identity, end }) => `${identity} is there, and was told: ${end}`)).toEqual([]);
  expect(inside).toEqual(toBeInside);
  expect(told).toEqual(held);
  expect(received).toEqual(toReceive);
  // And the server's state equals everybody's requests, as far as these did not race.
  const sources = churn.inside.flatMap((one) =>
    (['camera', 'microphone'] as const).map((source) => ({
      what: `${one.identity}'s ${source}`,
      held: churn.stateOf(one, source),
      expected: one.published[source].value,
    })),
  );
  const known = sources.filter(({ expected }) => expected !== undefined);
  expect(known.map(({ what, held }) => [what, held])).toEqual(known.map(({ what, expected }) => [what, expected]));
  for (const [index, { grants }] of churn.view(lingering).expected.entries()) {
    if (grants) expect(held[index]?.grants).toEqual(grants);
  }
  const least = churn.minimumDemand;
  for (const [index, { peerId, identity }] of churn.inside.entries()) {
    const watched = told[index]?.watched;
    if (watched !== undefined) expect(watched, identity).toBeGreaterThanOrEqual(least.get(peerId) ?? -1);
  }
  return known.length / sources.length;
}

/** Talkers come to hold slots, and everyone is notified. */
async function expectSlots(churn: Churn): Promise<void> {
  const talker = churn.talkers[0];
  if (!talker?.producer) throw new Error('nobody talks');
  await talker.producer.resume();
  const heard = () => churn.inside.every(({ model }) => model.state.slots.includes(talker.id));
  const speak = async () => {
    await talker.send(10);
    return heard();
  };
  await vi.waitUntil(speak, { timeout: 5000, interval: 40 });
  const holders = churn.room.slots.flatMap((id) => id ?? []);
  expect(new Set(holders).size).toBe(holders.length);
  const live = churn.talkers.filter(({ info }) => info.sources.microphone === 'live').map(({ id }) => id);
  expect(live).toEqual(expect.arrayContaining(holders));
  // A muted talker holds none.
  await talker.producer.pause();
  await vi.waitUntil(() => churn.inside.every(({ model }) => !model.state.slots.includes(talker.id)), {
    timeout: 5000,
  });
}

describe('churn', () => {
  test('leaves everyone with the same, correct view of the room at every quiet moment', async () => {
    const seed = Number(process.env.WEIR_TEST_SEED ?? Date.now() % 100_000);
    console.info(`WEIR_TEST_SEED=${seed}`);
    const churn = new Churn(lasting, randomFrom(seed));
    await churn.open();
    using _ = { [Symbol.dispose]: () => churn.room.close('roomClosed') };
    let known = 0;
    for (let phase = 0; phase < PHASES; phase += 1) {
      const many = phase % 2 === 0;
      for (let done = 0; done < STEPS; done += 1) {
        churn.step(many);
        await churn.throttle();
      }
      await churn.settle();
      await churn.setMicrophones(many);
      await vi.waitUntil(() => churn.room.slots.length === (many ? MAX_AUDIBLE_SPEAKERS + 1 : 0), { timeout: 5000 });
      known += await expectTruth(churn);
      if (many) await expectSlots(churn);
    }
    expect(churn.inside.length).toBeGreaterThan(3);
    expect(known / PHASES).toBeGreaterThan(0.5);

    // A late joiner sees exactly those, and is seen by each of them.
    const { client, reply } = await lasting.enter('churn', 'the last one');
    const last = new RoomModel(client, reply);
    const others = () => Object.keys(last.state.peers).sort();
    expect(others()).toEqual(
      [...churn.inside, ...churn.talkers].map((one) => ('id' in one ? one.id : one.peerId)).sort(),
    );
    for (const { model } of churn.inside) await vi.waitUntil(() => last.peerId in model.state.peers, { timeout: 5000 });
    client.send(JSON.stringify({ id: 1, method: 'leave', data: {} }));
    await client.closed;

    // Everyone has a camera and hides all others: nothing is sent. Then all show them again.
    const publishing = churn.inside.filter((one) => churn.stateOf(one, 'camera') === 'none');
    await Promise.all(publishing.map((one) => one.publish('camera', false).catch(() => {})));
    const cameras = churn.inside.filter((one) => churn.stateOf(one, 'camera') !== 'none');
    expect(cameras.length).toBeGreaterThan(2);
    const watched = () => cameras.map(({ model }) => model.state.watched.get('camera') ?? TOP_LAYER);
    await churn.setAllTiles(0);
    await vi.waitUntil(() => watched().every((layer) => layer === -1), { timeout: 5000 });
    await expectTruth(churn, false);
    await churn.setAllTiles(640);
    await expectTruth(churn, false);
    expect(watched()).toEqual(cameras.map(() => 1));
    expect(lasting.app.rooms.size).toBe(1);
  });

  test('a burst of joins: everyone ends up with everyone else', async () => {
    const lateJoiners = await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const { client, reply } = await weir.enter('crowd', `peer-${index}`);
        return new RoomModel(client, reply);
      }),
    );
    const ids = lateJoiners.map(({ peerId }) => peerId).sort();
    expect(new Set(ids).size).toBe(30);
    await expect
      .poll(() => lateJoiners.map((one) => [...Object.keys(one.state.peers), one.peerId].sort()))
      .toEqual(lateJoiners.map(() => ids));
  });
});

describe('a join whose socket closes midway', () => {
  test('leaves no room and no router', async () => {
    await using server = await startLoggedServer();
    const opened = () => server.lines.filter((line) => line.includes('room opened')).length;
    for (let attempt = 1; attempt <= 20; attempt += 1) {
      const client = await TestClient.connect(server.url);
      void client.join({ room: `room-${attempt}` }).catch(() => {});
      // The room is being opened; the next step, the transports, finds the connection closed.
      await expect.poll(() => server.app.rooms.size + opened(), { interval: 0 }).toBeGreaterThanOrEqual(attempt);
      client.cut();
    }
    await expect.poll(() => server.app.rooms.size).toBe(0);
    expect(server.app.pool.workers.map(({ routers }) => routers)).toEqual([0]);
    expect(opened()).toBe(20);
    expect(server.lines.filter((line) => line.includes('room closed')).length).toBe(20);
  });

  test('leaves nothing in a room with others: no peer, no transport', async () => {
    const ada = await weir.enter('room', 'ada');
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const client = await weir.connect();
      const joining = client.join({ room: 'room', token: await token('room', `guest-${attempt}`) });
      void joining.catch(() => {});
      // From a cut before the server has read anything to one after its reply.
      if (attempt % 4 > 0) await weir.connect();
      if (attempt % 4 > 1) await weir.connect();
      if (attempt % 4 > 2) await joining;
      client.cut();
    }
    await expect.poll(dumpOnlyRouter).toEqual({ transports: 2, consumers: 0 });
    const bob = await weir.enter('room', 'bob');
    expect(bob.reply.peers.map(({ identity }) => identity)).toEqual(['ada']);
    await ada.client.event('newPeer', ({ identity }) => identity === 'bob');
    expect(Object.keys(new RoomModel(ada.client, ada.reply).state.peers)).toEqual([bob.reply.peerId]);
  });
});
