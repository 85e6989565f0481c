/** Owns how the page and the SDK are built, and how they are served while developing. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** Where `npm run dev` runs the server. */
const server = `http://127.0.0.1:${process.env.WEIR_PORT || '3000'}`;

const absolute = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Puts a compressed copy beside every text file that is built, so that the server compresses nothing twice. */
function precompress(): Plugin {
  return {
    name: 'precompress',
    apply: 'build',
    async writeBundle({ dir = '' }, bundle) {
      const paths = Object.keys(bundle).filter((name) => /\.(js|css|html|svg)$/.test(name));
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

export default defineConfig({
  plugins: [omitUnusedHandlers(), precompress()],
  root: 'web',
  // The server says under which path the page is: see server/features/page.ts.
  base: './',
  // `/`, `/r/<room>` and `/b/<room>` are one page.
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
      output: { entryFileNames: ({ name }) => (name === 'sdk' ? 'sdk.js' : 'assets/[name]-[hash].js') },
    },
  },
  server: { proxy: { '/ws': { target: server, ws: true }, '/api': server, '/health': server, '/ready': server } },
});
