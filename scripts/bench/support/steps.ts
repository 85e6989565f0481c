/** Owns the server of one awaited step at a time as a process that is measured. */
import { readConfig } from '../../../server/config.ts';
import { loopback } from '../../../tests/support/server.ts';
import { answerQuestions, memoryAfterCollection } from './Child.ts';
import { StepServer } from './StepServer.ts';
import { givenSettings } from './settings.ts';

const { config } = readConfig({ ...loopback, ...givenSettings() });
const consumers = process.env.WEIR_BENCH_CONSUMERS === 'atOnce' ? 'atOnce' : 'oneByOne';
const server = await StepServer.start(config, { consumers });
answerQuestions(
  {
    where: () => ({ url: server.url, worker: server.pool.workers[0]?.pid }),
    memory: () => memoryAfterCollection(),
    rooms: () => server.rooms,
  },
  () => server.close(),
);
