/** STUN and TURN servers as `Link` headers (RFC 9725, section 4.6). */
import type { IceServer } from '../../../shared/media.ts';

/** One link per URL, in the order of preference. */
export function iceServerLinks(servers: readonly IceServer[]): string[] {
  return servers.flatMap(({ urls, username, credential }) =>
    urls.map((url) => {
      const attributes = [
        'rel="ice-server"',
        ...(username === undefined ? [] : [`username=${quoted(username)}`]),
        ...(credential === undefined ? [] : [`credential=${quoted(credential)}`, 'credential-type="password"']),
      ];
      return `<${url}>; ${attributes.join('; ')}`;
    }),
  );
}

/** A quoted string (RFC 9110, section 5.6.4). */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
