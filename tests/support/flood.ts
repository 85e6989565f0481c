/** Many requests at once over one connection, pipelined (RFC 9112, section 9.3.2), to a server in this process. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { vi } from 'vitest';

export interface Flooded {
  readonly statuses: ReadonlySet<number>;
  /** `Retry-After` of the first 429. */
  readonly retryAfter: string | undefined;
}

/**
 * The clock by which rates are limited stands meanwhile: a busy machine takes longer for some requests than they have to be apart.
 * @param headers besides `Host` and `Content-Length`
 */
export async function flood(
  url: URL,
  method: string,
  count: number,
  body = '',
  headers: Readonly<Record<string, string>> = {},
): Promise<Flooded> {
  const lines = Object.entries({ host: url.host, 'content-length': String(Buffer.byteLength(body)), ...headers });
  const request = `${method} ${url.pathname} HTTP/1.1\r\n${lines.map((line) => line.join(': ')).join('\r\n')}`;
  using _clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now());
  const socket = connect(Number(url.port), url.hostname);
  socket.setEncoding('latin1');
  let text = '';
  socket.on('data', (data) => {
    text += String(data);
  });
  socket.write(`${request}\r\n\r\n${body}`.repeat(count - 1));
  // The server closes the connection then; one that the client has half closed it would not answer any more.
  socket.write(`${request}\r\nconnection: close\r\n\r\n${body}`);
  await once(socket, 'close');
  // Nothing separates a body from the next response.
  const responses = text.split(/(?=HTTP\/1\.1 \d{3} )/);
  const statusOf = (response: string) => Number(response.slice(9, 12));
  const refused = responses.find((response) => statusOf(response) === 429) ?? '';
  return {
    statuses: new Set(responses.map(statusOf)),
    retryAfter: /^retry-after: (.*)\r$/im.exec(refused)?.[1],
  };
}
