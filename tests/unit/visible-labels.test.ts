/** Of controls with a text and a longer label for screen readers: in each language the label has the text, for those who speak it. */
import { expect, test } from 'vitest';
import { en } from '../../web/view/locales/en.ts';
import { ko } from '../../web/view/locales/ko.ts';

/** What is seen on a button, and what is read out. */
const buttons = [['inviteShort', 'inviteName']] as const;

test.each(Object.entries({ en, ko }))('%s', (_, messages) => {
  const letters = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N} ]/gu, '');
  for (const [seen, label] of buttons) expect(letters(messages[label])).toContain(letters(messages[seen]));
});
