/** Two networks, of which one has the server: a firewall between them can drop what goes from browser to browser, and nothing else. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { isProgram } from '../network/Namespace.ts';
import { addresses, Namespaces, whyNoNamespaces } from '../network/namespaces.ts';
import { startAll } from '../startAll.ts';
import { direct, launchSpeaker } from './DirectCall.ts';
import { startMeasured } from './measured.ts';

const PORTS = { http: '3000', media: '40000' };
/** Lifetime of the networks, in seconds: they remove themselves if this process dies. */
const LIFETIME = 1800;

/** Why there can be no such network here, as a sentence; undefined where there can. */
export function whyNoDividedNetwork(): string | undefined {
  return whyNoNamespaces() ?? (isProgram('iptables') ? undefined : 'iptables is missing (package iptables)');
}

export class DividedNetwork implements AsyncDisposable {
  readonly url = `http://${addresses.b}:${PORTS.http}`;
  /** The first has the network of the server. */
  readonly browsers: readonly [Browser, Browser];
  readonly #namespaces: Namespaces;
  readonly #owned: AsyncDisposableStack;

  private constructor(browsers: readonly [Browser, Browser], namespaces: Namespaces, owned: AsyncDisposableStack) {
    this.browsers = browsers;
    this.#namespaces = namespaces;
    this.#owned = owned;
  }

  /** Starts the server, with the policy `auto`, and both browsers. @throws {Error} that says what is missing */
  static async open(): Promise<DividedNetwork> {
    await using opening = new AsyncDisposableStack();
    const namespaces = opening.use(await Namespaces.create({ delay: 5 }, LIFETIME));
    const url = `http://${addresses.b}:${PORTS.http}`;
    const settings = {
      ...{ WEIR_HOST: addresses.b, WEIR_PORT: PORTS.http, WEIR_WORKERS: '1' },
      ...{ WEIR_RTC_HOST: addresses.b, WEIR_RTC_PORT: PORTS.media },
    };
    const launch = async (within: string) => opening.use(await launchSpeaker(url, within));
    const [far, near] = await startAll([
      launch(namespaces.names.b),
      launch(namespaces.names.a),
      startMeasured({ ...direct, ...settings }, { namespaces, side: 'b' }).then((server) => opening.use(server)),
    ]);
    return new DividedNetwork([far, near], namespaces, opening.move());
  }

  /** Drops all UDP of the second network but that with the server, or lets it through again. */
  async setBlocked(isBlocked: boolean): Promise<void> {
    for (const direction of ['INPUT', 'OUTPUT']) {
      const rule = ['-p', 'udp', '!', '--sport', PORTS.media, '-m', 'udp', '!', '--dport', PORTS.media, '-j', 'DROP'];
      const run = ['netns', 'exec', this.#namespaces.names.a, 'iptables', isBlocked ? '-A' : '-D', direction, ...rule];
      await promisify(execFile)('ip', run);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync();
  }
}
