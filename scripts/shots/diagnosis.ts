/** Pictures of the page that tests camera, sound and connection. */
import type { Page } from 'playwright-core';
import type { FrameName, Shot } from './Shot.ts';
import type { Kind, ShotContext } from './ShotContext.ts';

const main: FrameName[] = ['desktop', 'light', 'ko', 'phone', 'small'];
/** A run takes up to ten seconds for its throughput, and eight more where ways are blocked. */
const RUN = 60_000;

async function open(page: Page, context: ShotContext, kind: Kind = 'open'): Promise<void> {
  await page.goto(`${(await context.server(kind)).url}/diagnose`);
  await page.locator('.diagnose-start button').waitFor();
}

/** A finished run, whose questions are answered with yes. */
async function finished(page: Page, context: ShotContext, kind?: Kind): Promise<void> {
  await open(page, context, kind);
  await page.locator('.diagnose-start button').click();
  await page.locator('.verdict').waitFor({ timeout: RUN });
  for (const check of ['microphone', 'speaker']) {
    const yes = page.locator(`[data-check=${check}] .check-question button`).first();
    if (await yes.isVisible()) await yes.click();
  }
  await page.evaluate(() => scrollTo(0, 0));
}

export const diagnosis: readonly Shot[] = [
  { name: 'diagnose', on: main, whole: true, go: (page, context) => open(page, context) },
  {
    name: 'diagnose-running',
    on: ['desktop', 'phone'],
    whole: true,
    go: async (page, context) => {
      await open(page, context);
      await page.locator('.diagnose-start button').click();
      await page.locator('[data-check=microphone][data-state=running] meter').waitFor();
    },
  },
  { name: 'diagnose-well', on: main, whole: true, go: (page, context) => finished(page, context) },
  { name: 'diagnose-blocked', on: main, whole: true, go: (page, context) => finished(page, context, 'unreachable') },
  {
    name: 'diagnose-denied',
    on: ['desktop', 'phone'],
    devices: 'denied',
    whole: true,
    go: (page, context) => finished(page, context),
  },
];
