/** `host:port` as it is written in the configuration: a host name, an IPv4 address, or an IPv6 address in brackets. */
import { isIPv4, isIPv6 } from 'node:net';

export interface HostPort {
  /** A host name, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** @returns undefined for what is not of that form. Without a port it is `defaultPort` */
export function parseHostPort(text: string, defaultPort: number): HostPort | undefined {
  const [, bracketed, name, digits] = /^(?:\[([^\]]+)\]|([0-9A-Za-z._-]{1,253}))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const port = digits === undefined ? defaultPort : Number(digits);
  if (port < 1 || port > 65_535) return undefined;
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : undefined;
  if (name === undefined || (/^[\d.]+$/.test(name) && !isIPv4(name))) return undefined;
  return { host: name, port };
}

/** `host:port`, with an IPv6 address in brackets. */
export const hostPortText = ({ host, port }: HostPort): string => `${isIPv6(host) ? `[${host}]` : host}:${port}`;
