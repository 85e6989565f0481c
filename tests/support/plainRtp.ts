/** HTTP requests of clients of plain RTP, and the end of the sessions that they have opened, after each test. */
import { afterEach } from 'vitest';
import { RtpAnswer } from '../../scripts/support/plainRtp.ts';

export interface RtpRequest {
  readonly token?: string | undefined;
  /** Begins with a question mark. */
  readonly query?: string;
  readonly headers?: Record<string, string>;
}

/** Call it after `useServer`, so that sessions end before the server waits for its rooms to close. */
export function usePlainRtp(weir: { readonly url: string }) {
  const opened = new Set<string>();
  afterEach(async () => {
    await Promise.all([...opened].map((location) => fetch(new URL(location, weir.url), { method: 'DELETE' })));
    opened.clear();
  });
  /** @param body sent as it is if it is text, otherwise as JSON */
  const post = async (path: string, body: unknown, { token, query = '', headers = {} }: RtpRequest = {}) => {
    const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(new URL(`${path}${query}`, weir.url), {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...authorization, ...headers },
    });
    const location = response.headers.get('location') ?? '';
    if (location !== '') opened.add(location);
    return { response, location, body: await response.text() };
  };
  return {
    post,
    /** Asks for ports of a room, which must be given. */
    async open(room: string, body: unknown, options?: RtpRequest) {
      const answered = await post(`/rtp/${encodeURIComponent(room)}`, body, options);
      if (answered.response.status !== 201) throw new Error(`${answered.response.status}: ${answered.body}`);
      return { location: answered.location, answer: RtpAnswer.parse(JSON.parse(answered.body)) };
    },
    async request(path: string, method: string) {
      const response = await fetch(new URL(path, weir.url), { method });
      return { response, body: await response.text() };
    },
  };
}
