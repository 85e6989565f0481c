/** Owns Weir as a process that is measured: it tells where it is and what it holds. */

import { answerQuestions, memoryAfterCollection } from '../process/Child.ts';
import { givenSettings } from './settings.ts';
import { startServer } from './startServer.ts';

const server = await startServer(givenSettings());
answerQuestions(
  {
    where: () => {
      const workers = server.app.pool.workers.map(({ pid }) => pid);
      return { url: server.url, worker: workers[0], workers };
    },
    // By worker of that room: how many transports come in there.
    spread: async (room) => {
      const found = await server.app.rooms.find(String(room));
      const dumps = await Promise.all((found?.routers.routers ?? []).map(({ router }) => router.dump()));
      return dumps.map(({ transportIds }) => transportIds.length);
    },
    // By worker of that broadcast: who it is, and the consumers that are fed there.
    consumers: async (room) => {
      const found = await server.app.rooms.find(String(room), 'broadcast');
      return Promise.all(
        (found?.routers.routers ?? []).map(async ({ router, worker }) => {
          const { mapConsumerIdProducerId } = await router.dump();
          return { worker: worker.pid, consumerIds: mapConsumerIdProducerId.map(({ key }) => key) };
        }),
      );
    },
    memory: () => memoryAfterCollection(),
    rooms: () => server.app.rooms.size,
  },
  () => server.close(),
);
