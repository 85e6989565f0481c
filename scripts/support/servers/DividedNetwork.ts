/** Two networks, of which one has the server: a firewall between them can drop what goes from browser to browser, and nothing else. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { isProgram } from '../network/Namespace.ts';
import { whyNoNamespaces } from '../network/namespaces.ts';
import { direct, launchSpeaker } from './DirectCall.ts';
import { TwoNetworks } from './TwoNetworks.ts';

const MEDIA_PORT = '40000';

/** Why there can be no such network here, as a sentence; undefined where there can. */
export function whyNoDividedNetwork(): string | undefined {
  return whyNoNamespaces() ?? (isProgram('iptables') ? undefined : 'iptables is missing (package iptables)');
}

export class DividedNetwork implements AsyncDisposable {
  /** The first has the network of the server. */
  readonly browsers: readonly [Browser, Browser];
  readonly #networks: TwoNetworks;

  private constructor(networks: TwoNetworks) {
    this.#networks = networks;
    this.browsers = [networks.near, networks.far];
  }

  get url(): string {
    return this.#networks.url;
  }

  /** Starts the server, with the policy `auto`, and both browsers. @throws {Error} that says what is missing */
  static async open(): Promise<DividedNetwork> {
    const settings = { ...direct, WEIR_WORKERS: '1', WEIR_RTC_PORT: MEDIA_PORT };
    return new DividedNetwork(await TwoNetworks.open({ settings, launch: launchSpeaker }));
  }

  /** Drops all UDP of the second network but that with the server, or lets it through again. */
  async setBlocked(isBlocked: boolean): Promise<void> {
    for (const direction of ['INPUT', 'OUTPUT']) {
      const rule = ['-p', 'udp', '!', '--sport', MEDIA_PORT, '-m', 'udp', '!', '--dport', MEDIA_PORT, '-j', 'DROP'];
      const run = [
        'netns',
        'exec',
        this.#networks.namespaces.names.a,
        'iptables',
        isBlocked ? '-A' : '-D',
        direction,
        ...rule,
      ];
      await promisify(execFile)('ip', run);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#networks[Symbol.asyncDispose]();
  }
}
