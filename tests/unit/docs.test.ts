/** Tests that the generated pages are up to date. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generatedPages, protocolPage } from '../../scripts/docs.ts';
import { clientMessages, serverMessages } from '../../shared/protocol.ts';

test.each(generatedPages().map((page) => [page.path.pathname.split('/').at(-1), page] as const))(
  '%s is up to date (if not: npm run docs)',
  (_name, { path, content }) => {
    expect(readFileSync(path, 'utf8')).toBe(content);
  },
);

test('the protocol page names every request and every event', () => {
  const names = [clientMessages, serverMessages].flatMap(({ requests, events }) => [
    ...Object.keys(requests),
    ...Object.keys(events),
  ]);
  const page = protocolPage();
  for (const name of names) expect(page).toContain(`### \`${name}\``);
});
