/** Builds the script of the pages with the fake client, once for all test files of a project. */
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The script of the pages with the fake client. */
    fakeClientPage: string;
  }
}

const absolute = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default async function setup(project: TestProject): Promise<void> {
  const built = await build({
    configFile: false,
    root: absolute('../../../web'),
    base: './',
    logLevel: 'warn',
    plugins: [
      {
        name: 'fake-client',
        enforce: 'pre',
        resolveId: (source) =>
          source.endsWith('/defaultDependencies.ts') ? absolute('fakeDependencies.ts') : undefined,
      },
    ],
    build: {
      write: false,
      target: 'es2022',
      modulePreload: false,
      minify: true,
      rolldownOptions: { input: absolute('../../../web/main.ts'), output: { codeSplitting: false } },
    },
  });
  const outputs = 'close' in built ? [] : [built].flat().flatMap(({ output }) => output);
  const [script, ...others] = outputs.flatMap((part) => (part.type === 'chunk' ? part.code : []));
  if (script === undefined || others.length > 0) throw new Error('the pages with the fake client are not one script');
  project.provide('fakeClientPage', script);
}
