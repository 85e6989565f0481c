/** Starts Debian's Firefox, driven by Puppeteer, with its own fake devices or those of a sound server. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, launch } from 'puppeteer-core';

export const firefoxPath = '/usr/bin/firefox-esr';

/** Why there is no Firefox here, in words for people; undefined where there is one. */
export function whyNoFirefox(): string | undefined {
  return existsSync(firefoxPath) ? undefined : `${firefoxPath} is missing (the package firefox-esr has it)`;
}

/**
 * Its devices: a tone of that frequency in hertz and a camera that changes its colour, or the real ones of a sound
 * server.
 */
export type FirefoxMedia = { readonly tone: number } | { readonly environment: Record<string, string> };

export interface FirefoxOptions {
  /** The network namespace that it runs in; it needs a default route there. */
  readonly within?: string;
}

/** Starts a browser with all permissions granted. */
export async function launchFirefox(media: FirefoxMedia, { within }: FirefoxOptions = {}): Promise<Browser> {
  const fake = 'tone' in media;
  const options = {
    browser: 'firefox',
    executablePath: firefoxPath,
    // Of TURN servers over TLS, too; their URL has to have a host name, since Firefox refuses certificates for addresses.
    acceptInsecureCerts: true,
    env: { ...process.env, ...(fake ? {} : media.environment) },
    extraPrefsFirefox: {
      'media.navigator.streams.fake': fake,
      'media.navigator.permission.disabled': true,
      ...(fake && { 'media.navigator.audio.fake_frequency': media.tone }),
      'media.autoplay.default': 0,
      'media.peerconnection.ice.loopback': true,
      'media.peerconnection.ice.obfuscate_host_addresses': false,
      // Prevents downloads of codecs and lists.
      'media.gmp-manager.updateEnabled': false,
      'app.normandy.enabled': false,
    },
  } as const;
  if (within === undefined) return launch(options);
  // Puppeteer talks to a port of loopback, and in the namespace that is another loopback.
  const directory = await mkdtemp(join(tmpdir(), 'weir-firefox-'));
  const control = await forwardInto(within);
  try {
    const script = join(directory, 'firefox');
    await writeFile(script, `#!/bin/sh\nexec ip netns exec ${within} ${firefoxPath} "$@"\n`);
    await chmod(script, 0o755);
    const browser = await launch({ ...options, executablePath: script, debuggingPort: portOf(control) });
    browser.once('disconnected', () => control.close());
    return browser;
  } catch (error) {
    control.close();
    throw error;
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Runs in the namespace: one connection, through the standard input and output. */
const pipe = (port: number) =>
  `const socket = require('node:net').connect(${port}, '127.0.0.1');
   process.stdin.pipe(socket).pipe(process.stdout);
   socket.on('error', () => process.exit(1));`;

/** Forwards a free port of loopback to the same port of loopback in a network namespace. */
async function forwardInto(within: string): Promise<Server> {
  const server = createServer((connection) => {
    const args = ['netns', 'exec', within, process.execPath, '-e', pipe(portOf(server))];
    const child = spawn('ip', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    connection.pipe(child.stdin);
    child.stdout.pipe(connection);
    for (const stream of [connection, child.stdin]) stream.on('error', () => {});
    child.once('close', () => connection.destroy());
    connection.once('close', () => child.kill());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('It does not listen on TCP.');
  return address.port;
}
