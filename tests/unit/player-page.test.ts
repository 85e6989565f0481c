/** Tests that the player to copy, web/public/player.html, stays one short and readable file. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const page = readFileSync(new URL('../../web/public/player.html', import.meta.url), 'utf8');
const lines = page.trimEnd().split('\n');

test('the player to copy has at most 45 lines of at most 120 characters, with one statement each', () => {
  expect(lines.length).toBeLessThanOrEqual(45);
  expect(lines.filter((line) => line.length > 120)).toEqual([]);
  // Behind a semicolon there is nothing but a comment; `for`, and the regular expression, have semicolons of their own.
  const rest = lines.map((line) => line.replace(/^ *for \(.*|= \/.*\/g/, ''));
  expect(rest.filter((line) => /; *(?!\/\/)\S/.test(line))).toEqual([]);
});

test('the player to copy needs nothing else', () => {
  expect(page).not.toMatch(/\bsrc=|\bhref=|\bimport\b|\beval\b/);
});
