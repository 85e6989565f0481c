/** HTTP requests of clients of WHIP and WHEP, and the end of the sessions that they have opened, after each test. */
import { afterEach } from 'vitest';
import { offerNamed } from '../../scripts/support/sdp/offers.ts';

export interface Offer {
  /** `whip` by default. */
  readonly protocol?: 'whip' | 'whep';
  readonly sdp?: string;
  readonly token?: string | undefined;
  /** Begins with a question mark. */
  readonly query?: string;
  readonly headers?: Record<string, string>;
}

const SDP = 'application/sdp';
const FRAGMENT = 'application/trickle-ice-sdpfrag';

/** Call it after `useServer`, so that sessions end before the server waits for its rooms to close. */
export function useWhip(weir: { readonly url: string }) {
  const opened = new Set<string>();
  afterEach(async () => {
    await Promise.all([...opened].map((location) => fetch(new URL(location, weir.url), { method: 'DELETE' })));
    opened.clear();
  });
  const urlOf = (path: string) => new URL(path, weir.url);
  return {
    /** Sends an offer, OBS's by default. */
    async offer(room: string, options: Offer = {}) {
      const { protocol = 'whip', sdp = offerNamed('obs-32.2'), token, query = '', headers = {} } = options;
      const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const response = await fetch(urlOf(`/${protocol}/${encodeURIComponent(room)}${query}`), {
        method: 'POST',
        body: sdp,
        headers: { 'content-type': SDP, ...authorization, ...headers },
      });
      const location = response.headers.get('location') ?? '';
      if (location !== '') opened.add(location);
      return { response, location, etag: response.headers.get('etag') ?? '', body: await response.text() };
    },
    /** Sends a fragment to a session. */
    async patch(location: string, body: string, ifMatch?: string, contentType = FRAGMENT) {
      const condition: Record<string, string> = ifMatch === undefined ? {} : { 'if-match': ifMatch };
      const response = await fetch(urlOf(location), {
        method: 'PATCH',
        body,
        headers: { 'content-type': contentType, ...condition },
      });
      return { response, etag: response.headers.get('etag'), body: await response.text() };
    },
    async request(path: string, method: string, headers: Record<string, string> = {}) {
      const response = await fetch(urlOf(path), { method, headers });
      return { response, body: await response.text() };
    },
  };
}
