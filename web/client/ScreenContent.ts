/** Decides whether a shared screen shows something to read, which is to be sharp, or a film, which is to be smooth. */

/** As `MediaStreamTrack.contentHint` names it. */
export type Content = 'detail' | 'motion';

/**
 * A film changes all the time, and much of the picture: at least so many frames and bit/s for so many seconds. A pointer
 * that moves over slides gives as many frames, which are small; scrolling is over sooner.
 */
const FILM = { framesPerSecond: 12, bitrate: 300_000, seconds: 3 };
/** With so few frames in a second it is over, so that a slide is sharp at once. */
const OVER = { framesPerSecond: 5 };

export class ScreenContent {
  #content: Content = 'detail';
  /** Seconds for which it has looked like a film. */
  #filmFor = 0;

  get content(): Content {
    return this.#content;
  }

  /**
   * What the screen gave in the last so many seconds.
   * @param bitrate what it was encoded to, in bit/s
   */
  add({ framesPerSecond, bitrate, seconds }: { framesPerSecond: number; bitrate: number; seconds: number }): Content {
    const isFilm = framesPerSecond >= FILM.framesPerSecond && bitrate >= FILM.bitrate;
    this.#filmFor = isFilm ? this.#filmFor + seconds : 0;
    if (this.#filmFor >= FILM.seconds) this.#content = 'motion';
    else if (framesPerSecond < OVER.framesPerSecond) this.#content = 'detail';
    return this.#content;
  }
}
