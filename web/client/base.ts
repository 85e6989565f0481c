/** Where the Weir server is that this code was loaded from: the address under which it serves all that it serves. */
import { WeirError } from '../../shared/errors.ts';
import { SIGNALLING_PATH } from '../../shared/protocol.ts';

/**
 * The page's and the SDK's code is in `assets/` when it is built, and in `client/` while developing, right under that
 * address, which has a path of its own where Weir is one of several services of a host (`WEIR_BASE_PATH`).
 */
export function baseOf(moduleUrl: string): string {
  return moduleUrl.replace(/(\/(assets|client))?\/[^/]*$/, '/');
}

/** Such as `https://weir.example/` or `https://example.com/meet/`. */
export const baseUrl: string = baseOf(import.meta.url);

/**
 * Where the signalling of a server is, under the path that the server is under.
 * @throws {WeirError} `badRequest` when `base` is no http(s) or ws(s) URL
 */
export function signallingUrl(base: string): URL {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (!url || !/^(https?|wss?):$/.test(url.protocol)) {
    throw new WeirError('badRequest', `"${base}" is not the address of a Weir server, such as https://weir.example.`);
  }
  url.protocol = url.protocol.replace('http', 'ws');
  url.pathname = url.pathname.replace(/\/*$/, SIGNALLING_PATH);
  url.search = '';
  url.hash = '';
  return url;
}
