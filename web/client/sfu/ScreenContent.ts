/** Decides whether a shared screen shows something to read, which is to be sharp, or a film, which is to be smooth. */

/** As `MediaStreamTrack.contentHint` names it. */
export type Content = 'detail' | 'motion';

/**
 * A film changes all the time, and much of the picture: at least so many frames and bit/s for so many seconds. A pointer
 * that moves over slides gives as many frames, which are small; scrolling is over sooner.
 */
const FILM = { framesPerSecond: 8, bitrate: 300_000, seconds: 3 };
/** It is over with so few frames in a second, so that a slide is sharp at once, or with so few bit/s for so many seconds. */
const OVER = { framesPerSecond: 5, bitrate: 150_000, seconds: 5 };
/**
 * While the frame rate is limited, browsers capture and count no more frames than that: a film is then what reaches nearly
 * the limit, with this many bit/s, for so many seconds.
 */
const LIMITED_FILM = { share: 0.8, bitrate: 100_000, seconds: 1.5 };
/** The limit is then lifted for so many seconds, in which a film is one for `film` seconds; if not, it stays for `pause` seconds. */
const PROBE = { seconds: 3.5, film: 1.5, pause: 10 };

/** What a screen gave in the last so many seconds. */
export interface ScreenSample {
  readonly seconds: number;
  readonly framesPerSecond: number;
  /** What it was encoded to, in bit/s. */
  readonly bitrate: number;
  /** To how many frames a second it was limited, if it was. */
  readonly limit?: number;
}

export class ScreenContent {
  #content: Content = 'detail';
  /** Seconds for which it has looked like a film. */
  #filmFor = 0;
  /** Seconds for which a film has hardly changed. */
  #stillFor = 0;
  /** Seconds since the limit was lifted, while it is. */
  #probingFor: number | undefined;
  /** Seconds for which the limit is not lifted. */
  #pause = 0;

  get content(): Content {
    return this.#content;
  }

  /** The frame rate is not to be limited now, so that frames can be counted. */
  get probing(): boolean {
    return this.#probingFor !== undefined;
  }

  add({ seconds, framesPerSecond, bitrate, limit }: ScreenSample): Content {
    const isFilm =
      limit === undefined
        ? framesPerSecond >= FILM.framesPerSecond && bitrate >= FILM.bitrate
        : framesPerSecond >= limit * LIMITED_FILM.share && bitrate >= LIMITED_FILM.bitrate;
    this.#filmFor = isFilm ? this.#filmFor + seconds : 0;
    this.#stillFor = bitrate < OVER.bitrate ? this.#stillFor + seconds : 0;
    this.#pause = Math.max(0, this.#pause - seconds);
    if (this.#probingFor !== undefined) this.#probe(this.#probingFor + seconds, limit);
    else if (limit !== undefined) this.#considerProbe();
    else if (this.#filmFor >= FILM.seconds) this.#content = 'motion';
    else if (framesPerSecond < OVER.framesPerSecond || this.#stillFor >= OVER.seconds) this.#content = 'detail';
    return this.#content;
  }

  #considerProbe(): void {
    this.#content = 'detail';
    if (this.#filmFor < LIMITED_FILM.seconds || this.#pause > 0) return;
    this.#probingFor = 0;
    this.#filmFor = 0;
  }

  #probe(probingFor: number, limit: number | undefined): void {
    this.#probingFor = probingFor;
    // The limit was there for a part of this time.
    if (limit !== undefined) this.#filmFor = 0;
    if (this.#filmFor >= PROBE.film) this.#content = 'motion';
    else if (probingFor < PROBE.seconds) return;
    else this.#pause = PROBE.pause;
    this.#probingFor = undefined;
  }
}
