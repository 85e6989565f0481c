/** Runs Weir as a measured process, which reports its URL and its resources. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { observer, type types } from 'mediasoup';
import { answerQuestions, memoryAfterCollection } from '../process/Child.ts';
import { givenSettings } from './settings.ts';
import { startServer } from './startServer.ts';

/** The open transports of all peers, as mediasoup reports them. */
const transports = new Set<types.WebRtcTransport>();
observer.on('newworker', (worker) =>
  worker.observer.on('newrouter', (router) =>
    router.observer.on('newtransport', (transport) => {
      if (!isWebRtc(transport)) return;
      transports.add(transport);
      transport.observer.once('close', () => transports.delete(transport));
    }),
  ),
);
const isWebRtc = (transport: types.Transport): transport is types.WebRtcTransport => transport.type === 'webrtc';

const MILLISECOND = 1e6;
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();

const server = await startServer(givenSettings());
answerQuestions(
  {
    where: () => {
      const workers = server.app.pool.workers.map(({ pid }) => pid);
      return { url: server.url, worker: workers[0], workers };
    },
    // Transports on each worker of that room.
    spread: async (room) => {
      const found = await server.app.rooms.find(String(room));
      const dumps = await Promise.all((found?.routers.routers ?? []).map(({ router }) => router.dump()));
      return dumps.map(({ transportIds }) => transportIds.length);
    },
    // For each worker of that broadcast: its pid, and the consumers that it feeds.
    consumers: async (room) => {
      const found = await server.app.rooms.find(String(room), 'broadcast');
      return Promise.all(
        (found?.routers.routers ?? []).map(async ({ router, worker }) => {
          const { mapConsumerIdProducerId } = await router.dump();
          return { worker: worker.pid, consumerIds: mapConsumerIdProducerId.map(({ key }) => key) };
        }),
      );
    },
    // Where the selected pair of each connected transport comes from, as the server sees it.
    tuples: () =>
      [...transports].flatMap(({ iceSelectedTuple, dtlsState }) => {
        if (!iceSelectedTuple || dtlsState !== 'connected') return [];
        const { protocol, remoteIp, remotePort } = iceSelectedTuple;
        return { protocol, address: remoteIp, port: remotePort };
      }),
    // Since the last question, in milliseconds.
    eventLoopDelay: () => {
      const [p50, p99, max] = [delay.percentile(50), delay.percentile(99), delay.max];
      delay.reset();
      return { p50: p50 / MILLISECOND, p99: p99 / MILLISECOND, max: max / MILLISECOND };
    },
    memory: () => memoryAfterCollection(),
    rooms: () => server.app.rooms.size,
  },
  () => server.close(),
);
