/** Tests of rooms on several workers: media crosses pipes, which open and close with their use. */
import { describe, expect, type TestContext, vi } from 'vitest';
import type { Member } from '../../scripts/support/endpoint/Member.ts';
import { steady } from '../../scripts/support/media/material.ts';
import { steadyVideo } from '../../scripts/support/media/steady.ts';
import { pidOf } from '../../scripts/support/process/pidOf.ts';
import { AudioSlots } from '../../server/media/audio/AudioSlots.ts';
import { RoomRouters } from '../../server/media/RoomRouters.ts';
import { PublishedTrack } from '../../server/room/PublishedTrack.ts';
import {
  type OpenCrowd,
  placeNextOn,
  received,
  spread,
  test,
  untilReceiving,
  untilStable,
  voice,
} from '../support/headlessMembers.ts';
import { pipeConsumers } from '../support/routers.ts';
import { opusParameters } from '../support/rtp.ts';

/** What a test needs of its context: tests that run at the same time have to undo by their own. */
type Context = Pick<TestContext, 'onTestFinished'> & { readonly open: OpenCrowd };

const publishes = { tracks: { camera: [steadyVideo(steady)], microphone: voice } };

describe.concurrent('a room on two workers', () => {
  test('everyone on both receives every packet; a producer is piped once, however many receive it', async ({
    open,
  }) => {
    const { app, enter } = await open(spread);
    const publisher = await enter('publisher', publishes);
    const viewers = [];
    for (const name of ['a', 'b', 'c', 'd']) viewers.push(await enter(name));
    const room = await app.rooms.find('crowd');
    expect(room?.routers.routers.length).toBe(2);
    await Promise.all(viewers.map((viewer) => untilReceiving(viewer, publisher.peerId, 'camera', 200)));
    await Promise.all(viewers.map((viewer) => untilReceiving(viewer, publisher.peerId, 'microphone')));
    // A camera and a microphone, each received by those of the viewers who are on the other worker.
    expect(pipeConsumers(app).filter(({ closed }) => !closed)).toHaveLength(2);
    for (const viewer of viewers) {
      for (const { distinct, expected } of viewer.media.all) expect(distinct).toBe(expected);
    }
  });

  test('a pipe closes after its last receiver has gone, and opens again for the next', async ({ open }) => {
    const { app, enter } = await open(spread);
    placeNextOn(app, 0);
    const publisher = await enter('publisher', publishes);
    placeNextOn(app, 1);
    const far = await enter('far');
    await untilReceiving(far, publisher.peerId);
    const first = pipeConsumers(app);
    expect(first).toHaveLength(2);
    far.leave();
    await vi.waitUntil(() => pipeConsumers(app).length === 0, { timeout: 5000, interval: 10 });
    placeNextOn(app, 1);
    const next = await enter('next');
    await untilReceiving(next, publisher.peerId);
    expect(pipeConsumers(app)).toHaveLength(2);
    expect(pipeConsumers(app)).not.toContain(first[0]);
  });

  test('mute and unmute pass through it', async ({ open }) => {
    const { app, enter } = await open(spread);
    placeNextOn(app, 0);
    const publisher = await enter('publisher', publishes);
    placeNextOn(app, 1);
    const far = await enter('far');
    await untilReceiving(far, publisher.peerId, 'microphone');
    await publisher.setPaused('microphone', true);
    await untilStable(() => received(far, publisher.peerId, 'microphone'), 300);
    await publisher.setPaused('microphone', false);
    await untilReceiving(far, publisher.peerId, 'microphone');
  });

  test('when one worker dies, only members whose media entered there have to rejoin', async ({ open }) => {
    const { app, enter } = await open(spread);
    const ends = new Map<string, string>();
    const come = (name: string) => enter(name, { ...publishes, onEnd: (reason) => ends.set(name, reason) });
    const members = new Map<string, Member>();
    for (const [index, name] of ['near', 'far', 'x', 'y'].entries()) {
      placeNextOn(app, index % 2);
      members.set(name, await come(name));
    }
    const [near, far] = [...members.values()];
    if (!near || !far) throw new Error('nobody came');
    await untilReceiving(near, far.peerId);
    // A stream counts from its first packet, which comes with a key frame: later ones would look like a gap.
    const others = [...members.values()].filter((member) => member !== near);
    await Promise.all(others.map((member) => untilReceiving(member, near.peerId, 'camera')));
    const room = await app.rooms.find('crowd');
    const [, worker] = app.pool.workers;
    const sent = () => near.media.tracks.get('camera')?.[0]?.packets ?? 0;
    // By sequence numbers: what a busy process loses was forwarded.
    const forwarded = (member: Member) =>
      member.media.all
        .filter(({ info }) => info.peerId === near.peerId && info.source === 'camera')
        .reduce((sum, { expected }) => sum + expected, 0);
    const missing = (member: Member) => sent() - forwarded(member);
    const before = new Map([...members.values()].map((member) => [member, missing(member)]));
    process.kill(pidOf(worker), 'SIGKILL');
    await vi.waitUntil(() => ends.size === 2, { timeout: 5000, interval: 5 });
    const stayed = room?.visiblePeers().map(({ name }) => name) ?? [];
    expect(stayed).toEqual(['near', 'x']);
    expect([...ends].sort()).toEqual([
      ['far', 'mediaLost'],
      ['y', 'mediaLost'],
    ]);
    for (const name of stayed) {
      const member = members.get(name);
      if (!member || member === near) continue;
      await untilReceiving(member, near.peerId, 'camera', 100);
      // Those of 200 ms: what is missing beyond that, and does not arrive, was not forwarded.
      await vi.waitUntil(() => missing(member) - (before.get(member) ?? 0) < 36, { timeout: 5000, interval: 10 });
    }
    const back = await come('far');
    await Promise.all([untilReceiving(near, back.peerId), untilReceiving(back, near.peerId)]);
  });

  test('leaves nothing on either when it ends', async ({ open }) => {
    const { app, enter } = await open(spread);
    const publisher = await enter('publisher', publishes);
    const far = await enter('far', publishes);
    await Promise.all([untilReceiving(far, publisher.peerId), untilReceiving(publisher, far.peerId)]);
    publisher.leave();
    far.leave();
    await vi.waitUntil(() => app.rooms.size === 0 && app.pool.workers.every(({ routers }) => routers === 0), {
      timeout: 5000,
      interval: 10,
    });
    expect(pipeConsumers(app)).toEqual([]);
  });
});

