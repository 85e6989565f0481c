/** Which pages may connect: those that Weir serves itself, and those of origins that are listed. */
import type { FastifyRequest } from 'fastify';

/**
 * Whether a browser's page may connect. No Origin at all means no browser, whom this check could not stop from naming any.
 * @param allowed origins without default ports, or `*`
 * @param trustProxy how many proxies are believed: only then is `X-Forwarded-Host` (in `request.host`) read, and the scheme
 *   known that browsers use
 */
export function originAllowed(request: FastifyRequest, allowed: readonly string[], trustProxy: number): boolean {
  const { origin } = request.headers;
  if (origin === undefined || allowed.includes('*')) return true;
  const page = URL.canParse(origin) ? new URL(origin) : undefined;
  if (!page || !/^https?:$/.test(page.protocol)) return false;
  // `URL` leaves the default port of the scheme out, in which case browsers and proxies may write it or not.
  if (allowed.includes(page.origin)) return true;
  const forwardedScheme = trustProxy > 0 && request.headers['x-forwarded-proto'] !== undefined;
  if (forwardedScheme && `${request.protocol}:` !== page.protocol) return false;
  const own = `${page.protocol}//${request.host}`;
  return URL.canParse(own) && withoutDefaultPort(new URL(own)) === withoutDefaultPort(page);
}

/**
 * The host of an origin, without the default port of either scheme: behind a proxy that ends TLS, the Host may name the
 * port 80 of the way in between.
 */
function withoutDefaultPort({ hostname, port }: URL): string {
  return port === '' || port === '80' || port === '443' ? hostname : `${hostname}:${port}`;
}
