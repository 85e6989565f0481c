/** Starts a real coturn with the configuration that Weir generates, on loopback or in a network namespace. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type TurnserverOptions, turnserverConf } from '../../../server/ice/turnserverConf.ts';
import { coturn, fileOf } from '../../setup/equipment.mjs';
import { userCache } from '../../setup/paths.mjs';
import { freePort } from '../network/freePort.ts';
import { until } from '../until.ts';
import type { TestCertificate } from './TestAuthority.ts';

const unpacked = fileOf(coturn.file, userCache(process.env));
/** Debian's turnserver, unpacked by the tests' set-up; or another one, to try a newer version. */
export const turnserver = process.env.WEIR_TEST_TURNSERVER ?? unpacked;
/** Why there is no coturn here, in words for people; undefined where there is one. */
export function whyNoCoturn(): string | undefined {
  return existsSync(turnserver) ? undefined : 'coturn is missing (the set-up of `npm test` unpacks it)';
}

/** As long as Weir requires, with characters that configuration files like to treat in their own way. */
export const TURN_SECRET = 'for tests only: "quoted", \'quoted\', # = ; \\ $HOME %s';

export interface CoturnOptions {
  /** The network namespace that it runs in; default the machine's own network. */
  readonly within?: string;
  /** Where clients reach it; several for several address families. */
  readonly listenAddress: string | readonly string[];
  /** Where it reaches the SFU. */
  readonly sfuAddress: string | readonly string[];
  readonly secret?: string;
  /** Default a free port, in a namespace 3478. */
  readonly port?: number;
  /**
   * `turns:` at this port (default a free one, in a namespace 443), under the first name of the certificate. Chromium
   * trusts it by `trustedKey`. Firefox trusts any certificate here, but takes no URL with an address: its first name has
   * to be a host name, such as `localhost`, or one in `/etc/netns/<namespace>/hosts`, which `ip netns exec` shows to its
   * programs as /etc/hosts.
   */
  readonly tls?: { readonly certificate: TestCertificate; readonly port?: number };
  /** Further settings of the generated configuration. */
  readonly settings?: Partial<TurnserverOptions>;
  /** Changes the generated text, to show what a test proves. */
  readonly edit?: (conf: string) => string;
}

export interface Coturn extends AsyncDisposable {
  readonly secret: string;
  readonly port: number;
  /** For `WEIR_TURN_URLS`: `turn:` over UDP and over TCP for each address, then `turns:` where there is a certificate. */
  readonly urls: readonly string[];
  /** What it has logged so far. */
  readonly log: () => string;
  /** Ends it, and removes its files; idempotent. */
  readonly close: () => Promise<void>;
}

/** How long it may take to start and to end, in milliseconds; a busy machine takes seconds. */
const TIMEOUT = 20_000;
const execute = promisify(execFile);

/**
 * Starts coturn, and waits until it answers a STUN request at each address.
 * @throws {Error} with its log where it does not
 */
export async function startCoturn(options: CoturnOptions): Promise<Coturn> {
  const { within, secret = TURN_SECRET, edit = (conf: string) => conf } = options;
  const listeningAddresses = listOf(options.listenAddress);
  const port = options.port ?? (within === undefined ? await freePort() : 3478);
  const tlsPort = options.tls && (options.tls.port ?? (within === undefined ? await freePort() : 443));
  const directory = mkdtempSync(join(tmpdir(), 'weir-coturn-'));
  const conf = join(directory, 'turnserver.conf');
  const text = turnserverConf({
    secret,
    realm: 'weir.test',
    listeningAddresses,
    port,
    tls: options.tls && tlsPort ? { ...options.tls.certificate, port: tlsPort } : undefined,
    // Above the ports that systems give away.
    relayPorts: [61_000, 65_000],
    sfuAddresses: listOf(options.sfuAddress),
    stateDirectory: directory,
    ...options.settings,
  });
  writeFileSync(conf, edit(text), { mode: 0o600 });
  const enter = within === undefined ? [] : ['ip', 'netns', 'exec', within];
  const [command = '', ...args] = [...enter, turnserver, '-c', conf];
  const child = spawn(command, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (said: string) => {
      log += said;
    });
  }
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= end(child).finally(() => rmSync(directory, { recursive: true, force: true }));
    return closed;
  };
  try {
    await Promise.all(listeningAddresses.map((address) => answers(enter, address, port, child)));
  } catch (error) {
    await close();
    throw new Error(`coturn does not run: ${log}`, { cause: error });
  }
  const hosts = listeningAddresses.map((address) => (address.includes(':') ? `[${address}]` : address));
  const urls = [
    ...hosts.flatMap((host) => ['udp', 'tcp'].map((transport) => `turn:${host}:${port}?transport=${transport}`)),
    ...(options.tls ? [`turns:${options.tls.certificate.names[0]}:${tlsPort}?transport=tcp`] : []),
  ];
  return { secret, port, urls, log: () => log, close, [Symbol.asyncDispose]: close };
}

const listOf = (value: string | readonly string[]): readonly string[] => (typeof value === 'string' ? [value] : value);

/** coturn's own client asks, from the namespace of the server. */
async function answers(enter: readonly string[], address: string, port: number, child: ChildProcess): Promise<void> {
  const client = join(dirname(unpacked), 'turnutils_stunclient');
  const [command = '', ...args] = [...enter, client, '-p', String(port), address];
  await until(`a STUN answer of ${address}`, TIMEOUT, async () => {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('It has ended.');
    const { stdout } = await execute(command, args, { timeout: 500 }).catch(() => ({ stdout: '' }));
    return stdout.includes('reflexive addr');
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT);
  await exited;
  clearTimeout(killer);
}
