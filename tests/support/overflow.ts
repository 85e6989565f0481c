/** Whether a page is exactly as large as its window. */
import type { Drivable } from './tiles.ts';

/**
 * Elements that make a page larger than its window: anything that overflows sideways or below, except for content that
 * is higher than the window.
 */
export function overflowOf(page: Drivable): Promise<string[]> {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth, scrollHeight, clientHeight } = document.documentElement;
    const content = document.querySelector('#app')?.getBoundingClientRect().height ?? 0;
    const height = Math.max(clientHeight, Math.round(content));
    const problems: string[] = [];
    if (scrollWidth > clientWidth) problems.push(`scrolls sideways: ${scrollWidth} in ${clientWidth}`);
    if (scrollHeight > height) problems.push(`is too tall: ${scrollHeight} in ${clientHeight}, of content ${content}`);
    return problems;
  });
}

/** Whether a page scrolls vertically. */
export function scrolls(page: Drivable): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollHeight > document.documentElement.clientHeight);
}
