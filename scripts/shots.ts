/**
 * The screenshot command, `npm run shots`: takes pictures of every state of the page into `shots/`; arguments select by
 * prefix.
 */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { shots } from './shots/list.ts';
import { frames, type Shot } from './shots/Shot.ts';
import { type Frame, ShotContext } from './shots/ShotContext.ts';
import { whyNoChromium } from './support/browsers/chromium.ts';

const wanted = process.argv.slice(2);
const directory = fileURLToPath(new URL('../shots/', import.meta.url));

interface Picture {
  readonly name: string;
  readonly shot: Shot;
  readonly frame: Frame;
}

/** The pictures selected on the command line. */
function chosen(): Picture[] {
  const pictures = shots.flatMap((shot) =>
    (shot.on ?? ['desktop']).map((frame) => ({
      name: frame === 'desktop' ? shot.name : `${shot.name}-${frame}`,
      shot,
      frame: frames[frame],
    })),
  );
  return pictures.filter(({ name }) => wanted.length === 0 || wanted.some((beginning) => name.startsWith(beginning)));
}

/**
 * Groups pictures that one page can show in turn: size and colour scheme may differ; path, language and touch may not.
 */
function perPage(pictures: readonly Picture[]): Picture[][] {
  const bySteps = Map.groupBy(pictures, ({ shot }) => shot.go);
  return [...bySteps.values()].flatMap((same) => [
    ...Map.groupBy(same, ({ frame }: Picture) => `${frame.language} ${frame.phone}`).values(),
  ]);
}

async function take(page: Page, { name, shot, frame }: Picture): Promise<void> {
  await page.setViewportSize({ width: frame.width, height: frame.height });
  await page.emulateMedia({ colorScheme: frame.scheme ?? 'dark' });
  // A place where the pointer hovers over nothing.
  await page.mouse.move(1, 1);
  await shot.open?.(page);
  // Wait for the end of transitions, and for frames in resized tiles.
  await page.waitForTimeout(350);
  await page.screenshot({ path: `${directory}${name}.png`, fullPage: shot.whole ?? false });
  if (!shot.open) return;
  await page.keyboard.press('Escape');
  await page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur());
}

/** Takes the pictures of one page. @returns the number of pictures */
async function takeAll(pictures: readonly Picture[], context: ShotContext): Promise<number> {
  const [first] = pictures;
  if (!first) return 0;
  const page = await context.page(first.frame, first.shot.devices ?? 'work');
  let taken = 0;
  try {
    await first.shot.go(page, context);
    for (const picture of pictures) {
      await take(page, picture);
      taken += 1;
      process.stdout.write(`${picture.name}\n`);
    }
  } catch (error) {
    const names = pictures.slice(taken).map(({ name }) => name);
    process.stderr.write(`not taken: ${names.join(', ')}: ${error instanceof Error ? error.message : error}\n`);
  } finally {
    await page.context().close();
  }
  return taken;
}

const missing = whyNoChromium();
if (missing !== undefined) {
  process.stderr.write(`There is no Chromium to take pictures with: ${missing}.\n`);
  process.exit(1);
}
mkdirSync(directory, { recursive: true });
const began = performance.now();
const pictures = chosen();
let taken = 0;
{
  await using context = await ShotContext.open();
  for (const group of perPage(pictures)) taken += await takeAll(group, context);
}
process.stdout.write(
  `${taken} of ${pictures.length} pictures in shots/, ${Math.round((performance.now() - began) / 1000)} s\n`,
);
if (taken === 0 || taken < pictures.length) process.exitCode = 1;
