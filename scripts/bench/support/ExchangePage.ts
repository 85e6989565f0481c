/** A page in Chromium with two members, one of whom sends messages to the other, and the latency of these. */
import { setTimeout } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { z } from 'zod';

export interface ExchangeOptions {
  readonly url: string;
  readonly room: string;
  /** Milliseconds between two messages. */
  readonly interval: number;
}

/** Bytes of a message. */
const SIZE = 100;

/** One-way, in milliseconds, and the messages of `dataFailed`. */
const Exchanged = z.object({ latencies: z.array(z.number()), failures: z.array(z.string()) });

/** A browser, since SCTP in JavaScript would be busy with what it receives of a flood. */
export class ExchangePage {
  readonly #page: Page;
  readonly #interval: number;

  private constructor(page: Page, interval: number) {
    this.#page = page;
    this.#interval = interval;
  }

  static async enter(browser: Browser, { url, room, interval }: ExchangeOptions): Promise<ExchangePage> {
    const page = await browser.newPage();
    await page.goto(`${url}/health`);
    await page.evaluate(`(async () => {
      const { RoomClient } = await import('/sdk.js');
      const exchange = { latencies: [], failures: [] };
      window.exchange = exchange;
      const join = async (name) => {
        const client = new RoomClient();
        client.on('dataFailed', ({ message }) => exchange.failures.push(message));
        await client.join({ room: ${JSON.stringify(room)}, name });
        return client;
      };
      const listener = await join('listener');
      listener.on('dataReceived', ({ topic }) => {
        if (topic) exchange.latencies.push(performance.now() - Number(topic));
      });
      const talker = await join('talker');
      const send = () => talker.sendData(new Uint8Array(${SIZE}), { to: [listener.peerId], topic: String(performance.now()) });
      await send();
      setInterval(() => send().catch(({ message }) => exchange.failures.push(message)), ${interval});
    })()`);
    return new ExchangePage(page, interval);
  }

  /** Of the messages that arrive within a time, in milliseconds. @throws {Error} if less than half of them do */
  async latencies(time: number): Promise<readonly number[]> {
    await this.#page.evaluate('exchange.latencies.length = 0');
    await setTimeout(time);
    const { latencies, failures } = Exchanged.parse(await this.#page.evaluate('exchange'));
    if (latencies.length < time / this.#interval / 2)
      throw new Error(`The messages of others do not arrive. ${failures.join(' ')}`);
    return latencies;
  }
}
