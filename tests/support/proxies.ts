/** Reverse proxies for tests: Debian's nginx and Caddy, configured as docs/deploy.md says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileOf, proxies } from '../../scripts/setup/equipment.mjs';
import { userCache } from '../../scripts/setup/paths.mjs';
import { freePort } from '../../scripts/support/network/freePort.ts';
import { hasEquipment } from './equipment.ts';

export type ProxyName = 'nginx' | 'caddy';

/** Where the proxy is. */
export const proxyProgram = (name: ProxyName) =>
  fileOf(proxies.find((one) => one.name === name)?.file ?? '', userCache(process.env));
/** Whether the proxy is installed; otherwise the test launcher has printed why not. */
export const hasProxy = (name: ProxyName) => hasEquipment(name, proxyProgram(name));

/** How a proxy handles Weir's base path, the Host header and WebSocket. */
export type Manner =
  | 'keeps the path'
  | 'takes the path away'
  | 'does not pass the Host on'
  | 'does not pass upgrades on'
  /** nor responses, before they are complete. */
  | 'holds responses back';

/** The configuration snippet of the documentation in that language. */
function snippet(language: string): string {
  const page = readFileSync(join(import.meta.dirname, '../../docs/deploy.md'), 'utf8');
  const [, found] = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page) ?? [];
  if (found === undefined) throw new Error(`docs/deploy.md has no snippet for ${language}.`);
  return found;
}

/** Replaces text that must exist, so that the test never deviates from the documentation unnoticed. */
function replaced(text: string, ...changes: [string | RegExp, string][]): string {
  return changes.reduce((current, [from, to]) => {
    const next = current.replace(from, () => to);
    if (next === current) throw new Error(`docs/deploy.md does not say ${from} any more.`);
    return next;
  }, text);
}

function nginxConfiguration(directory: string, port: number, upstream: string, manner: Manner): string {
  const site = replaced(
    snippet('nginx'),
    ['listen 443 ssl;', `listen 127.0.0.1:${port};`],
    [/ *ssl_certificate .*\n *ssl_certificate_key .*\n/, ''],
    [
      'proxy_pass http://127.0.0.1:3000;',
      `proxy_pass http://${upstream}${manner === 'takes the path away' ? '/' : ''};`,
    ],
    ...(manner === 'does not pass the Host on'
      ? ([
          ['proxy_set_header Host $http_host;', ''],
          ['proxy_set_header X-Forwarded-Host $http_host;', ''],
        ] satisfies [string, string][])
      : []),
    ...(manner === 'does not pass upgrades on' || manner === 'holds responses back'
      ? ([
          ['proxy_set_header Upgrade $http_upgrade;', ''],
          ['proxy_set_header Connection $connection_upgrade;', ''],
        ] satisfies [string, string][])
      : []),
    ...(manner === 'holds responses back'
      ? ([['proxy_read_timeout', 'proxy_ignore_headers X-Accel-Buffering;\n    proxy_read_timeout']] satisfies [
          string,
          string,
        ][])
      : []),
  );
  const temporaryFolders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const temporary = temporaryFolders.map((name) => `${name}_temp_path ${join(directory, name)};`).join('\n');
  return `daemon off;
pid ${join(directory, 'pid')};
error_log stderr;
events {}
http {
access_log off;
${temporary}
${site}
}
`;
}

function caddyConfiguration(port: number, upstream: string, manner: Manner): string {
  const site = replaced(
    snippet('caddy'),
    ['example.com {', `http://127.0.0.1:${port} {`],
    [
      'reverse_proxy 127.0.0.1:3000',
      manner === 'does not pass upgrades on'
        ? `reverse_proxy ${upstream} {\n      header_up -Upgrade\n      header_up -Connection\n    }`
        : `reverse_proxy ${upstream}`,
    ],
    ...(manner === 'takes the path away' ? ([['  handle /', '  handle_path /']] satisfies [string, string][]) : []),
  );
  return `{\n  admin off\n}\n${site}`;
}

export class TestProxy implements AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #directory: string;

  private constructor(port: number, child: ChildProcess, directory: string) {
    this.url = `http://127.0.0.1:${port}`;
    this.#child = child;
    this.#directory = directory;
  }

  /** Starts a proxy in front of the server at `server`, and waits until it accepts connections. */
  static async start(name: ProxyName, server: string, manner: Manner): Promise<TestProxy> {
    const directory = mkdtempSync(join(tmpdir(), 'weir-proxy-'));
    const port = await freePort();
    const upstream = new URL(server).host;
    const file = join(directory, name === 'nginx' ? 'nginx.conf' : 'Caddyfile');
    writeFileSync(
      file,
      name === 'nginx'
        ? nginxConfiguration(directory, port, upstream, manner)
        : caddyConfiguration(port, upstream, manner),
    );
    const args =
      name === 'nginx'
        ? ['-p', directory, '-c', file, '-e', 'stderr', '-g', process.getuid?.() === 0 ? 'user root;' : '']
        : ['run', '--adapter', 'caddyfile', '--config', file];
    const child = spawn(proxyProgram(name), args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env.PATH, HOME: directory },
    });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const proxy = new TestProxy(port, child, directory);
    for (const deadline = AbortSignal.timeout(10_000); ; ) {
      if (child.exitCode !== null || deadline.aborted) {
        await proxy[Symbol.asyncDispose]();
        throw new Error(`${name} does not run: ${said}`);
      }
      if (await accepts(port)) return proxy;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGTERM');
      await once(this.#child, 'close');
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Whether something listens on the port. */
async function accepts(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1');
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once('connect', () => resolve(true));
  socket.once('error', () => setTimeout(() => resolve(false), 20));
  const connected = await promise;
  socket.destroy();
  return connected;
}
