/** One HTTP request, with the certificate that came with it, whether it is trusted or not. */
import { X509Certificate } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { TLSSocket } from 'node:tls';

/** Bytes of a body that are read at most. */
const MAX_BODY = 64 * 1024;

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  /** The server's time by its `Date` header, in milliseconds since 1970. */
  readonly date: number | undefined;
  /** Of HTTPS. */
  readonly tls?: { readonly certificate: X509Certificate; readonly untrusted: string | undefined };
}

/** @throws {Error} when there is no answer before `signal` aborts */
export async function httpGet(
  url: URL,
  { headers = {}, signal }: { headers?: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  // Whether the certificate is trusted is told in the answer: the rest can be tested in any case.
  const request =
    url.protocol === 'https:'
      ? https.get(url, { headers, signal, agent: false, rejectUnauthorized: false }, resolve)
      : http.get(url, { headers, signal, agent: false }, resolve);
  request.on('error', reject);
  const response = await promise;
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of response) {
    if (!Buffer.isBuffer(piece)) continue;
    pieces.push(piece);
    length += piece.length;
    if (length > MAX_BODY) break;
  }
  const date = Date.parse(response.headers.date ?? '');
  return {
    status: response.statusCode ?? 0,
    body: Buffer.concat(pieces).toString(),
    date: Number.isNaN(date) ? undefined : date,
    ...tlsOf(response),
  };
}

function tlsOf({ socket }: http.IncomingMessage): Pick<HttpAnswer, 'tls'> {
  if (!(socket instanceof TLSSocket)) return {};
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) return {};
  const { authorized, authorizationError } = socket;
  // It is checked against the name apart.
  const untrusted =
    authorized || String(authorizationError) === 'ERR_TLS_CERT_ALTNAME_INVALID'
      ? undefined
      : String(authorizationError);
  return { tls: { certificate: new X509Certificate(certificate.raw), untrusted } };
}
