/** Images and containers for tests: buildah and podman with a separate store, which is removed at the end. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { containers as programs } from '../../scripts/setup/equipment.mjs';
import { paths, textOf } from '../../scripts/setup/paths.mjs';
import { debian12 } from './debian.ts';
import { hasEquipment } from './equipment.ts';

const execute = promisify(execFile);
const { root, cache } = paths();
/** Where the build finds a registry's certificate and npm's cache. */
const inside = { certificate: '/run/npm-certificate', npm: '/npm-cache', cache: '/cache' };

/** Why no containers can be run here, as a sentence; undefined where they can. */
export function whyNoContainers(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'containers need Linux and root here';
  const missing = programs.filter(({ name, file }) => !hasEquipment(name, file)).map(({ name }) => name);
  return missing.length > 0 ? `${missing.join(', ')} cannot be had` : undefined;
}

export class Containers implements AsyncDisposable {
  readonly #directory = mkdtempSync(join(tmpdir(), 'weir-image-'));
  readonly #env: NodeJS.ProcessEnv;
  readonly #say: (what: string) => void;

  constructor(say: (what: string) => void) {
    this.#say = say;
    const at = (name: string) => join(this.#directory, name);
    mkdirSync(at('tmp'));
    mkdirSync(at('networks'));
    // A storage driver that needs no kernel support.
    writeFileSync(
      at('storage.conf'),
      `[storage]\ndriver = "vfs"\ngraphroot = "${at('graph')}"\nrunroot = "${at('run')}"\n`,
    );
    writeFileSync(
      at('containers.conf'),
      `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[network]
network_backend = "netavark"
network_config_dir = "${at('networks')}"
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
lock_type = "file"
tmp_dir = "${at('libpod')}"
static_dir = "${at('static')}"
volume_path = "${at('volumes')}"
`,
    );
    this.#env = {
      ...process.env,
      TMPDIR: at('tmp'),
      CONTAINERS_STORAGE_CONF: at('storage.conf'),
      CONTAINERS_CONF: at('containers.conf'),
      BUILDAH_ISOLATION: 'chroot',
    };
  }

  /** Builds an image of the checkout under this name. */
  async build(name: string): Promise<void> {
    const base = await debian12(cache, this.#say);
    const container = await this.#run('buildah', 'from', 'scratch');
    await this.#run('buildah', 'add', '--quiet', container, base, '/');
    await this.#run('buildah', 'commit', '--quiet', '--rm', container, 'docker.io/library/debian:12-slim');
    await this.#lines('buildah', [
      ...['bud', '--pull-never', '--network', 'host', '--layers=false', '--format', 'docker'],
      ...['--file', join(root, 'docker/Dockerfile'), '--tag', name],
      // Reuse what set-up has downloaded or built on this machine.
      ...['--volume', `${cache}:${inside.cache}/weir`, '--build-arg', `XDG_CACHE_HOME=${inside.cache}`],
      ...this.#npm(),
      root,
    ]);
  }

  /** Size of an image in bytes. */
  async size(name: string): Promise<number> {
    return Number(await this.#run('podman', 'image', 'inspect', '--format', '{{.Size}}', name));
  }

  /** podman's output. @throws {Error} with its error output */
  podman(...args: string[]): Promise<string> {
    return this.#run('podman', ...args);
  }

  /** Starts a container, optionally in a network namespace. */
  async start(name: string, args: readonly string[], namespace?: string): Promise<string> {
    const command = ['podman', 'run', '--detach', '--replace', '--name', name, ...args];
    // `ip netns exec` would hide the control groups.
    const [program = '', ...rest] = namespace ? ['nsenter', `--net=/run/netns/${namespace}`, ...command] : command;
    return this.#run(program, ...rest);
  }

  /** Stops and removes everything. @throws {Error} where something is still mounted */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#run('podman', 'rm', '--all', '--force', '--time', '0').catch(({ message }: Error) =>
      this.#say(message),
    );
    await this.#run('buildah', 'rm', '--all').catch(({ message }: Error) => this.#say(message));
    const left = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(this.#directory));
    if (left.length > 0) throw new Error(`Still mounted: ${left.join('\n')}`);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** npm's settings and cache on this machine, which the build has no access to otherwise. */
  #npm(): string[] {
    const { HOME = '/root', npm_config_userconfig: file = join(HOME, '.npmrc'), NODE_EXTRA_CA_CERTS } = process.env;
    const settings = textOf(file) ?? '';
    const certificate = settings.match(/^cafile *= *(.+)$/m)?.[1] ?? NODE_EXTRA_CA_CERTS;
    const ours = [
      `cache=${inside.npm}`,
      'prefer-offline=true',
      ...(certificate ? [`cafile=${inside.certificate}`] : []),
    ];
    const npmrc = join(this.#directory, 'npmrc');
    writeFileSync(npmrc, `${settings.replace(/^cafile.*$/gm, '')}\n${ours.join('\n')}\n`, { mode: 0o600 });
    const npmCache = process.env.npm_config_cache ?? join(HOME, '.npm');
    mkdirSync(npmCache, { recursive: true });
    return [
      ...['--secret', `id=npmrc,src=${npmrc}`, '--volume', `${npmCache}:${inside.npm}`],
      ...(certificate && existsSync(certificate) ? ['--volume', `${certificate}:${inside.certificate}:ro`] : []),
    ];
  }

  async #run(program: string, ...args: string[]): Promise<string> {
    const { stdout } = await execute(program, args, { env: this.#env, maxBuffer: 1 << 24 });
    return stdout.trim();
  }

  /** Runs a slow command and reports its progress. */
  async #lines(program: string, args: string[]): Promise<void> {
    const child = spawn(program, args, { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
    const last: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => {
        last.push(line);
        if (last.length > 40) last.shift();
        if (/STEP|^\[\d\/\d\]/.test(line)) this.#say(line.slice(0, 100));
      });
    }
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    if (code !== 0) throw new Error(`${program} failed (${code}):\n${last.join('\n')}`);
  }
}
