/** Owns the count of everything that a server holds: in Node, and in its media workers. */
import { readdirSync } from 'node:fs';
import { observer } from 'mediasoup';
import type { Worker } from 'mediasoup/types';

/** Live objects at one moment. */
export interface ResourceSnapshot {
  readonly routers: number;
  readonly transports: number;
  readonly producers: number;
  readonly consumers: number;
  /** In the workers themselves, as their dumps have it. */
  readonly workerRouters: number;
  /** Open file descriptors of this process, and of the workers. */
  readonly files: number;
  readonly workerFiles: number;
  /** Timers of this process that are running. */
  readonly timers: number;
}

const workers = new Set<Worker>();
const live = { routers: 0, transports: 0, producers: 0, consumers: 0 };

function count(kind: keyof typeof live, closing: { once(event: 'close', listener: () => void): unknown }): void {
  live[kind] += 1;
  closing.once('close', () => {
    live[kind] -= 1;
  });
}

observer.on('newworker', (worker) => {
  workers.add(worker);
  worker.observer.once('close', () => workers.delete(worker));
  worker.observer.on('newrouter', (router) => {
    count('routers', router.observer);
    router.observer.on('newtransport', (transport) => {
      count('transports', transport.observer);
      transport.observer.on('newproducer', (producer) => count('producers', producer.observer));
      transport.observer.on('newconsumer', (consumer) => count('consumers', consumer.observer));
    });
  });
});

/** Counts now. Import this module before the server starts: what was made earlier is not seen. */
export async function resourceSnapshot(): Promise<ResourceSnapshot> {
  const dumps = await Promise.all([...workers].map((worker) => worker.dump()));
  return {
    ...live,
    workerRouters: dumps.reduce((sum, { routerIds }) => sum + routerIds.length, 0),
    files: openFiles('self'),
    workerFiles: [...workers].reduce((sum, { pid }) => sum + openFiles(String(pid)), 0),
    timers: process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length,
  };
}

/** Those counts that are higher now than they were, with both numbers; only what is in `before` is compared. */
export function grown(now: ResourceSnapshot, before: Partial<ResourceSnapshot>): Record<string, string> {
  const counts = new Map<string, number>(Object.entries(now));
  const more = Object.entries(before).filter(([name, count]) => (counts.get(name) ?? 0) > count);
  return Object.fromEntries(more.map(([name, count]) => [name, `${count} -> ${counts.get(name)}`]));
}

function openFiles(pid: string): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
