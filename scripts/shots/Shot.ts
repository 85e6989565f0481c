/** Owns what a picture is: a state of the page, the way to it, and the frames that it is looked at in. */
import type { Page } from 'playwright-core';
import type { Devices, Frame, Stand } from './Stand.ts';

/** A picture's name is its state's, with the frame's after it unless that is `desktop`. */
export const frames = {
  desktop: { width: 1280, height: 800 },
  light: { width: 1280, height: 800, scheme: 'light' },
  ko: { width: 1280, height: 800, language: 'ko' },
  phone: { width: 390, height: 844, phone: true },
  'phone-light': { width: 390, height: 844, phone: true, scheme: 'light' },
  'phone-ko': { width: 390, height: 844, phone: true, language: 'ko' },
  small: { width: 320, height: 568, phone: true },
  landscape: { width: 844, height: 390, phone: true },
  '4k': { width: 3840, height: 2160 },
} as const satisfies Record<string, Frame>;
export type FrameName = keyof typeof frames;

export interface Shot {
  readonly name: string;
  readonly on?: readonly FrameName[];
  readonly devices?: Devices;
  /** The way there, once for all frames that one page can show. */
  go(page: Page, stand: Stand): Promise<unknown>;
  /** The last step, once for each frame; Escape undoes it. */
  open?(page: Page): Promise<unknown>;
}
