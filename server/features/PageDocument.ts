/** The HTML document of all pages: renders the URLs of its assets, and the problem that it shows in place of a page. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type PageProblem, pageProblems, TO_START } from '../../shared/pageProblems.ts';
import { assetPrefix, type HtmlBody, htmlBody, sendHtml } from './htmlDocument.ts';

/** Directory of the built page. */
export const dist = fileURLToPath(new URL('../../web/dist', import.meta.url));

/** The page has not been built; `npm start` builds it. */
export class PageMissingError extends Error {
  override readonly name = 'PageMissingError';
}

/** The parts of the built document that are replaced. */
const placeholders = { assets: '"./assets/', title: '<title>Weir</title>', app: '<main id="app"></main>' } as const;
/** In place of `placeholders.app` where there is no page `/diagnose`. */
const APP_WITHOUT_DIAGNOSE = '<main id="app" data-diagnose="off"></main>';
/** The links to what some pages and languages need: the build says which, see preloadLinks in vite.config.ts. */
const PRELOAD_LINK = /\s*<link rel="modulepreload"[^>]* data-for="([^"]*)">/g;

/** The pages whose chunks are preloaded. */
export type PageName = 'start' | 'call' | 'viewer' | 'studio' | 'diagnose';

/** What the document shows: a page, or a problem in its place. */
type Shown = { readonly page: PageName; readonly problem?: undefined } | { readonly problem: PageProblem };

type Language = 'en' | 'ko';

/** The language that the page will choose, as far as a request tells: the page prefers what was chosen in its menu. */
function preferredLanguage(header = ''): Language {
  const tags = header.split(',', 20).map((tag) => tag.trim().slice(0, 2).toLowerCase());
  return tags.find((tag) => tag === 'en' || tag === 'ko') === 'ko' ? 'ko' : 'en';
}

export class PageDocument {
  readonly #template: string;
  readonly #basePath: string;
  readonly #diagnose: boolean;
  readonly #bodies = new Map<string, HtmlBody>();

  /**
   * @param options.diagnose whether the pages link to `/diagnose`
   * @throws {PageMissingError} when the page has not been built
   */
  constructor({ basePath, diagnose }: { readonly basePath: string; readonly diagnose: boolean }) {
    const path = join(dist, 'index.html');
    const template = existsSync(path) ? readFileSync(path, 'utf8') : '';
    if (Object.values(placeholders).some((text) => !template.includes(text))) {
      throw new PageMissingError('The page has not been built: start Weir with `npm start`, which builds it.');
    }
    this.#template = template;
    this.#basePath = basePath;
    this.#diagnose = diagnose;
  }

  /** Sends the page, or the problem in its place. */
  send(request: FastifyRequest, reply: FastifyReply, shown: Shown): FastifyReply {
    const language = preferredLanguage(request.headers['accept-language']);
    const body = this.#body(assetPrefix(request.raw.url ?? '/', this.#basePath), shown, language);
    return sendHtml(request, reply, body, 'accept, accept-encoding, accept-language');
  }

  /** The document as text, for a client of which nothing is known. */
  text(problem: PageProblem): string {
    return this.#render(`${this.#basePath}/`, { problem }, 'en');
  }

  #body(prefix: string, shown: Shown, language: Language): HtmlBody {
    const key = `${prefix} ${shown.problem ?? shown.page} ${language}`;
    const known = this.#bodies.get(key);
    if (known) return known;
    const body = htmlBody(this.#render(prefix, shown, language));
    this.#bodies.set(key, body);
    return body;
  }

  #render(prefix: string, { problem, ...shown }: Shown, language: Language): string {
    const needed: readonly string[] = 'page' in shown ? [shown.page, language] : [language];
    const page = this.#template
      .replace(PRELOAD_LINK, (link, names: string) =>
        names.split(' ').some((name) => needed.includes(name)) ? link : '',
      )
      .replaceAll(placeholders.assets, () => `"${prefix}assets/`);
    if (problem === undefined) return this.#diagnose ? page : page.replace(placeholders.app, APP_WITHOUT_DIAGNOSE);
    // Constant texts and a validated path only: nothing here comes from a request. The page translates the texts.
    const { title, detail } = pageProblems[problem];
    const card = `<div class="centre"><div class="card ended"><h1>${title}</h1><p>${detail}</p><a class="quiet" href="${prefix}">${TO_START}</a></div></div>`;
    return page
      .replace(placeholders.title, `<title>${title} · Weir</title>`)
      .replace(placeholders.app, `<main id="app" data-problem="${problem}">${card}</main>`);
  }
}
