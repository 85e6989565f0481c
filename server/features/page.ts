/** Owns the pages and scripts that Weir serves, and the headers that keep them safe. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import serveStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';

const dist = fileURLToPath(new URL('../../web/dist', import.meta.url));

const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const headers = {
  'content-security-policy': contentSecurityPolicy,
  'permissions-policy': 'camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-opener-policy': 'same-origin',
} as const;

/** The built page has no content; `npm start` builds it. */
export class PageMissingError extends Error {
  override readonly name = 'PageMissingError';
}

/**
 * `/`, `/r/<room>` and `/b/<room>` serve the page; `/sdk.js` the client as one module that other pages may import; hashed assets
 * may be cached for ever.
 * @throws {PageMissingError} when `web/dist` has not been built
 */
export async function page(app: FastifyInstance): Promise<void> {
  if (!existsSync(join(dist, 'index.html'))) {
    throw new PageMissingError('The page has not been built: start Weir with `npm start`, which builds it.');
  }
  await app.register(serveStatic, {
    root: dist,
    index: false,
    // The build has put compressed copies beside the files.
    preCompressed: true,
    cacheControl: false,
    setHeaders(reply, path) {
      const hashed = path.includes('/assets/');
      reply.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      // The SDK and what it imports are for the pages of others too.
      if (/\.js(\.br|\.gz)?$/.test(path)) reply.header('access-control-allow-origin', '*');
    },
  });
  app.addHook('onSend', async (_request, reply) => {
    reply.headers(headers);
    // Scripts and styles of this origin only, but the SDK is there for everybody.
    reply.header(
      'cross-origin-resource-policy',
      reply.getHeader('access-control-allow-origin') ? 'cross-origin' : 'same-origin',
    );
  });
  const index = (_request: unknown, reply: FastifyReply) => reply.sendFile('index.html');
  app.get('/', index);
  app.get('/r/:room', index);
  app.get('/b/:room', index);
}
