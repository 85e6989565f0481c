/** A child process that the system does not start: it has no pid. */
import { expect, test } from 'vitest';
import { Child } from '../../scripts/support/process/Child.ts';

test('a child that does not start is an error, and never a pid of 0, which signals take for a whole process group', () => {
  const { execPath } = process;
  process.execPath = '/there/is/no/such/program';
  try {
    expect(() => Child.start(new URL(import.meta.url))).toThrow('The process does not run');
  } finally {
    process.execPath = execPath;
  }
});
