/** Covers the sentences for data that a schema refuses, which are never zod's own. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { clientMessages } from '../../shared/protocol.ts';
import { validationSentence } from '../../shared/validation.ts';

const sentenceFor = (schema: z.ZodType, data: unknown) => {
  const { error } = schema.safeParse(data);
  if (!error) throw new Error('It was accepted.');
  return validationSentence(error);
};

describe('the sentence for invalid data', () => {
  const schema = z.strictObject({
    text: z.string().max(3).optional(),
    count: z.int().min(2).max(5).optional(),
    kind: z.enum(['call', 'broadcast']).optional(),
    list: z
      .array(z.object({ id: z.string() }))
      .max(1)
      .optional(),
    either: z.union([z.string(), z.number()]).optional(),
    form: z.string().regex(/^a+$/).optional(),
    own: z.string().regex(/^a+$/, { error: 'is not made of a' }).optional(),
    told: z.string().regex(/^a+$/, { error: 'Write a only.' }).optional(),
  });

  test.each([
    [{ text: 7 }, '"text" is not a string.'],
    [{ text: 'four' }, '"text" is more than 3 characters long.'],
    [{ count: 6 }, '"count" is more than 5.'],
    [{ count: 1 }, '"count" is less than 2.'],
    [{ count: 2.5 }, '"count" is not a whole number.'],
    [{ kind: 'party' }, '"kind" is not one of "call", "broadcast".'],
    [{ list: [{}] }, '"list.0.id" is missing.'],
    [{ list: [{ id: 'a' }, { id: 'b' }] }, '"list" is more than 1 entries long.'],
    [{ either: {} }, '"either" is malformed.'],
    [{ form: 'b' }, '"form" is malformed.'],
    [{ own: 'b' }, '"own" is not made of a.'],
    [{ told: 'b' }, 'Write a only.'],
    [{ more: 1 }, 'The data has an unknown field "more".'],
    ['text', 'The data is not an object.'],
  ])('%j: %s', (data, sentence) => {
    expect(sentenceFor(schema, data)).toBe(sentence);
  });

  test('of a join is written for the person who typed it', () => {
    const request = clientMessages.requests.join.request;
    const join = { room: 'room', rtpCapabilities: {}, transports: { send: true, recv: true } };
    expect(sentenceFor(request, { ...join, name: 'x'.repeat(101) })).toBe('A name may have up to 100 characters.');
    expect(sentenceFor(request, { ...join, room: 'a/b' })).toMatch(/^A room name has 1 to 256 visible characters/);
    expect(sentenceFor(request, { ...join, room: 'x'.repeat(5000) })).toMatch(
      /^A room name has 1 to 256 visible characters/,
    );
    expect(sentenceFor(request, { ...join, guest: 'short' })).toBe('"guest" is not 22 to 86 characters of base64url.');
  });
});
