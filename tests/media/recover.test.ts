/** Tests of recovery with media: cut connections, closed transports, dead and frozen workers. */
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Member } from '../../scripts/support/endpoint/Member.ts';
import { steady } from '../../scripts/support/media/material.ts';
import { steadyVideo } from '../../scripts/support/media/steady.ts';
import { NetworkFault } from '../../scripts/support/network/NetworkFault.ts';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import { WeirProcess } from '../../scripts/support/servers/WeirProcess.ts';

const flowing = { WEIR_RESUME_SECONDS: '30', WEIR_MESSAGES_PER_SECOND: '1000' };
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

beforeAll(async () => {
  // The media is prepared once per machine.
  await Promise.resolve(steady);
});

/** A member, with the interruptions of its connection and the end of its session. */
interface Observed {
  readonly member: Member;
  /** When (`performance.now()`) it was cut, and resumed. */
  readonly cuts: number[];
  readonly resumes: number[];
  readonly ends: string[];
}

async function enter(url: string, room: string, name: string, publishes = false): Promise<Observed> {
  const cuts: number[] = [];
  const resumes: number[] = [];
  const ends: string[] = [];
  const { member, ready } = await Member.join({
    url,
    room,
    name,
    tracks: publishes ? { camera: [steadyVideo(steady)] } : {},
    onReconnecting: () => cuts.push(performance.now()),
    onResumed: () => resumes.push(performance.now()),
    onEnd: (reason) => ends.push(reason),
  });
  cleanUp.push(() => member.leave());
  await ready;
  return { member, cuts, resumes, ends };
}

/** Packets received by a member. */
function received({ member }: Observed): number {
  return member.media.all.reduce((sum, { distinct }) => sum + distinct, 0);
}

/** Waits until a member receives media from now on. */
async function flows(observed: Observed): Promise<void> {
  const before = received(observed);
  try {
    await vi.waitUntil(() => received(observed) > before + 50, { timeout: 10_000, interval: 10 });
  } catch (error) {
    const consumers = observed.member.media.all.map(({ info, distinct }) => `${info.consumerId}: ${distinct} packets`);
    throw new Error(
      `No media since ${before} packets; ${consumers.join(', ') || 'no consumer'}; ended: ${observed.ends}.`,
      {
        cause: error,
      },
    );
  }
}

/** Packets in flight, and those of 200 ms: what is missing beyond that was not forwarded. */
const SLACK = 36;

/**
 * Counts from now on what a publisher sends and a viewer receives. Unlike gaps in time, these do not depend on how busy
 * the process of the test is, in which both of them run.
 */
function forwarding(publisher: Observed, viewer: Observed): () => { sent: number; missing: number } {
  const count = () => {
    const tracks = publisher.member.media.tracks.get('camera') ?? [];
    return { sent: tracks.reduce((sum, { packets }) => sum + packets, 0), received: received(viewer) };
  };
  const before = count();
  return () => {
    const now = count();
    const sent = now.sent - before.sent;
    return { sent, missing: sent - (now.received - before.received) };
  };
}

async function lay(url: string): Promise<NetworkFault> {
  const network = await NetworkFault.start(url);
  cleanUp.push(() => network[Symbol.asyncDispose]());
  return network;
}

async function serve(environment: Record<string, string> = {}) {
  const server = await startServer({ ...flowing, ...environment });
  cleanUp.push(() => server.close());
  return server;
}

