/** Owns the proof that nobody goes missing and nobody haunts a room, however wildly people come and go. */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { TestClient } from '../support/client.ts';
import { startLoggedServer } from '../support/logged.ts';
import { opus, vp8 } from '../support/media.ts';
import { randomFrom } from '../support/random.ts';
import { dumpOnlyRouter } from '../support/routers.ts';
import { type Belief, Witness } from '../support/Witness.ts';
import { token, useServer, withTokens } from '../support/weir.ts';

const weir = useServer({
  // Everybody is heard singly, so that it can be said who.
  WEIR_HEARD_VOICES: '20',
  ...withTokens,
  WEIR_MAX_CONNECTIONS_PER_IP: '1000',
  WEIR_MESSAGES_PER_SECOND: '1000',
});

/** What each of those who are there should believe, from what all of them publish. */
function truthFor(self: Witness, everyone: readonly Witness[], published: ReadonlyMap<Witness, ReadonlySet<string>>) {
  const peers: [string, string[]][] = [];
  const receives: string[] = [];
  for (const other of everyone) {
    if (other === self) continue;
    const sources = [...(published.get(other) ?? [])].sort();
    peers.push([other.reply.peerId, sources]);
    receives.push(...sources.map((source) => `${other.reply.peerId}:${source}`));
  }
  return { peers: Object.fromEntries(peers.sort()), receives: receives.sort() } satisfies Belief;
}

describe('churn', () => {
  test.each([1, 2, 3])('of 30 sockets (seed %i) leaves everyone with the same, true view of the room', async (seed) => {
    const random = randomFrom(seed);
    const published = new Map<Witness, Set<string>>();
    const inside = new Set<Witness>();
    const running = new Set<Promise<void>>();

    /** Some fail, because their client is replaced or cut meanwhile; that is what is tried here. */
    const run = (action: () => Promise<void>) => {
      const outcome = action().catch(() => {});
      running.add(outcome);
      void outcome.then(() => running.delete(outcome));
    };
    const enter = async (identity: string) => {
      const client = await weir.connect();
      const witness = new Witness(client, await client.join({ room: 'churn', token: await token('churn', identity) }));
      inside.add(witness);
      published.set(witness, new Set());
      void client.closed.then(() => inside.delete(witness));
    };
    const cutMidway = async (identity: string) => {
      const client = await weir.connect();
      void client.join({ room: 'churn', token: await token('churn', identity) }).catch(() => {});
      if (random.int(2)) await client.ask('nothing').catch(() => {});
      client.cut();
    };
    const toggle = async (witness: Witness, source: 'camera' | 'microphone') => {
      const on = published.get(witness);
      if (on?.delete(source)) await witness.client.request('closeProducer', { source });
      else {
        on?.add(source);
        const rtpParameters = source === 'camera' ? vp8() : opus();
        await witness.client.request('produce', { source, rtpParameters });
      }
    };
    const step = () => {
      const someone = [...inside][random.int(inside.size || 1)];
      const action = random.int(10);
      if (!someone || action < 4) run(() => enter(`peer-${random.int(30)}`));
      else if (action < 5) run(() => cutMidway(`peer-${random.int(30)}`));
      else if (action < 8) run(() => toggle(someone, random.int(2) ? 'camera' : 'microphone'));
      else if (action < 9) someone.client.cut();
      else someone.client.send(JSON.stringify({ id: 1, method: 'leave', data: {} }));
    };

    for (let round = 0; round < 250; round += 1) {
      step();
      // Up to twelve things happen at the same time, so that they meet in every order.
      while (running.size > random.int(12)) await Promise.race(running);
    }
    await Promise.all(running);

    const view = () => {
      const everyone = [...inside];
      const believed = everyone.map(({ belief }) => belief);
      return { believed, true: everyone.map((self) => truthFor(self, everyone, published)) };
    };
    const settled = async () => {
      await vi.waitUntil(() => isDeepStrictEqual(view().believed, view().true), { timeout: 5000 }).catch(() => {});
      expect(view().believed).toEqual(view().true);
    };
    await settled();
    expect(inside.size).toBeGreaterThan(3);
    expect(view().true.flatMap(({ receives }) => receives).length).toBeGreaterThan(10);
    // One more who comes at the end sees exactly those, and is seen by each of them.
    await enter('the last one');
    await settled();
    expect(weir.app.rooms.size).toBe(1);
  });

  test('a crowd that joins at once: everyone ends up with everyone else', async () => {
    const witnesses = await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const { client, reply } = await weir.enter('crowd', `peer-${index}`);
        return new Witness(client, reply);
      }),
    );
    const ids = witnesses.map(({ reply }) => reply.peerId).sort();
    for (const { reply } of witnesses) expect(ids).toContain(reply.peerId);
    await expect
      .poll(() => witnesses.map((one) => [...Object.keys(one.belief.peers), one.reply.peerId].sort()))
      .toEqual(witnesses.map(() => ids));
  });
});

describe('a join whose socket dies midway', () => {
  test('leaves no room and no router', async () => {
    await using server = await startLoggedServer();
    const opened = () => server.lines.filter((line) => line.includes('room opened')).length;
    for (let attempt = 1; attempt <= 20; attempt += 1) {
      const client = await TestClient.connect(server.url);
      void client.join({ room: `room-${attempt}` }).catch(() => {});
      // The room is being opened; what comes next, the transports, meets a closed connection.
      await expect.poll(() => server.app.rooms.size + opened(), { interval: 0 }).toBeGreaterThanOrEqual(attempt);
      client.cut();
    }
    await expect.poll(() => server.app.rooms.size).toBe(0);
    expect(server.app.pool.workers.map(({ routers }) => routers)).toEqual([0]);
    expect(opened()).toBe(20);
    expect(server.lines.filter((line) => line.includes('room closed')).length).toBe(20);
  });

  test('leaves nothing in a room where others are: no peer, no transport', async () => {
    const ada = await weir.enter('room', 'ada');
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const client = await weir.connect();
      const joining = client.join({ room: 'room', token: await token('room', `guest-${attempt}`) });
      void joining.catch(() => {});
      // From a cut before the server has read anything to one after it has answered.
      if (attempt % 4 > 0) await weir.connect();
      if (attempt % 4 > 1) await weir.connect();
      if (attempt % 4 > 2) await joining;
      client.cut();
    }
    await expect.poll(dumpOnlyRouter).toEqual({ transports: 2, consumers: 0 });
    const bob = await weir.enter('room', 'bob');
    expect(bob.reply.peers.map(({ identity }) => identity)).toEqual(['ada']);
    await ada.client.event('newPeer', ({ identity }) => identity === 'bob');
    expect(Object.keys(new Witness(ada.client, ada.reply).belief.peers)).toEqual([bob.reply.peerId]);
  });
});
