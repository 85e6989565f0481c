/** Serious accessibility violations of a page, by axe-core. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';

declare global {
  interface Window {
    axe?: typeof axe;
  }
}

/** Serious and critical violations on the page as it is now: the rule, and where. */
export async function violationsOn(page: Page): Promise<string[]> {
  // By the debugger, so that the page's policy has no say in it.
  await page.evaluate(axe.source);
  // Colours on their way from one to another are neither. What is repeated for ever has no end to wait for.
  await page.evaluate(async () => {
    const finite = document.getAnimations().filter((one) => one.effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(finite.map(({ finished }) => finished));
  });
  const found = await page.evaluate(async () => (await window.axe?.run(document))?.violations);
  if (!found) throw new Error('axe did not run');
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target} (${failureSummary})`));
}
