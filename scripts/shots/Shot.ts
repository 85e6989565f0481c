/** The definition of a screenshot: a state of the page, the steps to it, and the viewports it is taken in. */
import type { Page } from 'playwright-core';
import type { Devices, Frame, ShotContext } from './ShotContext.ts';

/** The file name is the state's name, followed by the frame's unless that is `desktop`. */
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
  /** Take all of a page that scrolls, instead of what its window shows. */
  readonly whole?: boolean;
  /** Steps to the state, once for all frames that one page can show. */
  go(page: Page, context: ShotContext): Promise<unknown>;
  /** The last step, repeated for each frame; Escape reverts it. */
  open?(page: Page): Promise<unknown>;
}
