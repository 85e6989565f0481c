/** Headless members for tests of large rooms: a server with several workers, members with media, received packets. */
import { test as base, vi } from 'vitest';
import { Member, type MemberOptions } from '../../scripts/support/endpoint/Member.ts';
import { steadyVideo, steadyVoice } from '../../scripts/support/media/steady.ts';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import type { App } from '../../server/app.ts';
import type { Config } from '../../server/config/Config.ts';

/** A camera in three layers of about 60, 150 and 400 kbit/s, each twice as wide as the one below. */
export const layers = [
  steadyVideo({ packetsPerFrame: 1, payloadBytes: 500, framesPerSecond: 15, keyEvery: 60, width: 320, height: 180 }),
  steadyVideo({ packetsPerFrame: 1, payloadBytes: 1100, framesPerSecond: 15, keyEvery: 60, width: 640, height: 360 }),
  steadyVideo({ packetsPerFrame: 3, payloadBytes: 1100, framesPerSecond: 15, keyEvery: 60, width: 1280, height: 720 }),
];
export const voice = [steadyVoice()];

/** Places each peer on the least loaded worker: from the second member on, both workers carry the room. */
export const spread = { WEIR_WORKERS: '2', WEIR_SPILLOVER_UTILIZATION: '0' };

export interface Crowd {
  readonly url: string;
  readonly app: App;
  enter(name: string, options?: Partial<MemberOptions>): Promise<Member>;
}

/** Starts a server for headless members. */
export type OpenCrowd = (environment?: Record<string, string>, delays?: Config['delays']) => Promise<Crowd>;

/** Tests that get `open`, and may run at the same time: what one opens is closed after it. */
export const test = base.extend<{ open: OpenCrowd }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs.
  open: async ({}, use) => {
    const { open, close } = crowds();
    try {
      await use(open);
    } finally {
      await close();
    }
  },
});

/** What `open` opens is closed by `close`, in reverse order. */
function crowds(): { open: OpenCrowd; close: () => Promise<void> } {
  const cleanUp: (() => unknown)[] = [];
  const close = async () => {
    for (const undo of cleanUp.splice(0).reverse()) await undo();
  };
  const open: OpenCrowd = async (environment = {}, delays) => {
    const server = await startServer(
      { WEIR_MESSAGES_PER_SECOND: '1000', WEIR_MAX_CONNECTIONS_PER_IP: '1000', ...environment },
      delays,
    );
    cleanUp.push(() => server.close());
    const { url, app } = server;
    const enter = async (name: string, options: Partial<MemberOptions> = {}): Promise<Member> => {
      const { member, ready } = await Member.join({ url, room: 'crowd', name, ...options });
      cleanUp.push(() => member.leave());
      await ready;
      return member;
    };
    return { url, app, enter };
  };
  return { open, close };
}

/** Places the next peer on that worker, whatever the load of the workers is at that moment. */
export function placeNextOn({ pool }: Pick<App, 'pool'>, index: number): void {
  const worker = pool.workers[index];
  if (!worker) throw new Error(`There is no worker ${index}.`);
  vi.spyOn(pool, 'selectForPeer').mockImplementationOnce((_own, waits = false) => ({
    worker,
    reservation: worker.load.reserve(waits),
  }));
}

/** Distinct packets of a peer's source that a member has received. */
export function received(member: Member, peerId: string, source = 'camera'): number {
  return member.media.all
    .filter(({ info }) => info.peerId === peerId && info.source === source)
    .reduce((sum, { distinct }) => sum + distinct, 0);
}

/** Waits until that many further packets have arrived. */
export async function untilReceiving(member: Member, peerId: string, source = 'camera', packets = 20): Promise<void> {
  const before = received(member, peerId, source);
  await vi.waitUntil(() => received(member, peerId, source) >= before + packets, { timeout: 10_000, interval: 10 });
}

/** Waits until a count has not changed for `time` milliseconds. */
export async function untilStable(count: () => number, time: number): Promise<void> {
  let last = count();
  let since = performance.now();
  await vi.waitUntil(
    () => {
      const now = count();
      if (now !== last) since = performance.now();
      last = now;
      return performance.now() - since >= time;
    },
    { timeout: 15_000, interval: 20 },
  );
}
