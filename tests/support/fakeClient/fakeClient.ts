/** Pages with the fake client: the pages as the server serves them, but for what carries the media in their script. */
import type { Browser, BrowserContext, BrowserContextOptions } from 'playwright-core';
import { inject } from 'vitest';

/** The page's own script; `index.html` and the styles stay those of the server. */
const PAGE_SCRIPT = /\/assets\/page-[^/]+\.js$/;

/** A context whose pages run the fake client. */
export async function fakeContext(browser: Browser, options?: BrowserContextOptions): Promise<BrowserContext> {
  const context = await browser.newContext(options);
  const body = inject('fakeClientPage');
  await context.route(PAGE_SCRIPT, (route) => route.fulfill({ contentType: 'text/javascript', body }));
  return context;
}
