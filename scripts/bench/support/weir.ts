/** Owns Weir as a process that is measured: it tells where it is and what it holds. */
import { startServer } from '../../../tests/support/server.ts';
import { answerQuestions, memoryAfterCollection } from './Child.ts';
import { givenSettings } from './settings.ts';

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
      const dumps = await Promise.all((found?.fabric.hubs ?? []).map(({ router }) => router.dump()));
      return dumps.map(({ transportIds }) => transportIds.length);
    },
    memory: () => memoryAfterCollection(),
    rooms: () => server.app.rooms.size,
  },
  () => server.close(),
);
