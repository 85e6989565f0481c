/** Collects what `checkAddresses` compares: interfaces, container, and what a STUN server elsewhere sees. */
import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { type HostPort, hostPortText } from '../common/hostPort.ts';
import type { AnnouncedAddresses } from './AnnouncedAddresses.ts';
import type { AddressFacts } from './checkAddresses.ts';
import { StunError, stunRequest } from './stunClient.ts';

export interface AddressFactsOptions {
  readonly announced: Pick<AnnouncedAddresses, 'addresses' | 'unresolved'>;
  /** Whether WEIR_ANNOUNCED_ADDRESS is set. */
  readonly configured: boolean;
  /** The IP addresses of WEIR_RTC_HOST. */
  readonly listening: readonly string[];
}

/** What this machine knows by itself. */
export function addressFacts({ announced, configured, listening }: AddressFactsOptions): AddressFacts {
  const { addresses, unresolved } = announced;
  const interfaces = networkInterfaces();
  return { interfaces, listening, announced: addresses, configured, unresolved, container: isContainer() };
}

/**
 * The same, with the answer of a STUN server. Never rejects.
 * @param signal ends the wait for the answer
 */
export async function addressFactsWithStun(
  options: AddressFactsOptions,
  server: HostPort,
  signal: AbortSignal,
): Promise<AddressFacts> {
  const name = hostPortText(server);
  const stun = await stunRequest(server, { signal }).then(
    ({ mapped }) => ({ server: name, mapped: mapped.address }),
    (error: unknown) => ({
      server: name,
      error: error instanceof StunError ? error.message : `The STUN server ${name} cannot be asked.`,
    }),
  );
  return { ...addressFacts(options), stun };
}

/** Whether this process runs in a container of Docker, Podman or containerd. */
export function isContainer(
  exists: (path: string) => boolean = existsSync,
  read: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): boolean {
  if (exists('/.dockerenv') || exists('/run/.containerenv')) return true;
  try {
    return /\/(docker|kubepods|containerd|libpod)\b/.test(read('/proc/1/cgroup'));
  } catch {
    return false;
  }
}