describe.concurrent('a router without placed peers', () => {
  /** Two routers of one room on different workers, and a placement on each. */
  const two = async ({ open, onTestFinished }: Context) => {
    const { app } = await open(spread);
    const routers = await RoomRouters.open(app.pool, { linger: 100 });
    onTestFinished(() => routers.close());
    const [near, far] = [await routers.place(), await routers.place()];
    expect(near.router).not.toBe(far.router);
    return { app, routers, near, far };
  };

  test('closes with the audio slots on it; the room continues', async ({ open, onTestFinished }) => {
    const { app, routers, near, far } = await two({ open, onTestFinished });
    const slots = new AudioSlots({ maxAudibleSpeakers: 1, onChange: () => {} });
    onTestFinished(() => slots.close());
    const [voices] = await Promise.all([slots.producersOn(far.router.router), slots.producersOn(near.router.router)]);
    far[Symbol.dispose]();
    await vi.waitUntil(() => routers.routers.length === 1, { timeout: 5000, interval: 5 });
    expect(routers.routers).toEqual([near.router]);
    expect(voices.map(({ closed }) => closed)).toEqual([true, true]);
    expect(app.pool.workers.map((worker) => worker.routers).sort()).toEqual([0, 1]);
    // The next peer gets another router where the load is lower.
    const next = await routers.place();
    expect(next.router).not.toBe(far.router);
    expect(next.router.closed).toBe(false);
    expect(routers.routers).toHaveLength(2);
  });

  test('stays for a peer that is just being placed there', async ({ open, onTestFinished }) => {
    const { routers, near, far } = await two({ open, onTestFinished });
    far[Symbol.dispose]();
    const next = await routers.place();
    expect(next.router).toBe(far.router);
    near[Symbol.dispose]();
    await vi.waitUntil(() => routers.routers.length === 1, { timeout: 5000, interval: 5 });
    expect(routers.routers).toEqual([far.router]);
    expect(far.router.closed).toBe(false);
  });

  test('closes once, however often its placements are released', async ({ open, onTestFinished }) => {
    const { routers, near, far } = await two({ open, onTestFinished });
    const other = await routers.place();
    const shared = other.router === near.router ? near : far;
    shared[Symbol.dispose]();
    shared[Symbol.dispose]();
    const alone = shared === near ? far : near;
    alone[Symbol.dispose]();
    await vi.waitUntil(() => routers.routers.length === 1, { timeout: 5000, interval: 5 });
    expect(routers.routers).toEqual([other.router]);
  });
});

