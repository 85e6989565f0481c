/** Tests of the classification of shared screens: detail (slides, text) or motion (a film). */
import { describe, expect, test } from 'vitest';
import { ScreenContent, type ScreenSample } from '../../web/client/sfu/ScreenContent.ts';

/** Samples of a screen, one second each. */
const still = { framesPerSecond: 1, bitrate: 20_000, seconds: 1 };
const slide = { framesPerSecond: 2, bitrate: 1_500_000, seconds: 1 };
const pointer = { framesPerSecond: 30, bitrate: 120_000, seconds: 1 };
const film = { framesPerSecond: 25, bitrate: 1_800_000, seconds: 1 };

function contents(...seconds: ScreenSample[]) {
  const screen = new ScreenContent();
  return seconds.map((second) => screen.add(second));
}

test('slides with a moving pointer are detail, for any length of time', () => {
  const talk = Array.from({ length: 20 }, () => [still, slide, pointer, pointer, pointer, pointer]).flat();
  expect(new Set(contents(...talk))).toEqual(new Set(['detail']));
});

test('two seconds of scrolling are detail, and a film is motion after three', () => {
  expect(contents(film, film, still, film, film, film, film)).toEqual([
    ...['detail', 'detail', 'detail', 'detail', 'detail', 'motion', 'motion'],
  ]);
});

test('a film stays motion through a scene with little movement, and a slide after it is detail at once', () => {
  expect(contents(film, film, film, pointer, film, slide)).toEqual([
    ...['detail', 'detail', 'motion', 'motion', 'motion', 'detail'],
  ]);
});

test('five seconds at a low bitrate are no longer motion', () => {
  const after = contents(film, film, film, pointer, pointer, pointer, pointer, pointer, pointer);
  expect(after.slice(2)).toEqual(['motion', 'motion', 'motion', 'motion', 'motion', 'detail', 'detail']);
});

describe('while the frame rate is limited', () => {
  /** A screen whose frame rate is limited by the classification, second by second. */
  class Limited {
    readonly #screen = new ScreenContent();

    /** @returns seconds in which the limit was lifted */
    show({ framesPerSecond, bitrate }: ScreenSample, seconds: number): number {
      let lifted = 0;
      for (let second = 0; second < seconds; second += 1) {
        const free = this.#screen.probing || this.#screen.content === 'motion';
        lifted += free ? 1 : 0;
        const limited = {
          framesPerSecond: Math.min(5, framesPerSecond),
          bitrate: Math.min(bitrate, 600_000),
          limit: 5,
        };
        this.#screen.add({ seconds: 1, ...(free ? { framesPerSecond, bitrate } : limited) });
      }
      return lifted;
    }

    get content() {
      return this.#screen.content;
    }
  }

  test('a film is smooth after two seconds, and is motion once its frames have been counted', () => {
    const screen = new Limited();
    expect(screen.show(film, 2)).toBe(0);
    expect(screen.show(film, 2)).toBe(2);
    expect(screen.content).toBe('motion');
    screen.show(still, 1);
    expect(screen.content).toBe('detail');
    expect(screen.show(still, 100)).toBe(0);
  });

  test('a pointer, a caret and slides stay detail, and the limit is seldom lifted', () => {
    const screen = new Limited();
    expect(screen.show(still, 60) + screen.show(slide, 60)).toBe(0);
    expect(screen.show({ ...pointer, bitrate: 60_000 }, 60)).toBe(0);
    const lifted = screen.show(pointer, 65);
    expect(lifted).toBeGreaterThan(0);
    expect(lifted).toBeLessThan(65 / 3);
    expect(screen.content).toBe('detail');
  });

  test('a film that begins between two probes is detected by the next one', () => {
    const screen = new Limited();
    screen.show(pointer, 6);
    screen.show(film, 20);
    expect(screen.content).toBe('motion');
  });

  test('seconds in which the limit changed are not counted', () => {
    const screen = new ScreenContent();
    const limited = { framesPerSecond: 5, bitrate: 600_000, seconds: 1, limit: 5 };
    for (const sample of [limited, limited, limited, film]) screen.add(sample);
    expect([screen.content, screen.probing]).toEqual(['detail', true]);
    screen.add(film);
    expect([screen.content, screen.probing]).toEqual(['motion', false]);
  });
});
