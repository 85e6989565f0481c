/** Owns how the page and the SDK are built, and how they are served while developing. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import { defineConfig, type Plugin, type Rolldown } from 'vite';

/** Where `npm run dev` runs the server. */
const server = `http://127.0.0.1:${process.env.WEIR_PORT || '3000'}`;

const absolute = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Puts a compressed copy beside every text file that is built, so that the server compresses nothing twice. */
function precompress(): Plugin {
  return {
    name: 'precompress',
    apply: 'build',
    async writeBundle({ dir = '' }, bundle) {
      const paths = [...Object.keys(bundle), ...(await readdir(absolute('web/public')))].filter((name) =>
        /\.(js|css|html|svg)$/.test(name),
      );
      await Promise.all(
        paths.map(async (name) => {
          const content = await readFile(join(dir, name));
          await writeFile(join(dir, `${name}.br`), await promisify(brotliCompress)(content));
          await writeFile(join(dir, `${name}.gz`), await promisify(gzip)(content, { level: 9 }));
        }),
      );
    },
  };
}

/**
 * Leaves out what mediasoup-client requires and no browser runs: the handler of React Native and the fakes for its tests,
 * together 5 kB of the compressed page. As CommonJS they escape tree shaking.
 */
function omitUnusedHandlers(): Plugin {
  return {
    name: 'omit-unused-handlers',
    apply: 'build',
    load: (id) => (/mediasoup-client\/lib\/(handlers\/(ReactNative|Fake)|test\/)/.test(id) ? 'export {};' : undefined),
  };
}

/**
 * Leaves out of zod what converts schemas to JSON Schema, which no page does: 8 kB of the compressed page. The methods of every
 * schema refer to it, so that tree shaking keeps it. `npm run docs` runs in Node and has all of zod.
 */
function omitJsonSchema(): Plugin {
  const left = /zod\/v4\/core\/(to-json-schema|json-schema-processors)\.js$/;
  return {
    name: 'omit-json-schema',
    apply: 'build',
    async load(id) {
      if (!left.test(id)) return undefined;
      const names = [...(await readFile(id, 'utf8')).matchAll(/^export (?:const|function) (\w+)/gm)].map(
        ([, name]) => name,
      );
      const stubs = names.map((name) => `export const ${name} = omitted;`).join('\n');
      return `const omitted = () => { throw new Error('The page has no JSON Schema.'); };\n${stubs}\nexport { omitted as process };`;
    },
  };
}

/**
 * Leaves out what the schemas of the protocol say about themselves, which `npm run docs` prints, and no page shows: 6 kB of the
 * compressed page.
 */
function omitDescriptions(): Plugin {
  const text = String.raw`(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\`(?:[^\`\\]|\\.)*\`)`;
  const descriptions = new RegExp(String.raw`\.describe\(\s*${text}\s*,?\s*\)`, 'g');
  const abouts = new RegExp(String.raw`\babout:\s*${text}`, 'g');
  return {
    name: 'omit-descriptions',
    apply: 'build',
    transform: (code, id) =>
      id.startsWith(absolute('shared/'))
        ? { code: code.replace(descriptions, '').replace(abouts, "about: ''"), map: null }
        : undefined,
  };
}

/** What the document preloads, by the names that server/features/PageDocument.ts knows. */
const preloaded = {
  start: 'web/view/start/startPage.ts',
  call: 'web/view/call/callPage.ts',
  viewer: 'web/view/broadcast/viewer/viewerPage.ts',
  studio: 'web/view/broadcast/studio/studioPage.ts',
  diagnose: 'web/view/diagnose/diagnosePage.ts',
  ko: 'web/view/locales/ko.ts',
} as const;

/**
 * Writes into the document which chunks each page and language needs beside those that all need. The server keeps the links of the
 * page that is asked for, so that `import()` in main.ts costs no round trip.
 */
function preloadLinks(): Plugin {
  return {
    name: 'preload-links',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle = {} }) {
        const chunks = Object.values(bundle).filter((file) => file.type === 'chunk');
        /** A chunk and all that it imports. */
        const closure = (name: string, found = new Set<string>()): Set<string> => {
          const chunk = chunks.find(({ fileName }) => fileName === name);
          if (!chunk || found.has(name)) return found;
          found.add(name);
          for (const imported of chunk.imports) closure(imported, found);
          return found;
        };
        const users = new Map<string, string[]>();
        for (const [name, path] of Object.entries(preloaded)) {
          const entry = chunks.find(({ facadeModuleId }) => facadeModuleId === absolute(path));
          if (!entry) throw new Error(`${path} is no chunk of its own any more: preloadLinks cannot find it.`);
          for (const file of closure(entry.fileName)) {
            if (!html.includes(file)) users.set(file, [...(users.get(file) ?? []), name]);
          }
        }
        return [...users].map(([file, names]) => ({
          tag: 'link',
          attrs: { rel: 'modulepreload', crossorigin: true, href: `./${file}`, 'data-for': names.join(' ') },
          injectTo: 'head',
        }));
      },
    },
  };
}

const sdkModules = new Set<string>();

/** The chunk of what the SDK imports statically; what it loads on demand stays apart. */
function sdkChunk(id: string, context: Rolldown.ChunkingContext): string | undefined {
  if (sdkModules.size === 0) {
    const add = (module: string): void => {
      if (sdkModules.has(module)) return;
      sdkModules.add(module);
      context.getModuleInfo(module)?.importedIds.forEach(add);
    };
    add(absolute('web/client/index.ts'));
  }
  return sdkModules.has(id) ? 'client' : undefined;
}

export default defineConfig({
  plugins: [omitUnusedHandlers(), omitJsonSchema(), omitDescriptions(), preloadLinks(), precompress()],
  root: 'web',
  // The server says under which path the page is: see server/features/page.ts.
  base: './',
  // `/`, `/r/<room>` and `/b/<room>` are one page; `/watch/<room>` and `/player.html` are files of web/public.
  appType: 'spa',
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // Absolute: the build reads paths from the working directory, the dependency scan of `npm run dev` from `root`.
      input: { page: absolute('web/index.html'), sdk: absolute('web/client/index.ts') },
      // The SDK is imported by other pages: its name stays, and so do its exports.
      preserveEntrySignatures: 'exports-only',
      output: {
        entryFileNames: ({ name }) => (name === 'sdk' ? 'sdk.js' : 'assets/[name]-[hash].js'),
        // What several pages use is one file instead of a dozen small ones.
        codeSplitting: {
          groups: [
            { name: sdkChunk, debugName: 'client', minShareCount: 2, priority: 1 },
            { name: 'common', test: /web\/view\/|lucide/, minShareCount: 2 },
          ],
        },
      },
    },
  },
  server: {
    proxy: {
      '/ws': { target: server, ws: true },
      ...Object.fromEntries(
        ['/api', '/health', '/ready', '/watch/', '/player.html', '/whip', '/whep/'].map((path) => [path, server]),
      ),
    },
  },
});
