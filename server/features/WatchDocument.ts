/** The document of `/watch/<room>`, where a room is played by WHEP: a file of its own, without the SDK. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { assetPrefix, type HtmlBody, htmlBody, sendHtml } from './htmlDocument.ts';
import { dist } from './PageDocument.ts';

export class WatchDocument {
  readonly #basePath: string;
  /** By the prefix of its assets. */
  readonly #bodies = new Map<string, HtmlBody>();

  constructor({ basePath }: { readonly basePath: string }) {
    this.#basePath = basePath;
  }

  send(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const prefix = assetPrefix(request.raw.url ?? '/', this.#basePath);
    let body = this.#bodies.get(prefix);
    if (!body) {
      body = htmlBody(readFileSync(join(dist, 'watch.html'), 'utf8').replaceAll('"./', `"${prefix}`));
      this.#bodies.set(prefix, body);
    }
    return sendHtml(request, reply, body, 'accept-encoding');
  }
}
