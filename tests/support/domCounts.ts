/** Counts DOM nodes and listeners of a page after garbage collection. */
import type { CDPSession, Page } from 'playwright-core';

export interface DomCounts {
  /** DOM nodes, those among them that are in no document. */
  readonly nodes: number;
  /** Event listeners made by scripts. */
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
    // What one collection frees may have held what the next one frees.
    for (let round = 0; round < 3; round += 1) await this.#session.send('HeapProfiler.collectGarbage');
    const { nodes, jsEventListeners } = await this.#session.send('Memory.getDOMCounters');
    return { nodes, listeners: jsEventListeners };
  }
}
