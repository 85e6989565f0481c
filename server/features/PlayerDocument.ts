/** The document `/player.html?room=`: a WHEP player that people copy to their own site, here for one room of this server. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { RoomName } from '../../shared/participants.ts';
import { assetPrefix } from './htmlDocument.ts';
import { dist } from './PageDocument.ts';
import { contentSecurityPolicy } from './problems.ts';

/** The endpoint in the file, which whoever copies it replaces. */
const EXAMPLE = 'https://weir.example/whep/lobby';

/** What is played: the query of the document. */
export const PlayedRoom = z.object({ room: RoomName, kind: z.enum(['call', 'broadcast']).default('call') });
export type PlayedRoom = z.infer<typeof PlayedRoom>;

export class PlayerDocument {
  readonly #basePath: string;
  readonly #html = readFileSync(join(dist, 'player.html'), 'utf8');
  /** Its script is in the document, so that there is one file to copy. */
  readonly #policy = contentSecurityPolicy(`'sha256-${sha256(scriptOf(this.#html))}'`);

  constructor({ basePath }: { readonly basePath: string }) {
    this.#basePath = basePath;
  }

  send(request: FastifyRequest, reply: FastifyReply, { room, kind }: PlayedRoom): FastifyReply {
    // Relative, as the URLs of assets: a proxy may have a scheme and a path of its own.
    const prefix = assetPrefix(request.raw.url ?? '/', this.#basePath);
    const endpoint = `${prefix}whep/${encodeURIComponent(room)}${kind === 'broadcast' ? '?kind=broadcast' : ''}`;
    return reply
      .header('content-type', 'text/html; charset=utf-8')
      .header('content-security-policy', this.#policy)
      .header('cache-control', 'no-cache')
      .header('x-robots-tag', 'noindex')
      .send(this.#html.replace(EXAMPLE, () => endpoint));
  }
}

function scriptOf(html: string): string {
  const script = /<script type="module">(.*)<\/script>/s.exec(html)?.[1];
  if (script === undefined || !html.includes(EXAMPLE)) throw new Error('web/public/player.html is not as it was.');
  return script;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
