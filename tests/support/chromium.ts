/** Owns Chromium for tests: Debian's, driven by Playwright, with a camera and a microphone made of files. */
import { type Browser, chromium } from 'playwright-core';
import { hasEquipment } from './equipment.ts';

const executablePath = '/usr/bin/chromium';

/** Whether there is a Chromium to test with; the launcher of the tests has said why not. */
export const hasChromium = hasEquipment('chromium', executablePath);

export interface FakeMedia {
  /** Path of a `.y4m` file that plays as the camera, over and over. */
  readonly video?: string;
  /** Path of a `.wav` file that plays as the microphone. */
  readonly audio?: string;
  /** Refuse camera and microphone instead of allowing them. */
  readonly deny?: boolean;
  /** Play no sound before somebody has clicked, as browsers do. */
  readonly refusesSound?: boolean;
  /** What it finds besides our own environment. */
  readonly environment?: Record<string, string>;
}

/** A browser process of its own: what plays as its camera is fixed for all of its pages. */
export function launchChromium({
  video,
  audio,
  deny = false,
  refusesSound = false,
  environment = {},
}: FakeMedia = {}): Promise<Browser> {
  return chromium.launch({
    executablePath,
    env: { ...process.env, ...environment },
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--use-fake-device-for-media-stream',
      '--auto-accept-this-tab-capture',
      '--allow-loopback-in-peer-connection',
      // A voice that comes before the driver's first step, which counts as a gesture, would wait for a click for ever.
      ...(refusesSound ? [] : ['--autoplay-policy=no-user-gesture-required']),
      deny ? '--deny-permission-prompts' : '--use-fake-ui-for-media-stream',
      ...(video ? [`--use-file-for-fake-video-capture=${video}`] : []),
      ...(audio ? [`--use-file-for-fake-audio-capture=${audio}`] : []),
    ],
  });
}
