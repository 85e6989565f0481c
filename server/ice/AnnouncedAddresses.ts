/** Owns which IP addresses are announced to browsers: configured ones, host names resolved again and again, or this machine's. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Logger } from 'pino';
import { errorCode } from '../common/errno.ts';
import { familyName, familyOf, isAnnounceable, isWildcard } from '../common/ipAddress.ts';
import { ownAddresses } from '../common/ownAddresses.ts';

export interface AnnouncedAddressesOptions {
  /** IP addresses and host names, in order of preference; empty to announce this machine's own addresses. */
  readonly configured: readonly string[];
  /** The IP addresses of WEIR_RTC_HOST. */
  readonly listening: readonly string[];
  readonly log: Logger;
  /** All IP addresses of a host name; the system's resolver by default. */
  readonly resolve?: (name: string) => Promise<string[]>;
  /** The addresses of this machine, public ones first. */
  readonly own?: () => string[];
}

/** No address can be announced; the message says why, and what to do. */
export class AnnouncedAddressError extends Error {
  override readonly name = 'AnnouncedAddressError';
}

/** How often host names are resolved again and own addresses are read again, in milliseconds: dynamic DNS, DHCP. */
const REFRESH_INTERVAL = 60_000;
/** How long one attempt to resolve a name may take, in milliseconds: resolvers wait longer for servers that are down. */
const RESOLVE_TIMEOUT = 10_000;
/** Each address becomes two candidates, and browsers try each of them with each of their own. */
const MAX_ADDRESSES = 16;

export class AnnouncedAddresses {
  readonly #options: AnnouncedAddressesOptions;
  /** By configured host name: its addresses when it was last resolved. */
  readonly #resolved = new Map<string, readonly string[]>();
  /** The names that could not be resolved at the last attempt. */
  readonly #failing = new Set<string>();
  #addresses: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(options: AnnouncedAddressesOptions) {
    this.#options = options;
  }

  /** @throws {AnnouncedAddressError} when there is none to announce */
  static async start(options: AnnouncedAddressesOptions): Promise<AnnouncedAddresses> {
    const announced = new AnnouncedAddresses(options);
    await announced.#refresh();
    if (announced.#addresses.length === 0) {
      announced.close();
      throw new AnnouncedAddressError(announced.#whyNone());
    }
    announced.#refreshLater();
    return announced;
  }

  /** IP addresses in order of preference, at least one. What is read once may be outdated a minute later. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** The configured host names that do not resolve at present. */
  get unresolved(): readonly string[] {
    return [...this.#failing];
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #refreshLater(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#refresh().finally(() => this.#refreshLater()), REFRESH_INTERVAL);
    this.#timer.unref();
  }

  async #refresh(): Promise<void> {
    const { configured, log } = this.#options;
    await Promise.all(configured.filter((entry) => isIP(entry) === 0).map((name) => this.#resolve(name)));
    if (this.#closed) return;
    const found = configured.length > 0 ? this.#configured() : this.#own();
    const addresses = found.slice(0, MAX_ADDRESSES);
    // Whatever has been lost meanwhile, transports need candidates.
    if (addresses.length === 0 || addresses.join() === this.#addresses.join()) return;
    if (this.#addresses.length > 0) log.info({ addresses, before: this.#addresses }, 'announced addresses changed');
    this.#addresses = addresses;
  }

  #configured(): string[] {
    const all = this.#options.configured.flatMap((entry) => (isIP(entry) !== 0 ? [entry] : this.#addressesOf(entry)));
    return [...new Set(all)];
  }

  /** The addresses of a name that browsers can be told: those of families that have a listener. */
  #addressesOf(name: string): string[] {
    const families = new Set(this.#options.listening.map(familyOf));
    return (this.#resolved.get(name) ?? []).filter((address) => families.has(familyOf(address)));
  }

  /** A listener on all addresses of a family is reached at this machine's of that family, any other at its own. */
  #own(): string[] {
    const { listening, own = ownAddresses } = this.#options;
    const machine = own();
    const single = listening.filter((address) => !isWildcard(address));
    const families = new Set(listening.filter(isWildcard).map(familyOf));
    const addresses = [...machine.filter((address) => families.has(familyOf(address))), ...single];
    // A machine without a network serves its own browsers.
    if (addresses.length === 0 && families.has('ipv4')) return ['127.0.0.1'];
    return [...new Set(addresses)];
  }

  /** Keeps the former addresses of a name that does not resolve any more: DNS servers fail more often than hosts move. */
  async #resolve(name: string): Promise<void> {
    const { log, resolve = lookupAll } = this.#options;
    try {
      const found = (await withTimeout(resolve(name))).filter(isAnnounceable);
      if (this.#closed) return;
      if (found.length === 0) throw new Error('it has no address');
      this.#resolved.set(name, found);
      if (this.#failing.delete(name)) log.info({ name, addresses: found }, 'announced host name resolves again');
    } catch (error) {
      if (this.#closed || this.#failing.has(name)) return;
      this.#failing.add(name);
      const kept = this.#resolved.has(name) ? 'its former addresses stay announced' : 'it is not announced';
      log.warn(
        `WEIR_ANNOUNCED_ADDRESS: the host name ${name} cannot be resolved (${errorCode(error) ?? messageOf(error)}): ${kept}, and Weir tries again every minute.`,
      );
    }
  }

  #whyNone(): string {
    const { configured, listening } = this.#options;
    if (configured.length === 0) {
      return `WEIR_RTC_HOST=${listening.join(',')} listens on IPv6 only, and this machine has no global IPv6 address: set WEIR_ANNOUNCED_ADDRESS to the addresses at which browsers reach it.`;
    }
    const names = configured.join(', ');
    if (this.#failing.size === configured.length) {
      return `WEIR_ANNOUNCED_ADDRESS=${configured.join(',')} cannot be resolved: use a name that this machine can resolve, or an IP address.`;
    }
    const family = familyName(listening[0] ?? '');
    return `WEIR_ANNOUNCED_ADDRESS: ${names} has no ${family} address, and WEIR_RTC_HOST=${listening.join(',')} listens on ${family} only: add the other family to WEIR_RTC_HOST (0.0.0.0,:: is both), or announce an ${family} address.`;
  }
}

/** Resolves as any program of this machine does, `/etc/hosts` included. */
async function lookupAll(name: string): Promise<string[]> {
  const found = await lookup(name, { all: true, order: 'verbatim' });
  return found.map(({ address }) => address);
}

async function withTimeout<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('no answer in time')), RESOLVE_TIMEOUT);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
