/** A server for tests whose log is recorded in full. */
import { pino } from 'pino';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';

/** Like `startServer`, at the most verbose log level and without redaction. */
export async function startLoggedServer(
  environment: Record<string, string> = {},
): Promise<TestServer & { readonly lines: readonly string[] }> {
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line) => void lines.push(line) });
  const server = await startServer({ WEIR_LOG_LEVEL: 'info', ...environment }, undefined, log);
  return { ...server, lines };
}