describe('a cut connection', () => {
  test.each(['reset', 'silence'] as const)(
    'by %s: media continues in both directions, and the session is resumed within a second',
    async (how) => {
      const { url, app } = await serve({ WEIR_PING_SECONDS: '0.5', WEIR_SIGNALLING_TIMEOUT_SECONDS: '2' });
      const [near, far] = [await lay(url), await lay(url)];
      const publisher = await enter(near.url, 'cut', 'publisher', true);
      const viewer = await enter(far.url, 'cut', 'viewer');
      const control = await enter(url, 'cut', 'control');
      await Promise.all([flows(viewer), flows(control)]);
      const forwarded = [viewer, control].map((one) => forwarding(publisher, one));
      const consumers = viewer.member.media.all.map(({ info }) => info.consumerId);
      for (const [network, one] of [
        [near, publisher],
        [far, viewer],
      ] as const) {
        const before = one.resumes.length;
        network.cut(how);
        await vi.waitUntil(() => one.cuts.length > before, { timeout: 8000, interval: 5 });
        // Long enough that connection attempts are in every state.
        await setTimeout(700);
        const mended = performance.now();
        await network.mend();
        await vi.waitUntil(() => one.resumes.length > before, { timeout: 5000, interval: 5 });
        expect((one.resumes.at(-1) ?? 0) - mended).toBeLessThan(1000);
      }
      await Promise.all([flows(viewer), flows(control)]);
      for (const since of forwarded) expect(since().missing).toBeLessThan(SLACK);
      expect(viewer.member.media.all.map(({ info }) => info.consumerId)).toEqual(consumers);
      expect([publisher, viewer, control].flatMap(({ ends }) => ends)).toEqual([]);
      const room = await app.rooms.find('cut');
      expect(room?.visiblePeers().map(({ peerId, away }) => [peerId, away])).toEqual(
        [publisher, viewer, control].map(({ member }) => [member.peerId, false]),
      );
    },
  );

  test('that is half open is detected by both sides', async () => {
    const { url, app } = await serve({ WEIR_PING_SECONDS: '0.5', WEIR_SIGNALLING_TIMEOUT_SECONDS: '1.5' });
    const network = await lay(url);
    const one = await enter(network.url, 'half', 'one');
    const control = await enter(url, 'half', 'control');
    network.cut('silence');
    const room = await app.rooms.find('half');
    await vi.waitUntil(() => one.cuts.length > 0, { timeout: 3000, interval: 5 });
    await vi.waitUntil(() => room?.participant(one.member.peerId)?.info.away, { timeout: 3000, interval: 5 });
    expect(control.ends).toEqual([]);
    await network.mend();
    await vi.waitUntil(() => one.resumes.length > 0, { timeout: 3000, interval: 5 });
    expect(room?.participant(one.member.peerId)?.info.away).toBe(false);
  });

  test('of a hundred members at once: all resume with all they had', async () => {
    const { url, app } = await serve({ WEIR_MAX_CONNECTIONS_PER_IP: '1000', WEIR_MAX_PEERS: '200' });
    const network = await lay(url);
    const all: Observed[] = [];
    for (let from = 0; from < 100; from += 10) {
      all.push(
        ...(await Promise.all(
          Array.from({ length: 10 }, (_, index) => enter(network.url, 'many', `m${from + index}`)),
        )),
      );
    }
    const room = await app.rooms.find('many');
    await vi.waitUntil(() => room?.size === 100);
    network.cut('reset');
    await vi.waitUntil(() => all.every(({ cuts }) => cuts.length === 1), { timeout: 5000 });
    await network.mend();
    await vi.waitUntil(() => all.every(({ resumes }) => resumes.length >= 1), { timeout: 10_000 });
    expect(room?.visiblePeers().map(({ peerId }) => peerId)).toEqual(all.map(({ member }) => member.peerId));
    expect(all.flatMap(({ ends }) => ends)).toEqual([]);
  });
});

describe('a media worker', () => {
  /** Two rooms, on a worker each. */
  async function twoRooms(environment: Record<string, string> = {}) {
    const server = await serve({ WEIR_WORKERS: '2', ...environment });
    const people = async (room: string) => {
      const publisher = await enter(server.url, room, 'publisher', true);
      const viewer = await enter(server.url, room, 'viewer');
      await flows(viewer);
      return { publisher, viewer };
    };
    const hit = await people('hit');
    const spared = await people('spared');
    // The first of the workers with equally few rooms.
    const [worker] = server.app.pool.workers;
    if (!worker) throw new Error('There is no worker.');
    return { server, hit, spared, worker, people };
  }

  test.each([
    ['that is killed', 'SIGKILL'],
    ['that is frozen', 'SIGSTOP'],
  ] as const)('%s ends its own rooms only, which open again at once on another', async (_name, signal) => {
    const { server, hit, spared, worker, people } = await twoRooms({ WEIR_WORKER_RESPONSE_TIMEOUT_SECONDS: '1' });
    const forwarded = forwarding(spared.publisher, spared.viewer);
    process.kill(worker.pid, signal);
    await vi.waitUntil(() => hit.viewer.ends.length + hit.publisher.ends.length === 2, { timeout: 5000, interval: 5 });
    expect([hit.viewer.ends, hit.publisher.ends]).toEqual([['mediaLost'], ['mediaLost']]);
    await people('hit');
    await vi.waitUntil(() => server.app.pool.complete, { timeout: 5000, interval: 5 });
    expect(server.app.pool.workers.map(({ pid }) => pid)).not.toContain(worker.pid);
    await flows(spared.viewer);
    expect(forwarded().missing).toBeLessThan(SLACK);
    expect(spared.viewer.ends).toEqual([]);
    // Nobody from before is left in the room that opened again.
    const room = await server.app.rooms.find('hit');
    expect(room?.size).toBe(2);
  });

  test('that is frozen gets no new rooms, and delays nobody longer than until it is ended', async () => {
    const { server, worker } = await twoRooms({ WEIR_WORKER_RESPONSE_TIMEOUT_SECONDS: '1' });
    process.kill(worker.pid, 'SIGSTOP');
    await vi.waitUntil(() => !worker.responsive, { timeout: 3000, interval: 5 });
    const late = enter(server.url, 'hit', 'late').then(
      () => 'in',
      (error: Error) => error.message,
    );
    const viewer = await enter(server.url, 'elsewhere', 'viewer');
    expect(viewer.ends).toEqual([]);
    expect(await late).toMatch(/^in$|unavailable|cannot do this now|failed/);
    await vi.waitUntil(() => server.app.pool.complete, { timeout: 5000, interval: 5 });
  });
});

