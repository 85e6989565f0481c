/** Owns Weir as a process that is measured: it tells where it is and what it holds. */
import { startServer } from '../../../tests/support/server.ts';
import { answerQuestions, memoryAfterCollection } from './Child.ts';
import { givenSettings } from './settings.ts';

const server = await startServer(givenSettings());
answerQuestions(
  {
    where: () => ({ url: server.url, worker: server.app.pool.workers[0]?.pid }),
    memory: () => memoryAfterCollection(),
    rooms: () => server.app.rooms.size,
  },
  () => server.close(),
);
