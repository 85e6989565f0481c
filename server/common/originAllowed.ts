/** The check of the Origin header: the page that Weir serves itself may connect, and pages of configured origins. */
/** What is used of a request. */
export interface OriginRequest {
  readonly headers: {
    readonly origin?: string | undefined;
    readonly 'x-forwarded-proto'?: string | string[] | undefined;
  };
  /** As the client sees it, as far as proxies are trusted. */
  readonly protocol: string;
  readonly host: string;
}

/**
 * Whether a page may connect. A request without Origin is not from a browser, and such a client could send any Origin.
 * @param allowed origins without default ports, or `*`
 * @param trustProxy how many proxies are trusted. Without any, `X-Forwarded-Host` is not read (into `request.host`), and the
 *   scheme that the browser used is unknown
 */
export function originAllowed(request: OriginRequest, allowed: readonly string[], trustProxy: number): boolean {
  const { origin } = request.headers;
  if (origin === undefined || allowed.includes('*')) return true;
  const page = URL.canParse(origin) ? new URL(origin) : undefined;
  if (!page || !/^https?:$/.test(page.protocol)) return false;
  // `page.origin` has no default port, whether the header has it or not.
  if (allowed.includes(page.origin)) return true;
  const forwardedScheme = trustProxy > 0 && request.headers['x-forwarded-proto'] !== undefined;
  if (forwardedScheme && `${request.protocol}:` !== page.protocol) return false;
  const own = `${page.protocol}//${request.host}`;
  return URL.canParse(own) && withoutDefaultPort(new URL(own)) === withoutDefaultPort(page);
}

/**
 * The host of a URL, without the default port of either scheme: behind a proxy that terminates TLS, the Host header may
 * have port 80, on which the proxy reaches Weir.
 */
function withoutDefaultPort({ hostname, port }: URL): string {
  return port === '' || port === '80' || port === '443' ? hostname : `${hostname}:${port}`;
}
