/** Owns how the page and the SDK are built, and how they are served while developing. */
import { defineConfig } from 'vite';

/** Where `npm run dev` runs the server. */
const server = `http://127.0.0.1:${process.env.WEIR_PORT || '3000'}`;

export default defineConfig({
  root: 'web',
  // `/r/<room>` and `/` are one page.
  appType: 'spa',
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { page: 'web/index.html', sdk: 'web/client/index.ts' },
      // The SDK is imported by other pages: its name stays, and so do its exports.
      preserveEntrySignatures: 'exports-only',
      output: { entryFileNames: ({ name }) => (name === 'sdk' ? 'sdk.js' : 'assets/[name]-[hash].js') },
    },
  },
  server: { proxy: { '/ws': { target: server, ws: true }, '/health': server, '/ready': server } },
});
