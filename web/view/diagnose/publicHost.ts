/** Whether a page came from the Internet. */
import { isPrivateAddress } from '../../client/diagnosis/index.ts';

/** @param host such as `location.hostname` @returns false for private addresses and for names of local networks only */
export function isPublicHost(host: string): boolean {
  const address = host.replace(/^\[|\]$/g, '');
  if (address.includes(':') || /^[\d.]+$/.test(address)) return !isPrivateAddress(address);
  return host.includes('.') && !/\.(local|lan|home|internal|test|localhost|home\.arpa)$/i.test(host);
}
