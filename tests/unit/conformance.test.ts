/** Tests that each row of the conformance tables of WHIP and WHEP names tests that exist. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe.each(['docs/whip.md', 'docs/whep.md'])('%s', (path) => {
  const [, conformance = ''] = read(path).split('## Conformance');
  const rows = conformance.split('\n').filter((line) => /^\| +[\d|]/.test(line));
  /** `"media" is tests/media/whip.test.ts`, for example; the word between may be missing. */
  const files = new Map(
    [...conformance.matchAll(/"(\w+)"(?: is)?\s(tests\/[\w/-]+\.test\.ts)/g)].map(([, name = '', file = '']) => [
      name,
      read(file),
    ]),
  );

  test('has rows', () => {
    expect(rows.length).toBeGreaterThan(30);
    expect(files.size).toBeGreaterThan(4);
  });

  test.each(rows)('%s', (row) => {
    const tests = row.split('|')[4]?.trim() ?? '';
    for (const part of tests.split('; ')) {
      const [, file = '', names = ''] = /^(\w+): (.*)$/.exec(part) ?? [];
      const titles = [...names.matchAll(/"([^"]+)"/g)].map(([, title = '']) => title);
      expect(titles.length).toBeGreaterThan(0);
      for (const title of titles) expect(files.get(file), `${file} has no test "${title}"`).toContain(title);
    }
  });
});
