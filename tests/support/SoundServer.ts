/** A PulseAudio server of its own, whose microphones can be unplugged or held by other programs. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { vi } from 'vitest';
import { hasEquipment } from './equipment.ts';

const program = '/usr/bin/pulseaudio';

/** Whether PulseAudio is installed; otherwise the test launcher has printed why not. */
export const hasSoundServer = hasEquipment('pulseaudio', program);

/** PulseAudio's limit of recording clients per microphone. */
const MOST_LISTENERS = 256;
/** The format of what nobody listens to: converting it for so many clients would take seconds of CPU. */
const CHEAP = 'rate=8000 channels=1';

export class SoundServer implements AsyncDisposable {
  /** Environment variables for a browser that uses this server. */
  readonly environment: { readonly PULSE_SERVER: string };
  readonly #directory: string;
  readonly #process: ChildProcess;
  /** The module behind each microphone, by the microphone's name. */
  readonly #modules = new Map<string, string>();

  private constructor(held: readonly string[]) {
    this.#directory = mkdtempSync(join(tmpdir(), 'weir-sound-'));
    const socket = join(this.#directory, 'native');
    this.environment = { PULSE_SERVER: `unix:${socket}` };
    const config = join(this.#directory, 'daemon.conf');
    writeFileSync(config, 'rlimit-nofile = 8192\nresample-method = trivial\n');
    const modules = [
      `module-native-protocol-unix socket=${socket} auth-anonymous=1`,
      ...(held.length > 0 ? [`module-null-sink sink_name=away ${CHEAP}`] : []),
      ...held.flatMap((name, at) => [
        `module-null-source source_name=held${at} description=${name} ${CHEAP}`,
        ...Array<string>(MOST_LISTENERS).fill(
          `module-loopback source=held${at} sink=away source_dont_move=true latency_msec=2000 adjust_time=0 remix=no ${CHEAP}`,
        ),
      ]),
    ];
    const options = ['-n', '--daemonize=no', '--use-pid-file=no', '--disable-shm=yes', '--exit-idle-time=-1'];
    // With real-time priority the system kills it while it disconnects many clients at once.
    options.push('--realtime=no', '--high-priority=no', '--no-cpu-limit=yes');
    this.#process = spawn(program, [...options, ...modules.flatMap((module) => ['-L', module])], {
      stdio: 'ignore',
      env: { PATH: process.env.PATH, HOME: this.#directory, XDG_RUNTIME_DIR: this.#directory, PULSE_CONFIG: config },
    });
  }

  /** @param microphones by name, a word each: `held` by as many clients as the server allows, or `free` */
  static async start(microphones: Readonly<Record<string, 'free' | 'held'>>): Promise<SoundServer> {
    const named = (state: string) => Object.keys(microphones).filter((name) => microphones[name] === state);
    const server = new SoundServer(named('held'));
    const answers = () => server.#control('info').then(Boolean, () => false);
    await vi.waitUntil(answers, { timeout: 10_000, interval: 50 });
    for (const name of named('free')) await server.plug(name);
    const [first] = named('free');
    if (first) await server.#control('set-default-source', first);
    return server;
  }

  async plug(name: string): Promise<void> {
    const module = await this.#control(
      'load-module',
      'module-null-source',
      `source_name=${name}`,
      `description=${name}`,
    );
    this.#modules.set(name, module.trim());
  }

  async unplug(name: string): Promise<void> {
    await this.#control('unload-module', this.#modules.get(name) ?? name);
  }

  /** Frees all occupied microphones. */
  async release(): Promise<void> {
    await this.#control('unload-module', 'module-loopback');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.kill('SIGKILL')) await once(this.#process, 'exit');
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #control(...command: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)('/usr/bin/pactl', command, {
      env: { PATH: process.env.PATH, HOME: this.#directory, ...this.environment },
    });
    return stdout;
  }
}
