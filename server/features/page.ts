/** Serves the pages and scripts. */
import serveStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { canonicalRoomName } from '../../shared/names.ts';
import { dist, type PageDocument, type PageName } from './PageDocument.ts';
import { PlayedRoom, type PlayerDocument } from './PlayerDocument.ts';
import { sendProblem } from './problems.ts';
import type { WatchDocument } from './WatchDocument.ts';

export interface PageOptions {
  readonly document: PageDocument;
  readonly watchDocument: WatchDocument;
  readonly playerDocument: PlayerDocument;
  /** For example `/meet`, or empty. */
  readonly basePath: string;
  /** Whether there is a page on which clients test their connection. */
  readonly diagnose: boolean;
}

/**
 * `/`, `/r/<room>`, `/b/<room>` and `/diagnose` serve the page, `/watch/<room>` the one without the SDK, and
 * `/player.html?room=&kind=` one to copy. Other pages may import `/sdk.js`, the client, and `/whep.js`, the player of `/watch`.
 * Assets have a hash in their names and may be cached forever.
 */
export async function page(app: FastifyInstance, options: PageOptions): Promise<void> {
  const { document, watchDocument, playerDocument, basePath, diagnose } = options;
  await app.register(serveStatic, {
    root: dist,
    index: false,
    // The build writes compressed copies next to the files.
    preCompressed: true,
    cacheControl: false,
    // The documents are templates, which PageDocument, WatchDocument and PlayerDocument render.
    allowedPath: (path) => !/^\/?(index|watch|player)\.html/.test(path),
    setHeaders(reply, path) {
      const hashed = path.includes('/assets/');
      reply.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      // Pages of other origins may import the SDK, and so what it imports.
      if (/\.js(\.br|\.gz)?$/.test(path)) reply.header('access-control-allow-origin', '*');
    },
  });
  app.get('/', (request, reply) => {
    const [path, query] = request.originalUrl.split(/(?=\?)/, 2);
    // Without the trailing slash, relative URLs of the page would resolve to the parent path.
    if (basePath !== '' && path === basePath) return reply.redirect(`${basePath}/${query ?? ''}`, 308);
    return document.send(request, reply, { page: 'start' });
  });
  type RoomRequest = FastifyRequest<{ Params: { room: string } }>;
  const isRoom = ({ params }: RoomRequest) => canonicalRoomName(params.room) !== undefined;
  const room = (request: RoomRequest, reply: FastifyReply, page: PageName) =>
    isRoom(request) ? document.send(request, reply, { page }) : sendProblem(document, request, reply, 'noRoom');
  app.get('/r/:room', (request: RoomRequest, reply) => room(request, reply, 'call'));
  // The role may be in the fragment too, which servers do not see: then the viewer's page is preloaded in vain.
  app.get('/b/:room', (request: RoomRequest, reply) =>
    room(request, reply, /[?&]role=(host|speaker)(&|$)/.test(request.originalUrl) ? 'studio' : 'viewer'),
  );
  app.get('/watch/:room', (request: RoomRequest, reply) =>
    isRoom(request) ? watchDocument.send(request, reply) : sendProblem(document, request, reply, 'noRoom'),
  );
  app.get('/player.html', (request, reply) => {
    const played = PlayedRoom.safeParse(request.query);
    return played.success
      ? playerDocument.send(request, reply, played.data)
      : sendProblem(document, request, reply, 'noRoom');
  });
  // Search engines have no use for it.
  const forPeople = (request: FastifyRequest, reply: FastifyReply) =>
    document.send(request, reply.header('x-robots-tag', 'noindex'), { page: 'diagnose' });
  if (diagnose) app.get('/diagnose', forPeople);
}

/** The URL of a request without the base path, which a proxy may have stripped already. */
export function withoutBasePath(url: string, basePath: string): string {
  if (basePath === '' || !url.startsWith(basePath)) return url;
  const rest = url.slice(basePath.length);
  if (rest === '' || rest.startsWith('?')) return `/${rest}`;
  return rest.startsWith('/') ? rest : url;
}
