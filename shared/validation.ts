/** What is said of data that a schema refuses: one sentence in plain words, whoever reads it. */
import type { z } from 'zod';

/** A message of a schema that is a sentence already, written for whoever typed the value. */
const sentence = /^\p{Lu}.*[.?!]$/u;

/**
 * The first fault that a schema found.
 * @param name what the data is, for faults of the whole of it
 */
export function validationSentence({ issues: [issue] }: z.ZodError, name = 'The data'): string {
  if (!issue) return `${name} is malformed.`;
  if (issue.code !== 'unrecognized_keys' && sentence.test(issue.message)) return issue.message;
  const path = issue.path.map(String).join('.');
  return `${path === '' ? name : `"${path}"`} ${fault(issue)}.`.slice(0, 512);
}

function fault(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      // The schema does not hand the value on, which may be a secret; its own words tell that there is none.
      if (issue.message.endsWith('received undefined')) return 'is missing';
      return `is not ${article(issue.expected)}`;
    case 'too_big':
      return `is more than ${issue.maximum}${unit(issue.origin)}`;
    case 'too_small':
      return `is less than ${issue.minimum}${unit(issue.origin)}`;
    case 'unrecognized_keys':
      return `has a field that is not known here: "${issue.keys[0] ?? ''}"`;
    case 'invalid_value':
      return `is none of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'custom':
      return issue.message;
    default:
      return /^(is|has|contains) /.test(issue.message) ? issue.message : 'does not have the form that it should have';
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
