/** Members whose connections are cut, on servers of one test: what they notice, and what is forwarded to them. */
import { test as base, vi } from 'vitest';
import { Member, type MemberOptions } from '../../scripts/support/endpoint/Member.ts';
import { steady } from '../../scripts/support/media/material.ts';
import { steadyVideo } from '../../scripts/support/media/steady.ts';
import { NetworkFault } from '../../scripts/support/network/NetworkFault.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { WeirProcess } from '../../scripts/support/servers/WeirProcess.ts';

const flowing = { WEIR_RESUME_SECONDS: '30', WEIR_MESSAGES_PER_SECOND: '1000' };

export const publishes = { tracks: { camera: [steadyVideo(steady)] } };

/** A member, with the interruptions of its connection and the end of its session. */
export interface Observed {
  readonly member: Member;
  /** When (`performance.now()`) it was cut, and resumed. */
  readonly cuts: number[];
  readonly resumes: number[];
  readonly ends: string[];
}

/** Packets received by a member. */
function received({ member }: Observed): number {
  return member.media.all.reduce((sum, { distinct }) => sum + distinct, 0);
}

/** Waits until a member receives media from now on. */
export async function flows(observed: Observed): Promise<void> {
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

/** Packets of 200 ms: what is missing beyond that, and does not arrive, was not forwarded. */
export const SLACK = 36;

/**
 * Counts from now on what a publisher sends, and what is forwarded to a viewer by its sequence numbers: a busy process loses some. Unlike gaps in time, these do not depend on how busy
 * the process of the test is, in which both of them run.
 */
export function forwarding(publisher: Observed, viewer: Observed): () => { sent: number; missing: number } {
  const count = () => {
    const tracks = publisher.member.media.tracks.get('camera') ?? [];
    return {
      sent: tracks.reduce((sum, { packets }) => sum + packets, 0),
      received: viewer.member.media.all.reduce((sum, { expected }) => sum + expected, 0),
    };
  };
  const before = count();
  return () => {
    const now = count();
    const sent = now.sent - before.sent;
    return { sent, missing: sent - (now.received - before.received) };
  };
}

/** Waits until what was sent has been received. */
export async function isComplete(forwarded: () => { missing: number }): Promise<void> {
  try {
    await vi.waitUntil(() => forwarded().missing < SLACK, { timeout: 5000, interval: 10 });
  } catch (error) {
    throw new Error(`${forwarded().missing} packets were not forwarded.`, { cause: error });
  }
}

/** What one test opens: it is closed after it, the last first, whatever other tests do at the same time. */
export class TestSetup implements AsyncDisposable {
  readonly #cleanUp: (() => unknown)[] = [];

  async serve(environment: Record<string, string> = {}): Promise<TestServer> {
    const server = await startServer({ ...flowing, ...environment });
    this.#cleanUp.push(() => server.close());
    return server;
  }

  /** Starts Weir in a process of its own. */
  start(environment: Record<string, string> = {}): WeirProcess {
    const weir = new WeirProcess({ WEIR_MESSAGES_PER_SECOND: '1000', ...environment });
    this.#cleanUp.push(() => weir.end());
    return weir;
  }

  async lay(url: string): Promise<NetworkFault> {
    const network = await NetworkFault.start(url);
    this.#cleanUp.push(() => network[Symbol.asyncDispose]());
    return network;
  }

  async enter(url: string, room: string, name: string, options: Partial<MemberOptions> = {}): Promise<Observed> {
    const cuts: number[] = [];
    const resumes: number[] = [];
    const ends: string[] = [];
    const { member, ready } = await Member.join({
      url,
      room,
      name,
      ...options,
      onReconnecting: () => cuts.push(performance.now()),
      onResumed: () => resumes.push(performance.now()),
      onEnd: (reason) => ends.push(reason),
    });
    this.#cleanUp.push(() => member.leave());
    await ready;
    // The server keeps the session of a client that has confirmed its reply.
    await member.ping();
    return { member, cuts, resumes, ends };
  }

  /** Two people in a room, one of whom sees the other. */
  async people(url: string, room: string) {
    const publisher = await this.enter(url, room, 'publisher', publishes);
    const viewer = await this.enter(url, room, 'viewer');
    await flows(viewer);
    return { publisher, viewer };
  }

  /** Two rooms, on a worker each. */
  async twoRooms() {
    const server = await this.serve({ WEIR_WORKERS: '2', WEIR_WORKER_RESPONSE_TIMEOUT_SECONDS: '1' });
    const hit = await this.people(server.url, 'hit');
    const spared = await this.people(server.url, 'spared');
    // The first of the workers with equally few rooms.
    const [worker] = server.app.pool.workers;
    if (!worker) throw new Error('There is no worker.');
    return { server, hit, spared, worker };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const undo of this.#cleanUp.splice(0).reverse()) await undo();
  }
}

/** Tests that may run at the same time: each has resources of its own. */
export const test = base.extend<{ setup: TestSetup }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs.
  setup: async ({}, use) => {
    await using setup = new TestSetup();
    await use(setup);
  },
});
