/** Owns the proof of what a shared screen is taken for: slides and text, or a film. */
import { expect, test } from 'vitest';
import { ScreenContent } from '../../web/client/ScreenContent.ts';

/** What a screen gives in one second. */
const still = { framesPerSecond: 1, bitrate: 20_000, seconds: 1 };
const slide = { framesPerSecond: 2, bitrate: 1_500_000, seconds: 1 };
const pointer = { framesPerSecond: 30, bitrate: 120_000, seconds: 1 };
const film = { framesPerSecond: 25, bitrate: 1_800_000, seconds: 1 };

function contents(...seconds: (typeof still)[]) {
  const screen = new ScreenContent();
  return seconds.map((second) => screen.add(second));
}

test('slides and a pointer on them are detail, also for long', () => {
  const talk = Array.from({ length: 20 }, () => [still, slide, pointer, pointer, pointer, pointer]).flat();
  expect(new Set(contents(...talk))).toEqual(new Set(['detail']));
});

test('what scrolls for two seconds is detail, and a film is motion after three', () => {
  expect(contents(film, film, still, film, film, film, film)).toEqual([
    ...['detail', 'detail', 'detail', 'detail', 'detail', 'motion', 'motion'],
  ]);
});

test('a film stays motion through a scene with little in it, and a slide after it is detail at once', () => {
  expect(contents(film, film, film, pointer, film, slide)).toEqual([
    ...['detail', 'detail', 'motion', 'motion', 'motion', 'detail'],
  ]);
});
