/** Starts Debian's Chromium, driven by Playwright, with the devices, permissions and network that its user asks for. */
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium } from 'playwright-core';

export const chromiumPath = '/usr/bin/chromium';

/** Why there is no Chromium here, in words for people; undefined where there is one. */
export function whyNoChromium(): string | undefined {
  return existsSync(chromiumPath) ? undefined : `${chromiumPath} is missing (the package chromium has it)`;
}

export interface ChromiumOptions {
  /**
   * Its camera and microphone: Chromium's fake ones, with settings such as `fps=10` or `device-count=3`; or those of the
   * machine, as a rule none. Fake ones unless told.
   */
  readonly devices?: 'fake' | `fps=${number}` | `device-count=${number},fps=${number}` | 'real';
  /** Path of a `.y4m` or `.mjpeg` file that plays as the fake camera, over and over. */
  readonly video?: string;
  /** Path of a `.wav` file that plays as the fake microphone. */
  readonly audio?: string;
  /** Refuse camera and microphone instead of allowing them. */
  readonly deny?: boolean;
  /** Play no sound before somebody has clicked, as browsers do. */
  readonly refusesSound?: boolean;
  /** Variables besides those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The network namespace that it runs in. */
  readonly within?: string;
  /** An origin whose pages may use devices although it is plain HTTP. */
  readonly secure?: string;
  /**
   * SHA-256 of the public key (SPKI, base64) of a certificate that it trusts although it does not know its authority:
   * for pages over HTTPS and for TURN servers over TLS.
   */
  readonly trustedKey?: string;
}

/** A browser process of its own: what plays as its camera is fixed for all of its pages. */
export function launchChromium(options: ChromiumOptions = {}): Promise<Browser> {
  return launchWith(options, (settings) => chromium.launch(settings));
}

/** With a profile on disk: other contexts keep storage and large Blobs in memory. @param profile an empty directory */
export function launchChromiumWithProfile(profile: string, options: ChromiumOptions = {}): Promise<BrowserContext> {
  return launchWith(options, (settings) => chromium.launchPersistentContext(profile, settings));
}

interface LaunchSettings {
  readonly executablePath: string;
  readonly env: Record<string, string>;
  readonly args: string[];
}

async function launchWith<T>(
  { within, environment = {}, ...options }: ChromiumOptions,
  start: (settings: LaunchSettings) => Promise<T>,
): Promise<T> {
  const own = Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  const env = { ...Object.fromEntries(own), ...environment };
  const launch = (executablePath: string) => start({ executablePath, env, args: argumentsOf(options) });
  if (within === undefined) return launch(chromiumPath);
  // Playwright puts its own arguments first, so that a script has to enter the namespace.
  const directory = await mkdtemp(join(tmpdir(), 'weir-chromium-'));
  try {
    const script = join(directory, 'chromium');
    await writeFile(script, `#!/bin/sh\nexec ip netns exec ${within} ${chromiumPath} "$@"\n`);
    await chmod(script, 0o755);
    return await launch(script);
  } finally {
    await rm(directory, { recursive: true });
  }
}

function argumentsOf({
  devices = 'fake',
  video,
  audio,
  deny = false,
  refusesSound = false,
  secure,
  trustedKey,
}: Omit<ChromiumOptions, 'within' | 'environment'>): string[] {
  return [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--auto-accept-this-tab-capture',
    '--allow-loopback-in-peer-connection',
    ...(devices === 'real' ? [] : [`--use-fake-device-for-media-stream${devices === 'fake' ? '' : `=${devices}`}`]),
    // Otherwise audio that starts before Playwright's first action, which counts as a gesture, never plays.
    ...(refusesSound ? [] : ['--autoplay-policy=no-user-gesture-required']),
    deny ? '--deny-permission-prompts' : '--use-fake-ui-for-media-stream',
    ...(video ? [`--use-file-for-fake-video-capture=${video}`] : []),
    ...(audio ? [`--use-file-for-fake-audio-capture=${audio}`] : []),
    ...(secure ? [`--unsafely-treat-insecure-origin-as-secure=${secure}`] : []),
    ...(trustedKey ? [`--ignore-certificate-errors-spki-list=${trustedKey}`] : []),
  ];
}
