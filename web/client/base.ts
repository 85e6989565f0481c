/** The base URL of the Weir server that this code was loaded from, and the URLs of its signalling. */
import { WeirError } from '../../shared/errors.ts';
import { SIGNALLING_PATH } from '../../shared/protocol.ts';

/**
 * The base URL of a module of the page or the SDK: these are in `assets/` in a build, and in `client/` during development.
 * The base URL has a path if Weir shares its host with other services (`WEIR_BASE_PATH`).
 */
export function baseOf(moduleUrl: string): string {
  return moduleUrl.replace(/(\/(assets|client))?\/[^/]*$/, '/');
}

/** Such as `https://weir.example/` or `https://example.com/meet/`. */
export const baseUrl: string = baseOf(import.meta.url);

/**
 * The URL of the WebSocket of a server's signalling.
 * @param base the URL of the server, with its path if it has one
 * @throws {WeirError} `badRequest` if `base` is not an http(s) or ws(s) URL
 */
export function signallingUrl(base: string): URL {
  const url = serverUrl(base, SIGNALLING_PATH);
  url.protocol = url.protocol.replace('http', 'ws');
  return url;
}

/**
 * The http(s) URL of a path of a server.
 * @param base the URL of the server, with its path if it has one
 * @throws {WeirError} `badRequest` if `base` is not an http(s) or ws(s) URL
 */
export function serverUrl(base: string, path: string): URL {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (!url || !/^(https?|wss?):$/.test(url.protocol)) {
    throw new WeirError('badRequest', `"${base}" is not the URL of a Weir server, such as https://weir.example.`);
  }
  url.protocol = url.protocol.replace('ws', 'http');
  url.pathname = url.pathname.replace(/\/*$/, path);
  url.search = '';
  url.hash = '';
  return url;
}
