/** Owns a server for tests whose log, every line of it, is kept. */
import { pino } from 'pino';
import { createApp } from '../../server/app.ts';
import { readConfig } from '../../server/config.ts';
import { loopback, type TestServer } from './server.ts';

/** As `startServer`, with the log at its most talkative and nothing redacted. */
export async function startLoggedServer(
  environment: Record<string, string> = {},
): Promise<TestServer & { readonly lines: readonly string[] }> {
  const { config } = readConfig({ ...loopback, WEIR_LOG_LEVEL: 'info', ...environment });
  const lines: string[] = [];
  const app = await createApp(config, pino({ level: 'trace' }, { write: (line) => void lines.push(line) }));
  const port = await app.listen();
  const close = () => app.close();
  return { app, url: `http://127.0.0.1:${port}`, lines, close, [Symbol.asyncDispose]: close };
}
