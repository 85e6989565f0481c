/** The doctor, `npm run doctor`: whether a Weir is reachable, from inside or through its public address, and what to fix. */
import { pino } from 'pino';
import { signToken } from '../server/auth/tokens.ts';
import type { Config } from '../server/config/Config.ts';
import { ConfigError } from '../server/config/ConfigError.ts';
import { readConfig } from '../server/config/readConfig.ts';
import { clockRows } from '../server/ice/selfTest/clockRows.ts';
import { httpGet } from '../server/ice/selfTest/httpGet.ts';
import { publicRows } from '../server/ice/selfTest/publicRows.ts';
import { selfTestText } from '../server/ice/selfTest/selfTestText.ts';
import { isFailure, SelfTestReport, type SelfTestRow } from '../shared/selfTest.ts';
import { fail, readOptions } from './support/commandLine.ts';

const usage = `Usage: npm run doctor [-- options]
  --url URL     test from outside, through the address that browsers open, such as https://meet.example;
                a Weir that runs on this machine tests itself, too
  --ntp HOST    compare this machine's clock with an NTP server
  --json        print the report as JSON
  --help        print this

Without --url, the Weir that runs on this machine tests itself, as WEIR_PORT and the other variables say; where none
runs, one is started for the test. The exit code is 0 if nothing failed, 1 if something did, 2 for wrong options.`;

/** Milliseconds: the wait for a Weir that may run here, for its report, and until progress is shown. */
const WAIT = { health: 2000, report: 20_000, progress: 2000, outside: 12_000 };

/** @returns the URL without query and fragment */
function readUrl(text: string | undefined): URL | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) fail(`--url takes an address such as https://meet.example.\n${usage}`);
  return new URL(url.pathname.replace(/\/+$/, ''), url.origin);
}

/** Where a Weir with this configuration is reached on this machine; with `--lan` it speaks HTTPS whatever the variables say. */
function localUrls({ host, port, tls, basePath }: Config): string[] {
  const local = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host);
  return (tls ? ['https'] : ['http', 'https']).map((scheme) => `${scheme}://${local}:${port}${basePath}`);
}

/** The URL of the Weir that runs here; undefined where none does. */
async function runningUrl(config: Config): Promise<string | undefined> {
  if (config.port === 0) return undefined;
  for (const url of localUrls(config)) if (await isRunning(url)) return url;
  return undefined;
}

async function isRunning(url: string): Promise<boolean> {
  const signal = AbortSignal.timeout(WAIT.health);
  const answer = await httpGet(new URL(`${url}/health`), { signal }).catch(() => undefined);
  return answer?.status === 200 && answer.body.includes('"ok"');
}

/** Asks a Weir that runs. @throws {Error} why it does not answer */
async function askRunning(url: string, { auth }: Config): Promise<SelfTestRow[]> {
  const headers: Record<string, string> = {};
  if (auth) {
    const token = await signToken({ ...auth, identity: 'doctor', video: { roomAdmin: true }, lifetime: 60 });
    headers.authorization = `Bearer ${token}`;
  }
  const signal = AbortSignal.timeout(WAIT.report);
  const { status, body } = await httpGet(new URL(`${url}/api/self-test`), { headers, signal });
  if (status !== 200) {
    throw new Error(
      `The Weir at ${url} refuses the self-test (status ${status}): set WEIR_API_KEY and WEIR_API_SECRET as it has them. ${body}`,
    );
  }
  return SelfTestReport.parse(JSON.parse(body)).rows;
}

/** Starts a Weir for the test, and ends it. @throws {Error} why it cannot start */
async function askOwn(config: Config): Promise<SelfTestRow[]> {
  const [{ createApp }, { logMediasoup }, { startFailure }] = await Promise.all([
    import('../server/app.ts'),
    import('../server/media/mediasoupLog.ts'),
    import('../server/startFailure.ts'),
  ]);
  const log = pino({ level: 'silent' });
  logMediasoup(log);
  try {
    const app = await createApp(config, log);
    try {
      await app.listen();
      return (await app.selfTest.run()).rows;
    } finally {
      await app.close();
    }
  } catch (error) {
    throw new Error(`Weir cannot start. ${await startFailure(error, config)}`, { cause: error });
  }
}

async function examine(config: Config, url: URL | undefined, ntp: string | undefined): Promise<SelfTestRow[]> {
  const running = await runningUrl(config);
  const inside = async () => {
    if (running !== undefined) return askRunning(running, config);
    return url ? [] : askOwn(config);
  };
  const outside = async () => (url ? publicRows(url, AbortSignal.timeout(WAIT.outside)) : []);
  const clock = async () => {
    if (ntp === undefined) return [];
    const signal = AbortSignal.timeout(WAIT.outside);
    const rows = await clockRows({ ntp, leeway: config.tokenLeeway, signal, isSynchronised: async () => undefined });
    return rows;
  };
  return (await Promise.all([outside(), inside(), clock()])).flat();
}

const given = readOptions(usage, {
  url: { type: 'string' },
  ntp: { type: 'string' },
  json: { type: 'boolean' },
});
const url = readUrl(given.url);
const startedAt = new Date();
const began = performance.now();
const progress = setInterval(() => {
  process.stderr.write(`Testing, for ${Math.round((performance.now() - began) / 1000)} s so far ...\n`);
}, WAIT.progress);
try {
  const { config } = readConfig(process.env);
  const rows = await examine(config, url, given.ntp);
  const report = { startedAt: startedAt.toISOString(), duration: Math.round(performance.now() - began), rows };
  const colours = process.stdout.isTTY && process.stdout.hasColors();
  process.stdout.write(`${given.json ? JSON.stringify(report, undefined, 2) : selfTestText(report, { colours })}\n`);
  process.exitCode = rows.some(isFailure) ? 1 : 0;
} catch (error) {
  if (!(error instanceof Error)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof ConfigError ? 2 : 1;
} finally {
  clearInterval(progress);
}
