/** Access to the mediasoup objects of this process. Import it before servers start. */
import { observer } from 'mediasoup';
import type { Consumer, Router, Transport, WebRtcTransport } from 'mediasoup/types';
import type { App } from '../../server/app.ts';

const open = new Set<Router>();
const consumers = new Map<string, Consumer>();
/** Consumer id -> id of its transport. */
const transportOf = new Map<string, string>();
/** Consumers that feed pipes, and the process of their worker. */
const pipes = new Map<Consumer, number>();
const webRtcTransports = new Set<WebRtcTransport>();

observer.on('newworker', (worker) => {
  worker.observer.on('newrouter', (router) => {
    open.add(router);
    router.observer.once('close', () => open.delete(router));
    router.observer.on('newtransport', (transport) => {
      if (isWebRtc(transport)) {
        webRtcTransports.add(transport);
        transport.observer.once('close', () => webRtcTransports.delete(transport));
      }
      transport.observer.on('newconsumer', (consumer) => {
        consumers.set(consumer.id, consumer);
        transportOf.set(consumer.id, transport.id);
        if (transport.type === 'pipe') {
          pipes.set(consumer, worker.pid);
          consumer.observer.once('close', () => pipes.delete(consumer));
        }
        consumer.observer.once('close', () => {
          consumers.delete(consumer.id);
          transportOf.delete(consumer.id);
        });
      });
    });
  });
});

/** The routers of this process, oldest first. */
export function routers(): readonly Router[] {
  return [...open];
}

/** Consumers that feed pipes between the routers of a server in this process. */
export function pipeConsumers({ pool }: Pick<App, 'pool'>): Consumer[] {
  const pids = pool.workers.map(({ pid }) => pid);
  return [...pipes].flatMap(([consumer, pid]) => (pids.includes(pid) ? consumer : []));
}

/** Bytes of RTX that browsers have sent to this process, for lost packets or as padding. */
export async function retransmittedBytes(): Promise<number> {
  const stats = await Promise.all([...webRtcTransports].map((transport) => transport.getStats()));
  return stats.flat().reduce((sum, { rtxBytesReceived }) => sum + rtxBytesReceived, 0);
}

/** The consumers of one transport. */
export function consumersOn(transportId: string | undefined): Consumer[] {
  return [...consumers].flatMap(([id, consumer]) => (transportOf.get(id) === transportId ? consumer : []));
}

/** The worker's dump of the only router. */
export async function dumpOnlyRouter() {
  const [router, ...others] = open;
  if (!router || others.length > 0) throw new Error(`There are ${open.size} routers instead of one.`);
  const dump = await router.dump();
  return { transports: dump.transportIds.length, consumers: dump.mapConsumerIdProducerId.length };
}

/** Whether the worker has paused these consumers. */
export function arePaused(consumerIds: readonly string[]): Promise<boolean[]> {
  return Promise.all(
    consumerIds.map(async (id) => {
      const consumer = consumers.get(id);
      if (!consumer) throw new Error(`There is no consumer ${id}.`);
      return (await consumer.dump()).paused;
    }),
  );
}

function isWebRtc(transport: Transport): transport is WebRtcTransport {
  return transport.type === 'webrtc';
}
