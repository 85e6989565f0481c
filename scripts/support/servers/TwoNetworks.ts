/** Two networks, each with a browser, and one of them with the server too; the link between them is emulated. */
import type { Browser } from 'playwright-core';
import { launchChromium } from '../browsers/chromium.ts';
import type { LinkSettings } from '../network/EmulatedLink.ts';
import { addresses, Namespaces } from '../network/namespaces.ts';
import { startAll } from '../startAll.ts';
import { type Measured, startMeasured } from './measured.ts';

export interface TwoNetworksOptions {
  /** A link with a delay of 5 ms by default. */
  readonly link?: LinkSettings;
  /** Seconds after which the networks remove themselves, whatever happens to this process. */
  readonly lifetime?: number;
  /** Of the server, besides its addresses and 30 s to resume. */
  readonly settings?: Record<string, string>;
  /** @param url of the server, whose pages may use devices @param within the network */
  launch?(url: string, within: string): Promise<Browser>;
}

const PORT = '3000';
const LIFETIME = 1800;

export class TwoNetworks implements AsyncDisposable {
  static readonly url = `http://${addresses.b}:${PORT}`;
  readonly url = TwoNetworks.url;
  readonly namespaces: Namespaces;
  readonly server: Measured;
  /** In the network of the server. */
  readonly near: Browser;
  /** In the other one. */
  readonly far: Browser;
  readonly #owned: AsyncDisposableStack;

  private constructor(parts: Pick<TwoNetworks, 'namespaces' | 'server' | 'near' | 'far'>, owned: AsyncDisposableStack) {
    this.namespaces = parts.namespaces;
    this.server = parts.server;
    this.near = parts.near;
    this.far = parts.far;
    this.#owned = owned;
  }

  /** @throws {Error} that says what is missing; nothing is left behind */
  static async open(options: TwoNetworksOptions = {}): Promise<TwoNetworks> {
    const { link = { delay: 5 }, lifetime = LIFETIME, settings = {} } = options;
    const { launch = (secure: string, within: string) => launchChromium({ within, secure }) } = options;
    await using opening = new AsyncDisposableStack();
    const namespaces = opening.use(await Namespaces.create(link, lifetime));
    const environment = {
      WEIR_HOST: addresses.b,
      WEIR_PORT: PORT,
      WEIR_RTC_HOST: addresses.b,
      WEIR_RESUME_SECONDS: '30',
      ...settings,
    };
    const open = async (within: string) => opening.use(await launch(TwoNetworks.url, within));
    const [server, near, far] = await startAll([
      startMeasured(environment, { namespaces, side: 'b' }).then((one) => opening.use(one)),
      open(namespaces.names.b),
      open(namespaces.names.a),
    ]);
    return new TwoNetworks({ namespaces, server, near, far }, opening.move());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync();
  }
}
