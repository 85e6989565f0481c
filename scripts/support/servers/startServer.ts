/** Starts Weir in this process, for tests and measurements: the real server, on free ports of loopback. */
import { type Logger, pino } from 'pino';
import { type App, createApp } from '../../../server/app.ts';
import type { Config } from '../../../server/config/Config.ts';
import { readConfig } from '../../../server/config/readConfig.ts';

export interface TestServer extends AsyncDisposable {
  readonly app: App;
  /** `http://<host>:<port>` */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Defaults of tests: loopback, any port, one worker that is never too busy, few logs, no resumption of lost
 * connections.
 */
export const loopback = {
  WEIR_HOST: '127.0.0.1',
  WEIR_PORT: '0',
  WEIR_RTC_HOST: '127.0.0.1',
  WEIR_RTC_PORT: '0',
  WEIR_STUN_PORT: 'off',
  WEIR_WORKERS: '1',
  WEIR_ROOM_ADMISSION_LIMIT: '10',
  WEIR_JOIN_ADMISSION_LIMIT: '10',
  WEIR_RESUME_SECONDS: '0',
  WEIR_SELF_TEST: 'false',
  WEIR_LOG_LEVEL: process.env.WEIR_TEST_LOG ?? 'fatal',
};

/**
 * Starts Weir.
 * @param environment added to `loopback`, or overriding it
 * @param delays replaced timeouts of its rooms
 * @param log destination of its log, instead of the standard output from `WEIR_LOG_LEVEL` on
 */
export async function startServer(
  environment: Record<string, string> = {},
  delays?: Config['delays'],
  log?: Logger,
): Promise<TestServer> {
  const { config } = readConfig({ ...loopback, ...environment });
  const app = await createApp({ ...config, delays }, log ?? pino({ level: config.logLevel }));
  const close = () => app.close();
  const port = await app.listen().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { app, url: `http://${config.host}:${port}`, close, [Symbol.asyncDispose]: close };
}
