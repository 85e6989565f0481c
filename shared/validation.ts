/** Describes in one plain sentence why a schema refuses data. */
import type { z } from 'zod';

/** Matches a schema's own message that is a whole sentence, written for the person who typed the value. */
const sentence = /^\p{Lu}.*[.?!]$/u;

/**
 * Describes the first issue that a schema found.
 * @param name subject of the sentence where the issue is about the data as a whole
 */
export function validationSentence({ issues: [issue] }: z.ZodError, name = 'The data'): string {
  if (!issue) return `${name} is malformed.`;
  if (issue.code !== 'unrecognized_keys' && sentence.test(issue.message)) return issue.message;
  const path = issue.path.map(String).join('.');
  return `${path === '' ? name : `"${path}"`} ${describeIssue(issue)}.`.slice(0, 512);
}

function describeIssue(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      // zod does not give the value, which may be a secret; only its message says that it is missing.
      if (issue.message.endsWith('received undefined')) return 'is missing';
      return `is not ${article(issue.expected)}`;
    case 'too_big':
      return `is more than ${issue.maximum}${unit(issue.origin)}`;
    case 'too_small':
      return `is less than ${issue.minimum}${unit(issue.origin)}`;
    case 'unrecognized_keys':
      return `has an unknown field "${issue.keys[0] ?? ''}"`;
    case 'invalid_value':
      return `is not one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'custom':
      return issue.message;
    default:
      return /^(is|has|contains) /.test(issue.message) ? issue.message : 'is malformed';
  }
}

const units: Readonly<Record<string, string>> = { string: ' characters long', array: ' entries long' };
const unit = (origin: string) => units[origin] ?? '';

const nouns: Readonly<Record<string, string>> = {
  int: 'a whole number',
  array: 'a list',
  object: 'an object',
};
const article = (type: string) => nouns[type] ?? `a ${type}`;
