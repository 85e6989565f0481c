/** Classifies the content of a shared screen: text and slides, which must be sharp, or a film, which must be smooth. */

/** As `MediaStreamTrack.contentHint` names it. */
export type Content = 'detail' | 'motion';

/**
 * A film changes continuously, and much of the picture: at least this frame rate and bitrate (bit/s) for this many seconds.
 * A pointer that moves over slides gives as many frames, but small ones; scrolling takes less time.
 */
const FILM = { framesPerSecond: 8, bitrate: 300_000, seconds: 3 };
/** The film has ended below this frame rate, at once so that a slide is sharp, or below this bitrate for this many seconds. */
const OVER = { framesPerSecond: 5, bitrate: 150_000, seconds: 5 };
/**
 * While the frame rate is limited, browsers capture and count no more frames than the limit. Then a film is what reaches
 * this share of the limit, with this bitrate (bit/s), for this many seconds.
 */
const LIMITED_FILM = { share: 0.8, bitrate: 100_000, seconds: 1.5 };
/** Then the limit is lifted for `seconds`. If there is no film for `film` seconds of them, it is not lifted again for `pause` seconds. */
const PROBE = { seconds: 3.5, film: 1.5, pause: 10 };

/** What was captured and sent in the last `seconds`. */
export interface ScreenSample {
  readonly seconds: number;
  readonly framesPerSecond: number;
  /** The bitrate that was sent, in bit/s. */
  readonly bitrate: number;
  /** The limit of the frame rate, if there was one. */
  readonly limit?: number;
}

export class ScreenContent {
  #content: Content = 'detail';
  /** For how many seconds the samples have been those of a film. */
  #filmFor = 0;
  /** For how many seconds the bitrate has been too low for a film. */
  #stillFor = 0;
  /** For how many seconds the limit has been lifted, if it is. */
  #probingFor: number | undefined;
  /** For how many more seconds the limit may not be lifted. */
  #pause = 0;

  get content(): Content {
    return this.#content;
  }

  /** Whether the limit of the frame rate is to be lifted, so that frames can be counted. */
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
    // The limit was still in effect for a part of this sample.
    if (limit !== undefined) this.#filmFor = 0;
    if (this.#filmFor >= PROBE.film) this.#content = 'motion';
    else if (probingFor < PROBE.seconds) return;
    else this.#pause = PROBE.pause;
    this.#probingFor = undefined;
  }
}
