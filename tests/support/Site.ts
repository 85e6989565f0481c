/** Somebody else's web site, and the examples of the README that are pasted into it. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';

/** The first block of HTML under a heading of the README. */
export function readmeExample(heading: string): string {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const section = readme.split(/^#+ /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const block = /^```html\n(.*?)^```$/ms.exec(section)?.[1];
  if (block === undefined) throw new Error(`README.md has no \`\`\`html block under a heading "${heading}".`);
  return block;
}

/** Answers every path with the same page, which may change: a document, or what one consists of. */
export class Site implements AsyncDisposable {
  html = '';
  readonly #server: Server = createServer((_request, response) => {
    const html = this.html.startsWith('<!doctype html>') ? this.html : `<!doctype html>${this.html}`;
    response.setHeader('content-type', 'text/html; charset=utf-8').end(html);
  });

  static async open(): Promise<Site> {
    const site = new Site();
    site.#server.listen(0, '127.0.0.1');
    await once(site.#server, 'listening');
    return site;
  }

  get origin(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the site is not open');
    return `http://127.0.0.1:${address.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
