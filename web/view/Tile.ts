/** Owns one tile: a picture, a voice, a name. */
import { element } from './dom.ts';

/** Two letters that stand for a name. */
function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  return [words[0], words.length > 1 ? words.at(-1) : undefined]
    .map((word) => (word ? [...word][0] : ''))
    .join('')
    .toUpperCase();
}

/** A hue that is the same for a name everywhere. */
function hue(name: string): number {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 360;
  return sum;
}

export interface TileOptions {
  readonly name: string;
  readonly data: Record<string, string>;
  /** A screen is shown whole and never mirrored; one's own camera is mirrored. */
  readonly kind: 'remote' | 'own' | 'screen';
  /** Sound was refused until the user does something. */
  onSoundRefused?(audio: HTMLAudioElement): void;
}

export class Tile {
  readonly root: HTMLElement;
  readonly #video: HTMLVideoElement;
  readonly #audio: HTMLAudioElement;
  readonly #mark: HTMLElement;
  readonly #options: TileOptions;

  constructor(options: TileOptions) {
    this.#options = options;
    // The voice has an element of its own: a browser that refuses sound still shows the picture.
    this.#video = element('video', { autoplay: true, playsInline: true, muted: true });
    this.#audio = element('audio', { autoplay: true });
    this.#mark = element('span', { className: 'mark', hidden: true }, 'muted');
    const letters = element('span', { className: 'initials', ariaHidden: 'true' }, initials(options.name));
    letters.style.setProperty('--hue', String(hue(options.name)));
    this.root = element(
      'section',
      { className: `tile ${options.kind}`, data: options.data, ariaLabel: options.name },
      letters,
      this.#video,
      this.#audio,
      element('span', { className: 'chip' }, element('span', {}, options.name), this.#mark),
    );
    this.#video.addEventListener('loadeddata', () => this.root.classList.add('live'));
  }

  /** Shows a picture, or the initials when there is none. */
  showVideo(track: MediaStreamTrack | undefined): void {
    this.root.classList.toggle('has-video', track !== undefined);
    this.root.classList.remove('live');
    this.#video.srcObject = track ? new MediaStream([track]) : null;
  }

  /** Plays a voice. */
  playAudio(track: MediaStreamTrack | undefined): void {
    this.#audio.srcObject = track ? new MediaStream([track]) : null;
    if (!track) return;
    this.#audio.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === 'NotAllowedError')
        this.#options.onSoundRefused?.(this.#audio);
    });
  }

  /** Says whether the microphone is muted or off. */
  setMuted(muted: boolean): void {
    this.#mark.hidden = !muted;
  }

  /** Hides the picture of a camera that is paused. */
  setPaused(paused: boolean): void {
    this.root.classList.toggle('paused', paused);
  }

  remove(): void {
    this.#video.srcObject = null;
    this.#audio.srcObject = null;
    this.root.remove();
  }
}