describe.concurrent('the media of a track', () => {
  /** A microphone on the first of two routers. */
  const publish = async ({ open, onTestFinished }: Context) => {
    const { app } = await open(spread);
    const routers = await RoomRouters.open(app.pool);
    onTestFinished(() => routers.close());
    const [near, far] = [(await routers.place()).router, (await routers.place()).router];
    const transport = await near.router.createPlainTransport({ listenInfo: { protocol: 'udp', ip: '127.0.0.1' } });
    const producer = await transport.produce({ kind: 'audio', rtpParameters: opusParameters(1) });
    const published = new PublishedTrack({ peerId: 'ada', source: 'microphone', producer, router: near });
    return { routers, near, far, producer, published, track: published.publication.track };
  };

  test('is its producer on the router where it arrives, and the same pipe for all on another one', async ({
    open,
    onTestFinished,
  }) => {
    const { routers, near, far, producer, track } = await publish({ open, onTestFinished });
    const leases = await Promise.all([
      routers.acquire(track),
      routers.acquire(track, near),
      routers.acquire(track, far),
      routers.acquire(track, far),
    ]);
    expect(leases.map((lease) => lease.router)).toEqual([near.router, near.router, far.router, far.router]);
    const [own, same, piped, shared] = leases.map((lease) => lease.producer);
    expect([own, same]).toEqual([producer, producer]);
    expect(piped).not.toBe(producer);
    expect(shared).toBe(piped);
    expect(piped?.id).toBe(track.id);
  });

  test('can be acquired with a copy of the data', async ({ open, onTestFinished }) => {
    const { routers, far, track } = await publish({ open, onTestFinished });
    const lease = await routers.acquire(structuredClone(track), far);
    expect(lease.producer.id).toBe(track.id);
  });

  test('cannot be acquired once the track, or its router, has closed', async ({ open, onTestFinished }) => {
    const { routers, near, far, published, track } = await publish({ open, onTestFinished });
    const elsewhere = { ...track, location: { routerId: 'of another process' } };
    await expect(routers.acquire(elsewhere, far)).rejects.toMatchObject({ code: 'closed' });
    published.close();
    await expect(routers.acquire(track)).rejects.toMatchObject({ code: 'closed' });
    expect(published.publication.closed).toBe(true);
    near.close();
    await expect(routers.acquire(track, far)).rejects.toMatchObject({ code: 'closed' });
  });
});

describe.concurrent('a room spills over to another worker', () => {
  const routerCount = async (open: OpenCrowd, environment: Record<string, string>) => {
    const { app, enter } = await open({ WEIR_WORKERS: '2', ...environment });
    for (const name of ['a', 'b', 'c', 'd']) await enter(name);
    return (await app.rooms.find('crowd'))?.routers.routers.length;
  };

  test('not while its own worker has a low load', async ({ open }) => {
    expect(await routerCount(open, {})).toBe(1);
  });

  test('when its own worker is half full: new peers count before their cost shows', async ({ open }) => {
    // A new peer is assumed to cost 250 packets a second: with the second one, the worker is half full.
    expect(await routerCount(open, { WEIR_WORKER_MAX_PPS: '1000', WEIR_SPILLOVER_UTILIZATION: '0.5' })).toBe(2);
  });
});

test.concurrent('a worker reports the packets it sends, and its share of a core', async ({ open }) => {
  const { app, enter } = await open();
  const publisher = await enter('publisher', { tracks: { camera: [steadyVideo(steady)] } });
  const viewers = [await enter('a'), await enter('b')];
  await Promise.all(viewers.map((viewer) => untilReceiving(viewer, publisher.peerId)));
  const [worker] = app.pool.workers;
  // Two viewers of 180 packets a second.
  await vi.waitUntil(() => Math.abs((worker?.load.packets ?? 0) - 360) < 36, { timeout: 15_000, interval: 100 });
  expect(worker?.load.cpu).toBeGreaterThan(0);
  expect(worker?.load.cpu).toBeLessThan(1);
});
