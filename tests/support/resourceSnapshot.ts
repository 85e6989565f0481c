/** Counts all resources of a server: in Node, and in its media workers. */
import { readdirSync } from 'node:fs';
import { observer } from 'mediasoup';
import type { Worker } from 'mediasoup/types';

/** Live objects at one moment. */
export interface ResourceSnapshot {
  readonly routers: number;
  readonly transports: number;
  readonly producers: number;
  readonly consumers: number;
  /** Of the workers themselves, by their dumps. */
  readonly workerRouters: number;
  /** Open file descriptors of this process and of the workers. */
  readonly files: number;
  readonly workerFiles: number;
  /** Active timers of this process. */
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

/** Takes a snapshot. Import this module before the server starts: objects created earlier are not counted. */
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

/** Counts that have increased, with both numbers; only those in `before` are compared. */
export function grown(now: ResourceSnapshot, before: Partial<ResourceSnapshot>): Record<string, string> {
  const counts = new Map<string, number>(Object.entries(now));
  const more = Object.entries(before).filter(([name, count]) => (counts.get(name) ?? 0) > count);
  return Object.fromEntries(more.map(([name, count]) => [name, `${count} -> ${counts.get(name)}`]));
}

function openFiles(pid: string): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
