/** Serious accessibility violations of a page, by axe-core. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';

declare global {
  interface Window {
    axe?: typeof axe;
  }
}

/**
 * Serious and critical violations on the current page: rule and element.
 * @param rules all of axe's rules, or only those about colours, where nothing else has changed
 */
export async function violationsOn(page: Page, rules: 'all' | 'colours' = 'all'): Promise<string[]> {
  // Injected through the debugger, which the page's content security policy does not block.
  if (await page.evaluate(() => window.axe === undefined)) await page.evaluate(axe.source);
  // Wait for colour transitions to finish, except endless animations.
  await page.evaluate(async () => {
    const finite = document.getAnimations().filter((one) => one.effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(finite.map(({ finished }) => finished));
  });
  const found = await page.evaluate(
    async (only) => {
      // What is seen on a control is in its name, for those who speak to it: WCAG 2.5.3, which axe calls experimental.
      const chosen = only ? { runOnly: only } : { rules: { 'label-content-name-mismatch': { enabled: true } } };
      const results = await window.axe?.run(document, { resultTypes: ['violations'], ...chosen });
      return results?.violations;
    },
    rules === 'colours' && ['color-contrast'],
  );
  if (!found) throw new Error('axe did not run');
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target} (${failureSummary})`));
}