describe('Weir as a process', () => {
  function start(environment: Record<string, string> = {}): WeirProcess {
    const weir = new WeirProcess({ WEIR_MESSAGES_PER_SECOND: '1000', ...environment });
    cleanUp.push(() => weir.end());
    return weir;
  }

  test('that is killed leaves no worker, not even a frozen one', async () => {
    const weir = start();
    await weir.running();
    const workers = weir.descendants.filter((pid) => pid !== weir.pid);
    expect(workers.length).toBe(2);
    for (const pid of workers) process.kill(pid, 'SIGSTOP');
    process.kill(weir.pid, 'SIGKILL');
    await weir.exit;
    await vi.waitUntil(() => weir.descendants.length === 0, { timeout: 2000, interval: 5 });
  });

  test('drains on SIGTERM: refuses joins, notifies everybody, forwards media until the deadline, and exits with 0', async () => {
    const weir = start({ WEIR_DRAIN_SECONDS: '3' });
    const url = await weir.running();
    const publisher = await enter(url, 'drain', 'publisher', true);
    const network = await lay(url);
    const viewer = await enter(network.url, 'drain', 'viewer');
    await flows(viewer);
    const forwarded = forwarding(publisher, viewer);
    const signalled = performance.now();
    process.kill(weir.pid, 'SIGTERM');
    await vi.waitUntil(async () => (await fetch(`${url}/ready`)).status === 503, { timeout: 1000, interval: 20 });
    await expect(Member.join({ url, room: 'drain', name: 'late' })).rejects.toThrow(/about to restart/);
    await expect(Member.join({ url, room: 'new', name: 'late' })).rejects.toThrow(/about to restart/);
    // Members may still resume.
    network.cut('reset');
    await network.mend();
    await vi.waitUntil(() => viewer.resumes.length > 0, { timeout: 1500, interval: 5 });
    await vi.waitUntil(() => viewer.ends.length > 0, { timeout: 4000, interval: 5 });
    const lasted = performance.now() - signalled;
    expect(lasted).toBeGreaterThan(2900);
    expect(viewer.ends).toEqual(['serverClosing']);
    const { sent, missing } = forwarded();
    expect(sent).toBeGreaterThan(180);
    expect(missing).toBeLessThan(SLACK);
    expect(await weir.exit).toBe(0);
    expect(weir.descendants).toEqual([]);
  });

  test('ends its draining when the last member has left, or at a second signal', async () => {
    for (const end of ['leaving', 'a second signal'] as const) {
      const weir = start({ WEIR_DRAIN_SECONDS: '60' });
      const url = await weir.running();
      const { member } = await enter(url, 'drain', 'one');
      process.kill(weir.pid, 'SIGTERM');
      await vi.waitUntil(async () => (await fetch(`${url}/ready`)).status === 503, { timeout: 1000, interval: 20 });
      if (end === 'leaving') member.leave();
      else process.kill(weir.pid, 'SIGTERM');
      expect(await weir.exit).toBe(0);
    }
  });
});
