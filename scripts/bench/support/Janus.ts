/** Starts a Janus with its streaming plugin, which takes one publisher's VP8 and Opus as plain RTP. Linux. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isProgram } from '../../support/network/Namespace.ts';
import { addresses, type Namespaces, type Side } from '../../support/network/namespaces.ts';
import type { PlainPorts } from './PlainSender.ts';

/** Why there is no Janus here, as a sentence; undefined where there is one. */
export function whyNoJanus(): string | undefined {
  return isProgram('janus') ? undefined : 'janus is missing (the package janus has it)';
}

/** Of the HTTP API; Janus's own default. */
const PORT = 8088;
const INGEST = { audio: { rtp: 5002, rtcp: 5003 }, video: { rtp: 5004, rtcp: 5005 } } as const;
/** The id of the stream. */
const MOUNTPOINT = 1;
/** How long it may take to end, in milliseconds. */
const TIMEOUT = 5000;
/** Characters of its log that are kept for error messages. */
const LOG = 4000;

/** The plugins and transports of Janus 1.1 that are not needed: some would open ports of their own. */
const unused = {
  plugins: [
    ...['audiobridge', 'duktape', 'echotest', 'lua', 'nosip', 'recordplay', 'sip', 'textroom'],
    ...['videocall', 'videoroom', 'voicemail'],
  ],
  transports: ['mqtt', 'nanomsg', 'pfunix', 'rabbitmq', 'websockets'],
};

/** Where a publisher sends, and viewers watch. */
export interface JanusEndpoint {
  /** `http://<address>:<port>` */
  readonly origin: string;
  /** URL of the API. */
  readonly url: string;
  readonly mountpoint: number;
  readonly address: string;
  readonly ingest: { readonly audio: PlainPorts; readonly video: PlainPorts };
}

export class Janus implements AsyncDisposable {
  readonly endpoint: JanusEndpoint;
  readonly #process: ChildProcess;
  readonly #directory: string;
  #log = '';

  private constructor(child: ChildProcess, address: string, directory: string) {
    this.#process = child;
    this.#directory = directory;
    const origin = `http://${address}:${PORT}`;
    this.endpoint = { origin, url: `${origin}/janus`, mountpoint: MOUNTPOINT, address, ingest: INGEST };
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#log = `${this.#log}${text}`.slice(-LOG);
      });
    }
    // Its exit is what counts.
    child.once('error', () => {});
  }

  /** Starts it in a namespace; its API answers a moment later. The kernel ends it when this process ends. */
  static start(namespaces: Namespaces, side: Side): Janus {
    const directory = mkdtempSync(join(tmpdir(), 'weir-janus-'));
    for (const [name, text] of Object.entries(configurationOf(addresses[side]))) {
      writeFileSync(join(directory, name), text);
    }
    const command = ['--pdeathsig', 'KILL', 'janus', '-F', directory, '--disable-colors'];
    const child = namespaces.run(side, 'setpriv', command, { stdio: ['ignore', 'pipe', 'pipe'] });
    return new Janus(child, addresses[side], directory);
  }

  /** What it has logged last. */
  get log(): string {
    return this.#log;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode, pid } = this.#process;
    if (pid !== undefined && exitCode === null && signalCode === null) {
      const exited = once(this.#process, 'exit');
      this.#process.kill('SIGTERM');
      const killer = setTimeout(() => this.#process.kill('SIGKILL'), TIMEOUT);
      await exited;
      clearTimeout(killer);
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/**
 * Its configuration files, by name: host candidates only, ICE-lite as Weir's, the latest key frame kept for new viewers
 * (`videobufferkf`), and a key frame requested from the publisher for each.
 */
export function configurationOf(address: string): Record<string, string> {
  const { audio, video } = INGEST;
  const disabled = (names: readonly string[]) => `disable = "${names.map((name) => `libjanus_${name}.so`).join(',')}"`;
  return {
    'janus.jcfg': section('general', ['debug_level = 3'])
      .concat(section('nat', ['ice_lite = true', `ice_enforce_list = "${address}"`]))
      .concat(section('plugins', [disabled(unused.plugins)]))
      .concat(section('transports', [disabled(unused.transports)])),
    'janus.transport.http.jcfg': section('general', [
      ...['json = "compact"', 'base_path = "/janus"', 'http = true', `port = ${PORT}`, `ip = "${address}"`],
      'https = false',
    ]).concat(section('admin', ['admin_http = false'])),
    'janus.plugin.streaming.jcfg': section('publisher', [
      ...['type = "rtp"', `id = ${MOUNTPOINT}`],
      ...['audio = true', `audioport = ${audio.rtp}`, `audiortcpport = ${audio.rtcp}`],
      ...['audiopt = 111', 'audiocodec = "opus"'],
      ...['video = true', `videoport = ${video.rtp}`, `videortcpport = ${video.rtcp}`],
      ...['videopt = 96', 'videocodec = "vp8"', 'videobufferkf = true'],
    ]),
  };
}

function section(name: string, lines: readonly string[]): string {
  return `${name}: {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`;
}
