/** A page of either browser, for tests that do the same in both. */
import type { Browser as Chromium } from 'playwright-core';
import type { Browser as Firefox, Page as FirefoxPage } from 'puppeteer-core';

/** What Playwright and Puppeteer both have. */
export interface Tab {
  goto(url: string): Promise<unknown>;
  /** Runs a function in the page. Argument and result are cloned. */
  evaluate<Result>(inPage: () => Result | Promise<Result>): Promise<Result>;
  evaluate<Result, Argument>(
    inPage: (argument: Argument) => Result | Promise<Result>,
    argument: Argument,
  ): Promise<Result>;
  close(): Promise<void>;
}

export type BrowserName = 'Chromium' | 'Firefox';
export const browserNames: readonly BrowserName[] = ['Chromium', 'Firefox'];

/** Both browsers, as they have been launched. */
export interface Browsers {
  readonly chromium: Chromium;
  readonly firefox: Firefox;
}

/** Opens a page with a profile of its own. @param prepare runs in each document, before its scripts */
export async function openTab(
  { chromium, firefox }: Browsers,
  name: BrowserName,
  prepare: () => void = () => {},
): Promise<Tab> {
  if (name === 'Chromium') {
    const page = await (await chromium.newContext()).newPage();
    await page.addInitScript(prepare);
    return page;
  }
  const page = await (await firefox.createBrowserContext()).newPage();
  await page.evaluateOnNewDocument(prepare);
  return { goto: (url) => page.goto(url), evaluate: evaluateIn(page), close: () => page.close() };
}

/** Puppeteer types its arguments by what they are when they are no handles, which a type parameter does not tell. */
function evaluateIn(page: FirefoxPage): Tab['evaluate'];
function evaluateIn(
  page: FirefoxPage,
): (inPage: (argument: unknown) => unknown, argument?: unknown) => Promise<unknown> {
  return (inPage, argument) => page.evaluate(inPage, argument);
}
