/**
 * Somebody in Chromium or Firefox who sends and receives files with the SDK, without Weir's pages; and the bare data channel
 * beneath, to compare with.
 */
import { z } from 'zod';
import { until } from '../until.ts';
import { type FileVisitorOptions, installFileVisitor } from './fileVisitorPage.ts';

/** The part of a page that Playwright and Puppeteer have in common. */
interface DrivenPage {
  goto(url: string): Promise<unknown>;
  reload(): Promise<unknown>;
  evaluate(inPage: string): Promise<unknown>;
  close(): Promise<void>;
}

/** A browser, or one of its contexts. */
interface Pages {
  newPage(): Promise<DrivenPage>;
}

const Transfer = z.object({
  id: z.string(),
  direction: z.enum(['send', 'receive']),
  name: z.string(),
  size: z.number(),
  state: z.string(),
  transferred: z.number(),
  peer: z.string(),
  error: z.string(),
});
export type TransferInPage = z.infer<typeof Transfer>;

const Counted = z.object({ bytes: z.number(), firstAt: z.number(), at: z.number() });

/** Timeout of the page, in milliseconds. */
const LOAD_TIMEOUT = 20_000;
/** How often the transfers of a page are looked at, in milliseconds: each look takes time that the browsers need for them. */
const LOOK_INTERVAL = 30;

export class FileVisitor {
  readonly #page: DrivenPage;
  readonly #options: FileVisitorOptions;

  private constructor(page: DrivenPage, options: FileVisitorOptions) {
    this.#page = page;
    this.#options = options;
  }

  static async enter(browser: Pages, options: FileVisitorOptions): Promise<FileVisitor> {
    const visitor = new FileVisitor(await browser.newPage(), options);
    const tryToLoad = () => visitor.#page.goto(`${options.url}/health`).catch(() => undefined);
    await until('a page', LOAD_TIMEOUT, async () => (await tryToLoad()) !== undefined);
    await visitor.#join();
    return visitor;
  }

  /** Reloads the page, and joins the room again, as somebody else. */
  async reload(): Promise<void> {
    await this.#page.reload();
    await this.#join();
  }

  /** Ends the session, and begins another one in the same page. */
  async rejoin(): Promise<void> {
    await this.#ask('rejoin', z.unknown(), this.#options);
  }

  /** Cuts the connection of the signalling, which is resumed. */
  async cutSignalling(): Promise<void> {
    await this.#ask('cutSignalling', z.unknown());
  }

  /** Makes a file of so many random bytes. */
  async prepare(name: string, size: number): Promise<void> {
    await this.#ask('prepare', z.unknown(), name, size);
  }

  /** Offers it to everyone. */
  async sendPrepared(name: string): Promise<void> {
    await this.#ask('sendPrepared', z.unknown(), name);
  }

  /** Makes a file of so many random bytes, and offers it to everyone. @returns its hash */
  async send(name: string, size: number): Promise<string> {
    await this.prepare(name, size);
    await this.sendPrepared(name);
    return this.sentHash(name);
  }

  /** The same, of a file that the page has a handle to, as those that are dropped or picked. @returns its hash */
  async sendKept(name: string, size: number): Promise<string> {
    await this.#ask('sendKept', z.unknown(), name, size);
    return this.sentHash(name);
  }

  /** SHA-256 over the SHA-256 of every 16 MiB, of a file that was prepared here. */
  sentHash(name: string): Promise<string> {
    return this.#ask('sentHash', z.string(), name);
  }

  /** The same, of a file that has arrived. */
  receivedHash(name: string): Promise<string> {
    return this.#ask('receivedHash', z.string(), name);
  }

  /** Accepts a file, to be saved to one that the page has a handle to, as if it had been chosen in a dialog. */
  async acceptTo(id: string, chosen: string): Promise<void> {
    await this.#ask('acceptTo', z.unknown(), id, chosen);
  }

  /** SHA-256, as of `sentHash`, of a file that was chosen so. */
  savedHash(chosen: string): Promise<string> {
    return this.#ask('savedHash', z.string(), chosen);
  }

  /** Chooses a file again, after a reload. @returns the code of the error; empty if there was none */
  provide(name: string, chosen = name): Promise<string> {
    return this.#ask('provide', z.string(), name, chosen);
  }

  /** Waits until a file has arrived and was checked; asks the page once. @param within milliseconds */
  async completed(name: string, within: number): Promise<void> {
    await this.#ask('completed', z.unknown(), name, within);
  }

  /** Cancels a transfer. */
  async cancelled(name: string): Promise<void> {
    const { id } = await this.transfer(name, LOAD_TIMEOUT, () => true);
    await this.call('cancel', id);
  }

  /** Removes a file, and its transfer once that is over. */
  async forget(name: string): Promise<void> {
    const over = ['completed', 'cancelled', 'declined', 'failed'];
    const { id } = await this.transfer(name, LOAD_TIMEOUT, ({ state }) => over.includes(state));
    await this.call('remove', id);
    await this.#ask('forget', z.unknown(), name);
  }

  /** One of the methods of `room.files`. @throws what it throws, as text */
  async call(method: 'accept' | 'decline' | 'pause' | 'resume' | 'cancel' | 'remove', id: string): Promise<void> {
    await this.#ask('call', z.unknown(), method, id);
  }

  /** The code of the error with which a file of so many bytes is refused; empty if it is not. */
  refusal(size: number): Promise<string> {
    return this.#ask('refusal', z.string(), size);
  }

  transfers(): Promise<TransferInPage[]> {
    return this.#ask('transfers', z.array(Transfer));
  }

  /** Names of events of transfers, in their order. */
  events(): Promise<string[]> {
    return this.#ask('events', z.array(z.string()));
  }

  /** Waits for a transfer of this name. */
  async transfer(
    name: string,
    within: number,
    isReady: (transfer: TransferInPage) => boolean,
  ): Promise<TransferInPage> {
    const found = async () => (await this.transfers()).find((one) => one.name === name && isReady(one));
    return until(`${name} at ${this.#options.name}`, within, found, LOOK_INTERVAL);
  }

  peers(): Promise<string[]> {
    return this.#ask('peers', z.array(z.string()));
  }

  /** Sends bytes over the bare data channel for a time, as fast as it takes them. @param milliseconds */
  async sendBare(milliseconds: number): Promise<void> {
    await this.#ask('sendBare', z.unknown(), milliseconds);
  }

  /** Bytes of the bare data channel that have arrived; when the first of the last burst and the last of them did. */
  receivedBare(): Promise<z.infer<typeof Counted>> {
    return this.#ask('receivedBare', Counted);
  }

  /** Frames of others' cameras that were decoded. */
  framesDecoded(): Promise<number> {
    return this.#ask('framesDecoded', z.number());
  }

  async close(): Promise<void> {
    await this.#page.close();
  }

  async #join(): Promise<void> {
    const { url } = this.#options;
    await this.#page.evaluate(
      `import('${url}/sdk.js').then((sdk) => { window.fileVisitor = (${installFileVisitor})(sdk); })`,
    );
    await this.#ask('join', z.unknown(), this.#options);
  }

  async #ask<T>(method: string, reply: z.ZodType<T>, ...args: unknown[]): Promise<T> {
    const json = args.map((arg) => JSON.stringify(arg)).join(', ');
    return reply.parse(await this.#page.evaluate(`window.fileVisitor.${method}(${json})`));
  }
}
