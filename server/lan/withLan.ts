/** `--lan`: completes the configuration with a certificate of Weir's own and the addresses of this machine. */
import { homedir, hostname } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { familyOf, isPrivateAddress, isWildcard } from '../common/ipAddress.ts';
import { ownAddresses } from '../common/ownAddresses.ts';
import type { Config } from '../config/Config.ts';
import { ConfigError } from '../config/ConfigError.ts';
import { lanCertificate } from './lanCertificate.ts';

export interface Lan {
  /** IP addresses of this machine at which the pages are reached, those of private networks first. */
  readonly addresses: readonly string[];
  /** SHA-256 of the certificate, as browsers show it. */
  readonly fingerprint: string;
  /** Whether the certificate was made just now, so that browsers warn again. */
  readonly made: boolean;
}

export interface LanOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly own?: () => string[];
  readonly now?: Date;
}

/**
 * @returns the configuration with HTTPS, in which the addresses of this machine are announced besides those that are configured
 * @throws {ConfigError} for settings with which no other device reaches Weir, and where the certificate cannot be kept
 */
export async function withLan(config: Config, options: LanOptions): Promise<{ config: Config; lan: Lan }> {
  if (config.tls) {
    throw new ConfigError(
      '--lan makes a certificate of its own: leave WEIR_TLS_CERT and WEIR_TLS_KEY out, or start Weir without --lan.',
    );
  }
  const addresses = reachedAt(config, (options.own ?? ownAddresses)());
  const { tls, fingerprint, made } = await lanCertificate({
    file: join(dataDirectory(options.environment), 'lan.pem'),
    names: [...addresses, 'localhost', '127.0.0.1', '::1', ...hostNames(hostname())],
    ...(options.now && { now: options.now }),
  });
  // Without configured addresses all of this machine are announced in any case.
  const configured = config.announcedAddresses;
  const announcedAddresses = configured.length > 0 ? [...new Set([...configured, ...addresses])] : configured;
  return { config: Object.freeze({ ...config, tls, announcedAddresses }), lan: { addresses, fingerprint, made } };
}

/** The addresses of this machine on which both pages and media are served. HTTP on `::` takes IPv4 as well, media does not. */
function reachedAt({ host, rtcHosts }: Config, own: readonly string[]): string[] {
  if (own.length === 0) {
    throw new ConfigError('--lan finds no network on this machine: connect it to one, or start Weir without --lan.');
  }
  const addresses = own
    .filter((address) => host === address || host === '::' || isWildcardFor(host, address))
    .sort((a, b) => Number(isPrivateAddress(b)) - Number(isPrivateAddress(a)));
  if (addresses.length === 0) {
    throw new ConfigError(
      `WEIR_HOST=${host} is not one of the addresses at which other devices reach this machine (${own.join(', ')}): leave it out for --lan, or use one of them.`,
    );
  }
  const withMedia = addresses.filter((address) =>
    rtcHosts.some((rtcHost) => rtcHost === address || isWildcardFor(rtcHost, address)),
  );
  if (withMedia.length === 0) {
    throw new ConfigError(
      `WEIR_RTC_HOST=${rtcHosts.join(',')} receives no media on ${addresses.join(', ')}, where --lan serves the pages: leave it out, or add 0.0.0.0.`,
    );
  }
  return withMedia;
}

const isWildcardFor = (host: string, address: string): boolean =>
  isWildcard(host) && familyOf(host) === familyOf(address);

/** This machine's name, and the one by which multicast DNS finds it; none where it is no DNS name. */
function hostNames(name: string): string[] {
  if (!/^[a-z\d]([a-z\d-]{0,61}[a-z\d])?(\.[a-z\d]([a-z\d-]{0,61}[a-z\d])?)*$/i.test(name) || name.length > 240)
    return [];
  return name.includes('.') ? [name] : [name, `${name}.local`];
}

/** Where programs keep data of a user by the XDG specification, which ignores a relative path. */
function dataDirectory({ XDG_DATA_HOME: base, HOME }: LanOptions['environment']): string {
  return join(base && isAbsolute(base) ? base : join(HOME || homedir(), '.local/share'), 'weir');
}
