/** Owns one tile: a picture or initials, a name, the marks on it, and whether the picture stands still. */
import { Hand, MicOff, Pin, PinOff, WifiOff } from 'lucide';
import { element, hueOf, icon, initials } from './dom.ts';
import { say } from './words/index.ts';

export interface TileOptions {
  readonly kind: 'person' | 'own' | 'screen';
  onPin?(): void;
}

/** What a tile shows. */
export interface TileState {
  readonly label: string;
  /** The name that the initials and their colour come from. */
  readonly name: string;
  readonly video: MediaStreamTrack | undefined;
  /** A picture is to come: shimmer until it does. */
  readonly expectsVideo: boolean;
  readonly muted: boolean;
  readonly hand: boolean;
  readonly pinned: boolean;
  /** Whose it is, for the page's `data-` attributes: a person who comes back has the same tile. */
  readonly data?: Readonly<Record<string, string>>;
  /** The connection of its owner is lost: the picture stays as it was. */
  readonly away?: boolean;
}

/** A picture that has not changed for so long counts as frozen, in milliseconds. */
const FROZEN_AFTER = 2000;

export class Tile {
  readonly root: HTMLElement;
  readonly video = element('video', { autoplay: true, playsInline: true, muted: true, disablePictureInPicture: false });
  readonly #initials = element('span', { className: 'initials', ariaHidden: 'true' });
  readonly #label = element('span', { className: 'label' });
  readonly #muted: HTMLElement;
  readonly #hand: HTMLElement;
  readonly #slow: HTMLElement;
  readonly #pin: HTMLButtonElement | undefined;
  #lastFrame = 0;
  #away = false;
  #track: MediaStreamTrack | undefined;

  constructor({ kind, onPin }: TileOptions) {
    const mark = (name: string, words: string, node: Parameters<typeof icon>[0]) =>
      element(
        'span',
        { className: `mark ${name}`, hidden: true, role: 'img', ariaLabel: words, title: words },
        icon(node, 16),
      );
    this.#muted = mark('muted', say('muted'), MicOff);
    this.#hand = mark('hand', say('handRaised'), Hand);
    this.#slow = element('span', { className: 'slow', hidden: true });
    this.#pin = onPin && element('button', { type: 'button', className: 'pin round small' });
    this.#pin?.addEventListener('click', () => onPin?.());
    this.root = element(
      'section',
      // A tap focuses it, which shows its buttons where there is no hovering.
      { className: `tile ${kind}`, tabIndex: -1 },
      this.#initials,
      this.video,
      this.#slow,
      element('span', { className: 'chip' }, this.#hand, this.#muted, this.#label),
      this.#pin,
    );
    this.#watchFrames();
  }

  /** Whether the picture has stood still for too long while it should move. */
  get frozen(): boolean {
    if (!this.#track || this.#lastFrame === 0 || document.hidden || this.video.paused) return false;
    return performance.now() - this.#lastFrame > FROZEN_AFTER;
  }

  /** The browser pauses a video that leaves the page: whoever puts its tile back starts it again. */
  resume(): void {
    if (this.#away || !this.#track || !this.video.paused) return;
    if (this.#lastFrame > 0) this.#lastFrame = performance.now();
    this.video.play().catch(() => {});
  }

  show({ label, name, video, expectsVideo, muted, hand, pinned, data = {}, away = false }: TileState): void {
    Object.assign(this.root.dataset, data);
    this.#away = away;
    if (this.#label.textContent !== label) {
      this.#label.textContent = label;
      this.#initials.textContent = initials(name);
      this.#initials.style.setProperty('--hue', String(hueOf(name)));
      this.root.setAttribute('aria-label', label);
    }
    this.#showVideo(video);
    this.root.classList.toggle('waiting', expectsVideo);
    this.#muted.hidden = !muted;
    this.#hand.hidden = !hand;
    if (!this.#pin) return;
    const words = say(pinned ? 'unpin' : 'pin', { name });
    if (this.#pin.ariaLabel === words) return;
    this.#pin.ariaLabel = words;
    this.#pin.title = words;
    this.#pin.replaceChildren(icon(pinned ? PinOff : Pin, 18));
  }

  /** The ring that follows the voice. */
  setSpeaking(speaking: boolean): void {
    this.root.classList.toggle('speaking', speaking);
  }

  /** Dims a picture that stands still, and says whose connection it is where `words` has any. */
  setSlow(frozen: boolean, words: string | undefined): void {
    this.root.classList.toggle('frozen', frozen);
    const shown = frozen ? words : undefined;
    this.#slow.hidden = shown === undefined;
    if (shown !== undefined && this.#slow.lastChild?.textContent !== shown) {
      this.#slow.replaceChildren(icon(WifiOff, 18), shown);
    }
  }

  remove(): void {
    this.#showVideo(undefined);
    this.root.remove();
  }

  #showVideo(track: MediaStreamTrack | undefined): void {
    if (track === this.#track) return;
    this.#track = track;
    this.#lastFrame = 0;
    this.root.classList.toggle('has-video', track !== undefined);
    this.root.classList.remove('live');
    this.video.srcObject = track ? new MediaStream([track]) : null;
  }

  /** A tile is live from its first frame on: until then there is a shimmer, never a black rectangle. */
  #watchFrames(): void {
    const onFrame = () => {
      if (this.#track) {
        this.#lastFrame = performance.now();
        this.root.classList.add('live');
      }
      this.video.requestVideoFrameCallback(onFrame);
    };
    this.video.requestVideoFrameCallback(onFrame);
    // The browser shows no frames of a page that is hidden; its return is no freeze.
    document.addEventListener('visibilitychange', () => {
      if (this.#lastFrame > 0) this.#lastFrame = performance.now();
    });
  }
}
