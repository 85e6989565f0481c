/** Counts DOM nodes and listeners of a page after garbage collection. */
import type { CDPSession, Page } from 'playwright-core';

export interface DomCounts {
  /** DOM nodes, including detached ones. */
  readonly nodes: number;
  /** Event listeners added by scripts. */
  readonly listeners: number;
}

export class DomCounter {
  readonly #session: CDPSession;

  private constructor(session: CDPSession) {
    this.#session = session;
  }

  static async attach(page: Page): Promise<DomCounter> {
    return new DomCounter(await page.context().newCDPSession(page));
  }

  async read(): Promise<DomCounts> {
    // Finalisers of one collection may free objects for the next one.
    for (let round = 0; round < 3; round += 1) await this.#session.send('HeapProfiler.collectGarbage');
    const { nodes, jsEventListeners } = await this.#session.send('Memory.getDOMCounters');
    return { nodes, listeners: jsEventListeners };
  }
}
