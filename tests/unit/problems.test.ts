/** Owns the proof that whatever can end a call, or keep somebody out of one, is said in words. */
import { describe, expect, test } from 'vitest';
import { closings } from '../../shared/closing.ts';
import { connectReasons, errorReasons } from '../../shared/errors.ts';
import { byReason } from '../../web/view/problems.ts';
import { en } from '../../web/view/words/en.ts';
import { ko } from '../../web/view/words/ko.ts';

const reasons = [errorReasons, connectReasons, closings].flatMap((table) => Object.keys(table));

describe('words', () => {
  // Who leaves needs no reason.
  test.each(reasons.filter((reason) => reason !== 'left'))(
    'say what "%s" is and what to do, in all languages',
    (reason) => {
      const key = byReason[reason];
      if (!key) throw new Error('there are no words for it');
      for (const words of [en[key], ko[key]]) {
        expect(words.length).toBeGreaterThan(20);
        expect(words).toMatch(/[.。]$/);
      }
    },
  );
});
