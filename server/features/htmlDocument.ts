/** How HTML documents are sent: compressed once, and with assets at URLs that hold wherever Weir is served. */
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { negotiate } from '@fastify/accept-negotiator';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A document, and its compressed forms. */
export interface HtmlBody {
  readonly plain: Buffer;
  readonly br: Buffer;
  readonly gzip: Buffer;
}

/** Paths of more segments are not pages; the assets of their error pages are at the root of the host. */
const MAX_DEPTH = 6;

export function htmlBody(html: string): HtmlBody {
  const plain = Buffer.from(html);
  return { plain, br: brotliCompressSync(plain), gzip: gzipSync(plain, { level: 9 }) };
}

/** Sends a document in the encoding that the client prefers. @param vary the request headers that it depends on */
export function sendHtml(request: FastifyRequest, reply: FastifyReply, body: HtmlBody, vary: string): FastifyReply {
  const encoding = negotiate(request.headers['accept-encoding'] ?? '', ['br', 'gzip']);
  if (encoding !== null) reply.header('content-encoding', encoding);
  return reply
    .header('content-type', 'text/html; charset=utf-8')
    .header('cache-control', 'no-cache')
    .header('vary', vary)
    .send(encoding === 'br' ? body.br : encoding === 'gzip' ? body.gzip : body.plain);
}

/**
 * The prefix of the URLs of assets for a document at `url`. It is relative if no base path is configured, so that a page works
 * behind a proxy that strips a path which Weir does not know.
 * @param url as the client has sent it
 */
export function assetPrefix(url: string, basePath: string): string {
  const depth = (url.split('?', 1)[0] ?? '').split('/').length - 2;
  if (basePath !== '' || depth > MAX_DEPTH) return `${basePath}/`;
  return depth > 0 ? '../'.repeat(depth) : './';
}
