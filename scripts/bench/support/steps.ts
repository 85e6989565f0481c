/** Runs the step server as a measured process. */
import { readConfig } from '../../../server/config/readConfig.ts';
import { answerQuestions, memoryAfterCollection } from '../../support/process/Child.ts';
import { givenSettings } from '../../support/servers/settings.ts';
import { loopback } from '../../support/servers/startServer.ts';
import { StepServer } from './StepServer.ts';

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
