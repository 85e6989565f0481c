/** What a page shows by its accessibility tree, for tests of browsers that wait for a click of the user. */
import type { CDPSession } from 'playwright-core';

/**
 * Whether the page shows a button, as the browser's accessibility tree has it. Playwright's own ways of looking count as
 * a click of the user, after which nothing is refused any more.
 */
export async function shows(browser: CDPSession, name: string): Promise<boolean> {
  const { root } = await browser.send('DOM.getDocument', { depth: 0 });
  const wanted = { nodeId: root.nodeId, role: 'button', accessibleName: name };
  const { nodes } = await browser.send('Accessibility.queryAXTree', wanted);
  return nodes.some(({ ignored }) => !ignored);
}
