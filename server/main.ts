/** Owns the process: reads the configuration, starts Weir, says where it is, ends it on a signal. */
import type { Logger } from 'pino';
import { type App, createApp } from './app.ts';
import type { Config } from './config/Config.ts';
import { readConfig } from './config/readConfig.ts';
import { createLog } from './log.ts';
import { logMediasoup } from './media/mediasoupLog.ts';
import { isPrivateAddress } from './media/options.ts';
import { startFailure } from './startFailure.ts';

/** How long closing may take before the process ends all the same, in milliseconds. */
const CLOSE_DEADLINE = 10_000;

/** The configuration, once it has been read: what fails later may be about it. */
let config: Config | undefined;

async function main(): Promise<void> {
  const read = readConfig(process.env);
  config = read.config;
  const log = await createLog(config.logLevel, process.stdout.isTTY);
  for (const warning of read.warnings) log.warn(warning);
  // Until Weir runs, a failure is told by the sentence that ends it, and not by its parts.
  logMediasoup(config.logLevel === 'debug' || config.logLevel === 'trace' ? log : log.child({}, { level: 'silent' }));
  // A signal that comes while Weir starts ends it as soon as it has started.
  const signals = listenForSignals();
  const app = await createApp(config, log);
  const port = await app.listen().catch(async (error: unknown) => {
    await app.close();
    throw error;
  });
  logMediasoup(log);
  printStartupInfo(config, app, port);
  const signal = await signals.first;
  if (signal === 'SIGTERM' && config.drainTime > 0 && app.rooms.size > 0) {
    log.info({ signal, rooms: app.rooms.size, seconds: config.drainTime / 1000 }, 'draining');
    const impatience = new AbortController();
    signals.onAnother(() => impatience.abort());
    await app.drain(config.drainTime, impatience.signal);
  }
  log.info({ signal }, 'closing');
  signals.onAnother(() => process.exit(1));
  await close(app, log).catch((error: unknown) => {
    log.error({ err: error }, 'closing failed');
    process.exit(1);
  });
}

/** The first SIGINT or SIGTERM, and what each further one does: it ends the process at once, unless told otherwise. */
function listenForSignals() {
  const { promise: first, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let another = (): void => process.exit(1);
  let listener: (signal: NodeJS.Signals) => void = (signal) => {
    listener = () => another();
    resolve(signal);
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, (signal) => listener(signal));
  return {
    first,
    onAnother(action: () => void) {
      another = action;
    },
  };
}

async function close(app: App, log: Logger): Promise<void> {
  const deadline = setTimeout(() => {
    log.error('closing took too long');
    process.exit(1);
  }, CLOSE_DEADLINE);
  await app.close();
  clearTimeout(deadline);
  process.exit(0);
}

/** A host as it stands in a URL; where Weir listens everywhere, the one at which this machine finds it. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

function printStartupInfo(config: Config, app: App, port: number): void {
  const scheme = config.tls ? 'https' : 'http';
  const host = urlHost(config.host);
  const [address = ''] = app.addresses;
  const lines = [
    `Weir is running: ${scheme}://${host}:${port}${config.basePath && `${config.basePath}/`}`,
    `Media: ${config.workers} worker(s) on ${app.addresses.join(', ')}, port(s) ${app.pool.workers.map(({ port: rtc }) => rtc).join(', ')} UDP and TCP`,
  ];
  if (!config.auth)
    lines.push('Open: anyone may enter any room. Set WEIR_API_KEY and WEIR_API_SECRET to ask for tokens.');
  if (config.announcedAddresses.length === 0 && isPrivateAddress(address)) {
    lines.push(`${address} can be reached from its own network only; behind NAT set WEIR_ANNOUNCED_ADDRESS.`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

main().catch(async (error: unknown) => {
  process.stderr.write(`Weir cannot start. ${await startFailure(error, config)}\n`);
  // Where the sentence does not help, the place in the code may.
  if (config?.logLevel === 'debug' || config?.logLevel === 'trace') console.error(error);
  process.exit(1);
});
