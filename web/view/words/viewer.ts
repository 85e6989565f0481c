/** Owns the words of the page on which a broadcast is watched, in all languages. */

export const viewerWords = {
  en: {
    watching: '{count} watching',
  },
  ko: {
    watching: '{count}명 시청 중',
  },
} as const;
