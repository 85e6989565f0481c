/** The process: reads the configuration, starts Weir, prints its address, and ends it on a signal. */
import type { Logger } from 'pino';
import { isFailure } from '../shared/selfTest.ts';
import { type App, createApp } from './app.ts';
import type { Config } from './config/Config.ts';
import { readConfig } from './config/readConfig.ts';
import { readOptions, usage } from './config/readOptions.ts';
import { addressFacts } from './ice/addressFacts.ts';
import { checkAddresses } from './ice/checkAddresses.ts';
import { selfTestText } from './ice/selfTest/selfTestText.ts';
import { lanText } from './lan/lanText.ts';
import { type Lan, withLan } from './lan/withLan.ts';
import { createLog } from './log.ts';
import { logMediasoup } from './media/mediasoupLog.ts';
import { startFailure } from './startFailure.ts';

/** How long closing may take before the process ends anyway, in milliseconds. */
const CLOSE_DEADLINE = 10_000;

/** Set once it has been read: a later failure may be caused by it. */
let config: Config | undefined;

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(`${usage}\n`);
    return;
  }
  const read = readConfig(process.env);
  const lan = options.lan ? await withLan(read.config, { environment: process.env }) : undefined;
  config = lan?.config ?? read.config;
  const log = await createLog(config.logLevel, process.stdout.isTTY);
  for (const warning of read.warnings) log.warn(warning);
  // While Weir starts, a failure is reported by one sentence, not by mediasoup's lines about it.
  logMediasoup(config.logLevel === 'debug' || config.logLevel === 'trace' ? log : log.child({}, { level: 'silent' }));
  // A signal during the start ends Weir as soon as it has started.
  const signals = listenForSignals();
  const app = await createApp(config, log);
  const port = await app.listen().catch(async (error: unknown) => {
    await app.close();
    throw error;
  });
  logMediasoup(log);
  printStartupInfo(config, app, port);
  if (lan) printLan(lan.lan, config, port);
  if (config.selfTest) void reportSelfTest(app, log);
  const signal = await signals.first;
  if (signal === 'SIGTERM' && config.drainTime > 0 && app.rooms.size > 0) {
    log.info({ signal, rooms: app.rooms.size, seconds: config.drainTime / 1000 }, 'draining');
    const drainAbort = new AbortController();
    signals.onFurther(() => drainAbort.abort());
    await app.drain(config.drainTime, drainAbort.signal);
  }
  log.info({ signal }, 'closing');
  signals.onFurther(() => process.exit(1));
  await close(app, log).catch((error: unknown) => {
    log.error({ err: error }, 'closing failed');
    process.exit(1);
  });
}

/** The first SIGINT or SIGTERM, and what each further one does: it ends the process at once by default. */
function listenForSignals() {
  const { promise: first, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let onFurther = (): void => process.exit(1);
  let listener: (signal: NodeJS.Signals) => void = (signal) => {
    listener = () => onFurther();
    resolve(signal);
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, (signal) => listener(signal));
  return {
    first,
    /** Replaces what each further signal does. */
    onFurther(action: () => void) {
      onFurther = action;
    },
  };
}

async function close(app: App, log: Logger): Promise<void> {
  const deadline = setTimeout(() => {
    log.error('closing timed out');
    process.exit(1);
  }, CLOSE_DEADLINE);
  await app.close();
  clearTimeout(deadline);
  process.exit(0);
}

/** The host of Weir's URL; `localhost` if it listens on all addresses. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

function printStartupInfo(config: Config, app: App, port: number): void {
  const scheme = config.tls ? 'https' : 'http';
  const host = urlHost(config.host);
  const { addresses } = app.announced;
  const lines = [
    `Weir is running: ${scheme}://${host}:${port}${config.basePath && `${config.basePath}/`}`,
    `Media: ${config.workers} worker(s) on ${addresses.join(', ')}, port(s) ${app.pool.workers.map(({ port: rtc }) => rtc).join(', ')} UDP and TCP`,
  ];
  const { metricsPort } = app;
  if (metricsPort && config.metrics) {
    lines.push(`Metrics: http://${urlHost(config.metrics.host)}:${metricsPort.port}/metrics`);
  }
  if (!config.auth)
    lines.push('Open: anyone may enter any room. Set WEIR_API_KEY and WEIR_API_SECRET to require tokens.');
  // The self-test says the same, and more.
  if (!config.selfTest) lines.push(...addressWarnings(config, app));
  process.stdout.write(`${lines.join('\n')}\n`);
}

function printLan(lan: Lan, { basePath }: Config, port: number): void {
  const { isTTY, columns } = process.stdout;
  const colours = isTTY && process.stdout.hasColors();
  process.stdout.write(`${lanText(lan, { port, basePath, columns: isTTY ? columns : undefined, colours })}\n`);
}

function addressWarnings(config: Config, { announced }: App): string[] {
  const configured = config.announcedAddresses.length > 0;
  return checkAddresses(addressFacts({ announced, configured, listening: config.rtcHosts }))
    .filter(({ level }) => level !== 'ok')
    .map(({ message, fix }) => (fix === undefined ? message : `${message} ${fix}`));
}

/** Tests the server while it runs already, and tells whoever started it and the log what was found. */
async function reportSelfTest({ selfTest }: App, log: Logger): Promise<void> {
  const report = await selfTest.run();
  if (selfTest.closed) return;
  process.stdout.write(`${selfTestText(report, { colours: process.stdout.isTTY && process.stdout.hasColors() })}\n`);
  if (report.rows.some(isFailure)) log.warn({ selfTest: report }, 'self-test failed');
  else log.info({ selfTest: report }, 'self-test passed');
}

main().catch(async (error: unknown) => {
  process.stderr.write(`Weir cannot start. ${await startFailure(error, config)}\n`);
  // The stack may help where the sentence does not.
  if (config?.logLevel === 'debug' || config?.logLevel === 'trace') console.error(error);
  process.exit(1);
});
