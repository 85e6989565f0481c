/** Tests that the image has every file that the commands in it import. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);

/** The files that a module imports by their path, itself, and what these import. */
function closure(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  const source = readFileSync(new URL(file, root), 'utf8');
  for (const [, path = ''] of source.matchAll(/^(?:import|export) .*?from '(\.[^']+)'/gms)) {
    closure(new URL(path, new URL(file, root)).href.slice(root.href.length), found);
  }
  return found;
}

test('the image has what its commands import', () => {
  const collect = readFileSync(new URL('docker/collect.mjs', root), 'utf8');
  const [, list = ''] = /const parts = \[(.*?)^\];/ms.exec(collect) ?? [];
  const parts = [...list.matchAll(/'([^']+)'/g)].map(([, path = '']) => path);
  expect(parts).toContain('scripts/token.ts');
  for (const part of parts) if (part !== 'web/dist') expect(existsSync(new URL(part, root)), part).toBe(true);
  const isThere = (file: string) => parts.some((part) => file === part || file.startsWith(`${part}/`));
  const commands = parts.filter((part) => /^(scripts|docker)\/.*\.ts$/.test(part));
  const isFile = (path: string) => statSync(fileURLToPath(new URL(path, root))).isFile();
  const imported = [...new Set(commands.filter(isFile).flatMap((command) => [...closure(command)]))];
  expect(imported.length).toBeGreaterThan(20);
  expect(imported.filter((file) => !isThere(file))).toEqual([]);
});
