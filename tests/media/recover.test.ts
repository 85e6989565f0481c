/** Tests of recovery with media: cut connections, closed transports, dead and frozen workers. */
import { describe, expect, vi } from 'vitest';
import { Member } from '../../scripts/support/endpoint/Member.ts';
import { flows, forwarding, isComplete, type Observed, publishes, SLACK, test } from '../support/TestSetup.ts';

describe.concurrent('a cut connection', () => {
  test('that is half open is detected by both sides', async ({ setup }) => {
    const { url, app } = await setup.serve({ WEIR_PING_SECONDS: '0.5', WEIR_SIGNALLING_TIMEOUT_SECONDS: '1.5' });
    const network = await setup.lay(url);
    const one = await setup.enter(network.url, 'half', 'one');
    const control = await setup.enter(url, 'half', 'control');
    network.cut('silence');
    const room = await app.rooms.find('half');
    await vi.waitUntil(() => one.cuts.length > 0, { timeout: 3000, interval: 5 });
    await vi.waitUntil(() => room?.participant(one.member.peerId)?.info.away, { timeout: 3000, interval: 5 });
    expect(control.ends).toEqual([]);
    await network.mend();
    await vi.waitUntil(() => one.resumes.length > 0, { timeout: 3000, interval: 5 });
    expect(room?.participant(one.member.peerId)?.info.away).toBe(false);
  });
});

// It takes the processor for itself: nothing else runs meanwhile.
describe('a cut connection', () => {
  test('of a hundred members at once: all resume with all they had', async ({ setup }) => {
    const { url, app } = await setup.serve({ WEIR_MAX_CONNECTIONS_PER_IP: '1000', WEIR_MAX_PEERS: '200' });
    const network = await setup.lay(url);
    const all: Observed[] = [];
    for (let from = 0; from < 100; from += 10) {
      all.push(
        ...(await Promise.all(
          // A tenth of them with a transport: this process carries all of them.
          Array.from({ length: 10 }, (_, index) =>
            setup.enter(network.url, 'many', `m${from + index}`, { receives: index === 0 }),
          ),
        )),
      );
    }
    const room = await app.rooms.find('many');
    await vi.waitUntil(() => room?.size === 100);
    network.cut('reset');
    await vi.waitUntil(() => all.every(({ cuts }) => cuts.length === 1), { timeout: 5000 });
    await network.mend();
    await vi.waitUntil(() => all.every(({ resumes }) => resumes.length >= 1), { timeout: 10_000 });
    const ids = (room?.visiblePeers() ?? []).map(({ peerId }) => peerId);
    expect(ids.sort()).toEqual(all.map(({ member }) => member.peerId).sort());
    expect(all.flatMap(({ ends }) => ends)).toEqual([]);
  });
});

describe.concurrent('a media worker', () => {
  test.for([
    ['that is killed', 'SIGKILL'],
    ['that is frozen', 'SIGSTOP'],
  ] as const)('%s ends its own rooms only, which open again at once on another', async ([, signal], { setup }) => {
    const { server, hit, spared, worker } = await setup.twoRooms();
    const forwarded = forwarding(spared.publisher, spared.viewer);
    process.kill(worker.pid, signal);
    await vi.waitUntil(() => hit.viewer.ends.length + hit.publisher.ends.length === 2, { timeout: 5000, interval: 5 });
    expect([hit.viewer.ends, hit.publisher.ends]).toEqual([['mediaLost'], ['mediaLost']]);
    await setup.people(server.url, 'hit');
    await vi.waitUntil(() => server.app.pool.complete, { timeout: 5000, interval: 5 });
    expect(server.app.pool.workers.map(({ pid }) => pid)).not.toContain(worker.pid);
    await flows(spared.viewer);
    await isComplete(forwarded);
    expect(spared.viewer.ends).toEqual([]);
    // Nobody from before is left in the room that opened again.
    const room = await server.app.rooms.find('hit');
    expect(room?.size).toBe(2);
  });

  test('that is frozen gets no new rooms, and delays nobody longer than until it is ended', async ({ setup }) => {
    const { server, worker } = await setup.twoRooms();
    process.kill(worker.pid, 'SIGSTOP');
    await vi.waitUntil(() => !worker.responsive, { timeout: 3000, interval: 5 });
    const late = setup.enter(server.url, 'hit', 'late').then(
      () => 'in',
      (error: Error) => error.message,
    );
    const viewer = await setup.enter(server.url, 'elsewhere', 'viewer');
    expect(viewer.ends).toEqual([]);
    expect(await late).toMatch(/^in$|unavailable|cannot do this now|failed/);
    await vi.waitUntil(() => server.app.pool.complete, { timeout: 5000, interval: 5 });
  });
});

describe.concurrent('Weir as a process', () => {
  test('that is killed leaves no worker, not even a frozen one', async ({ setup }) => {
    const weir = setup.start();
    await weir.running();
    const workers = weir.descendants.filter((pid) => pid !== weir.pid);
    expect(workers.length).toBe(2);
    for (const pid of workers) process.kill(pid, 'SIGSTOP');
    process.kill(weir.pid, 'SIGKILL');
    await weir.exit;
    await vi.waitUntil(() => weir.descendants.length === 0, { timeout: 2000, interval: 5 });
  });

  test('drains on SIGTERM: refuses joins, notifies everybody, forwards media until the deadline, and exits with 0', async ({
    setup,
  }) => {
    const weir = setup.start({ WEIR_DRAIN_SECONDS: '5' });
    const url = await weir.running();
    const publisher = await setup.enter(url, 'drain', 'publisher', publishes);
    const network = await setup.lay(url);
    const viewer = await setup.enter(network.url, 'drain', 'viewer');
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
    await vi.waitUntil(() => viewer.resumes.length > 0, { timeout: 4500, interval: 5 });
    await vi.waitUntil(() => viewer.ends.length > 0, { timeout: 6000, interval: 5 });
    const lasted = performance.now() - signalled;
    expect(lasted).toBeGreaterThan(4900);
    expect(viewer.ends).toEqual(['serverClosing']);
    const { sent, missing } = forwarded();
    expect(sent).toBeGreaterThan(180);
    expect(missing).toBeLessThan(SLACK);
    expect(await weir.exit).toBe(0);
    expect(weir.descendants).toEqual([]);
  });

  test('ends its draining when the last member has left, or at a second signal', async ({ setup }) => {
    for (const end of ['leaving', 'a second signal'] as const) {
      const weir = setup.start({ WEIR_DRAIN_SECONDS: '60' });
      const url = await weir.running();
      const { member } = await setup.enter(url, 'drain', 'one');
      process.kill(weir.pid, 'SIGTERM');
      await vi.waitUntil(async () => (await fetch(`${url}/ready`)).status === 503, { timeout: 1000, interval: 20 });
      if (end === 'leaving') member.leave();
      else process.kill(weir.pid, 'SIGTERM');
      expect(await weir.exit).toBe(0);
    }
  });
});
