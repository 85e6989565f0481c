/** Owns the words of the studio of a broadcast, in all languages. */

export const studioWords = {
  en: {
    onAir: 'On air',
  },
  ko: {
    onAir: '방송 중',
  },
} as const;
