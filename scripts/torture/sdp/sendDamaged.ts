/** Sends damaged SDP to a Weir in this process, several at a time, and counts its answers and what is left of them. */
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { observer } from 'mediasoup';
import { startServer } from '../../support/servers/startServer.ts';
import { percentile } from '../../support/statistics/distribution.ts';
import { until } from '../../support/until.ts';
import type { Figure, TrialOptions } from '../support/Trial.ts';

export interface Answer {
  readonly status: number;
  readonly location: string;
  readonly etag: string;
  readonly body: string;
}

/** One of those that send, from an address of its own. */
export interface Sender {
  readonly index: number;
  request(path: string, method: string, body?: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
}

export interface DamagedRequests {
  /** Statuses of answers to damaged SDP that are no fault, each with what it means. */
  readonly expected: ReadonlyMap<number, string>;
  /** Prepares what the requests are about. @param url of the server @returns ends it */
  prepare?(url: string): Promise<() => void>;
  /**
   * Sends what is damaged by that seed, and ends whatever it has opened.
   * @returns the status of the answer to it; any other one than the expected ones is a fault
   */
  send(seed: number, sender: Sender): Promise<number>;
}

/** Requests that are under way at a time. */
const AT_ONCE = 8;
/** A larger body is refused unread, in characters: its connection is closed, which may reach the sender before the answer. */
const UNREAD = 100_000;
/** Each network (an IPv4 /24) may send some offers a second only. */
const NETWORKS = 250;

/** Open transports of all routers of this process. */
let transports = 0;
observer.on('newworker', (worker) =>
  worker.observer.on('newrouter', (router) =>
    router.observer.on('newtransport', (transport) => {
      transports += 1;
      transport.observer.once('close', () => {
        transports -= 1;
      });
    }),
  ),
);

export async function sendDamaged(
  { expected, prepare, send }: DamagedRequests,
  { times, report }: TrialOptions,
): Promise<Figure[]> {
  await using server = await startServer({ WEIR_WORKERS: '2' });
  const pids = () => server.app.pool.workers.map(({ pid }) => pid).join();
  const workers = pids();
  const end = await prepare?.(server.url);
  const before = transports;
  const agents = Array.from(
    { length: NETWORKS },
    // Each request has a connection of its own: the server closes those that were idle while others had their turn.
    (_, index) => new Agent({ localAddress: `127.1.${index + 1}.1` }),
  );
  const statuses = new Map<number, number>();
  const faults: string[] = [];
  const durations: number[] = [];
  let next = 1;
  const sendAll = async (index: number) => {
    while (next <= times) {
      const seed = next;
      next += 1;
      if (seed % 1000 === 0) report(`${seed} of ${times}: ${[...statuses].map((one) => one.join(' × ')).join(', ')}`);
      const agent = agents[seed % NETWORKS];
      const ask: Sender['request'] = async (path, method, body, headers) => {
        const began = performance.now();
        const answer = await sendRequest(new URL(path, server.url), agent, method, body, headers);
        durations.push(performance.now() - began);
        return answer;
      };
      const status = await send(seed, { index, request: ask });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (!expected.has(status)) faults.push(`${seed} (${status})`);
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => sendAll(index)));
    if (faults.length > 0) console.error(`Seeds, and how they were answered: ${faults.slice(0, 100).join(', ')}`);
    // What a request has opened closes with it, or in the turn after.
    await until('transports being closed', 5000, () => transports <= before).catch(() => {});
    const answered = [...expected].map(([status, meaning]) => ({
      name: `${meaning} (${status})`,
      value: statuses.get(status) ?? 0,
      unit: '',
    }));
    return [
      { name: 'First and last seed', value: times, unit: 'from 1' },
      ...answered,
      { name: 'Faults: other answers', value: faults.length, unit: '', most: 0 },
      { name: 'Time of a response, p99', value: percentile(durations, 99), unit: 'ms', most: 1000 },
      { name: 'Time of a response, worst', value: percentile(durations, 100), unit: 'ms' },
      { name: 'Transports that are left', value: transports - before, unit: '', most: 0 },
      { name: 'Media workers that ended', value: pids() === workers ? 0 : 1, unit: '', most: 0 },
    ];
  } finally {
    end?.();
    for (const agent of agents) agent.destroy();
  }
}

async function sendRequest(
  url: URL,
  agent: Agent | undefined,
  method: string,
  body = '',
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const sent = request(url, { method, headers, ...(agent && { agent }) });
  const response = await new Promise<IncomingMessage | undefined>((resolve, reject) => {
    const onError = (error: Error) => (body.length > UNREAD ? resolve(undefined) : reject(error));
    sent.once('response', resolve).once('error', onError).end(body);
  });
  if (!response) return { status: 413, location: '', etag: '', body: '' };
  const { statusCode = 0, headers: received } = response;
  return {
    status: statusCode,
    location: received.location ?? '',
    etag: received.etag ?? '',
    body: await text(response),
  };
}
