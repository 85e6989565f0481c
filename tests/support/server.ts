/** Owns a Weir server for tests: the real one, in this process, on free ports of loopback. */
import { pino } from 'pino';
import { type App, createApp } from '../../server/app.ts';
import { readConfig } from '../../server/config.ts';

export interface TestServer extends AsyncDisposable {
  readonly app: App;
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts Weir. `environment` adds to, or overrides, what tests need: loopback, any port, one worker, few logs. */
export async function startServer(environment: Record<string, string> = {}): Promise<TestServer> {
  const { config } = readConfig({
    WEIR_HOST: '127.0.0.1',
    WEIR_PORT: '0',
    WEIR_RTC_HOST: '127.0.0.1',
    WEIR_RTC_PORT: '0',
    WEIR_WORKERS: '1',
    WEIR_LOG_LEVEL: process.env.WEIR_TEST_LOG ?? 'fatal',
    ...environment,
  });
  const app = await createApp(config, pino({ level: config.logLevel }));
  const port = await app.listen();
  const close = () => app.close();
  return { app, url: `http://127.0.0.1:${port}`, close, [Symbol.asyncDispose]: close };
}
