/** Owns one tile: a picture or initials, a name, the marks on it, and whether the picture stands still. */
import { Hand, MicOff, Pin, PinOff, WifiOff } from 'lucide';
import { observeVisibleSize, type VisibleSize } from '../../client/index.ts';
import { translate } from '../locales/index.ts';
import { element, hueOf, icon, initials } from './dom.ts';
import { LastFrame } from './LastFrame.ts';

export interface TileOptions {
  readonly kind: 'participant' | 'local' | 'screen';
  onPin?(): void;
  /** The picture is now seen in this size, in device pixels, or not at all. */
  onSize?(size: VisibleSize): void;
}

/** What a tile shows. */
export interface TileState {
  readonly label: string;
  /** The name that the initials and their colour come from. */
  readonly name: string;
  readonly video: MediaStreamTrack | undefined;
  /** A picture is to come: shimmer until it does, where there was none. */
  readonly expectsVideo: boolean;
  /** The codec of a picture that this browser cannot play. */
  readonly unsupportedCodec?: string | undefined;
  readonly muted: boolean;
  readonly handRaised: boolean;
  readonly pinned: boolean;
  /** Whose it is, for the page's `data-` attributes: a person who comes back has the same tile. */
  readonly data?: Readonly<Record<string, string>>;
  /** The connection of its owner is lost: the picture stays as it was. */
  readonly away?: boolean;
}

/** A picture whose last frames came at this rate or faster moves: frames a second, and how many frames are looked at. */
const MOVING = { rate: 5, frames: 6 };

export class Tile {
  readonly root: HTMLElement;
  readonly video = element('video', { autoplay: true, playsInline: true, muted: true, disablePictureInPicture: false });
  readonly #initials = element('span', { className: 'avatar', ariaHidden: 'true' });
  readonly #label = element('span', { className: 'label' });
  readonly #muted: HTMLElement;
  readonly #hand: HTMLElement;
  readonly #connectionNotice: HTMLElement;
  readonly #unsupportedNotice = element('p', { className: 'unsupported-notice', hidden: true });
  readonly #lastPicture = new LastFrame();
  readonly #unobserve: (() => void) | undefined;
  /** Aborted when the tile is removed: listeners outside of it must not keep it alive. */
  readonly #removed = new AbortController();
  readonly #pin: HTMLButtonElement | undefined;
  #lastFrame = 0;
  /** When its last frames came. */
  #frameTimes: readonly number[] = [];
  #away = false;
  #track: MediaStreamTrack | undefined;
  #size: VisibleSize | undefined;

  constructor({ kind, onPin, onSize }: TileOptions) {
    const mark = (name: string, words: string, node: Parameters<typeof icon>[0]) =>
      element(
        'span',
        { className: `status-icon ${name}`, hidden: true, role: 'img', ariaLabel: words, title: words },
        icon(node, 16),
      );
    this.#muted = mark('muted', translate('muted'), MicOff);
    this.#hand = mark('hand', translate('handRaised'), Hand);
    this.#connectionNotice = element('span', { className: 'connection-notice', hidden: true });
    this.#pin = onPin && element('button', { type: 'button', className: 'pin icon-button small' });
    this.#pin?.addEventListener('click', () => onPin?.());
    this.root = element(
      'section',
      // A tap focuses it, which shows its buttons where there is no hovering.
      { className: `tile ${kind}`, tabIndex: -1 },
      this.#initials,
      this.#lastPicture.root,
      this.video,
      this.#unsupportedNotice,
      this.#connectionNotice,
      element('span', { className: 'chip' }, this.#hand, this.#muted, this.#label),
      this.#pin,
    );
    this.#watchFrames();
    this.#unobserve =
      onSize &&
      observeVisibleSize(this.video, (size) => {
        // What nobody saw was not sent, and its return is no freeze.
        if (!this.#isVisible && this.#lastFrame > 0) this.#lastFrame = performance.now();
        this.#size = size;
        onSize(size);
      });
  }

  /** How large the picture is seen, in device pixels; undefined until the browser has looked. */
  get size(): VisibleSize | undefined {
    return this.#size;
  }

  get #isVisible(): boolean {
    return this.#size === undefined || this.#size.width > 0;
  }

  /** How long ago its last frame came, in milliseconds; 0 where none is to be expected. */
  get stalledFor(): number {
    if (!this.#track || this.#lastFrame === 0 || document.hidden || !this.#isVisible) return 0;
    // What has no frame yet has not begun to play; the last picture stands in for it, and must not do so for long.
    if (this.video.paused && !this.#lastPicture.visible) return 0;
    return performance.now() - this.#lastFrame;
  }

  /** Whether it moved before it stalled: then more was to come. */
  get wasMoving(): boolean {
    const [first] = this.#frameTimes;
    if (first === undefined || this.#frameTimes.length < MOVING.frames) return false;
    const last = this.#frameTimes.at(-1) ?? first;
    return ((MOVING.frames - 1) * 1000) / (last - first) >= MOVING.rate;
  }

  /** The browser pauses a video that leaves the page: whoever puts its tile back starts it again. */
  resume(): void {
    if (this.#away || !this.#track || !this.video.paused) return;
    if (this.#lastFrame > 0) this.#lastFrame = performance.now();
    this.video.play().catch(() => {});
  }

  update({
    label,
    name,
    video,
    expectsVideo,
    unsupportedCodec,
    muted,
    handRaised,
    pinned,
    data = {},
    away,
  }: TileState): void {
    Object.assign(this.root.dataset, data);
    this.#away = away ?? false;
    if (this.#label.textContent !== label) {
      this.#label.textContent = label;
      this.#initials.textContent = initials(name);
      this.#initials.style.setProperty('--hue', String(hueOf(name)));
      this.root.setAttribute('aria-label', label);
    }
    this.#showVideo(video, expectsVideo);
    this.root.classList.toggle('loading', expectsVideo && !this.#lastPicture.visible);
    this.root.classList.toggle('unsupported-codec', unsupportedCodec !== undefined);
    this.#unsupportedNotice.hidden = unsupportedCodec === undefined;
    const why = unsupportedCodec === undefined ? '' : translate('unsupportedCodec', { codec: unsupportedCodec });
    if (this.#unsupportedNotice.textContent !== why) this.#unsupportedNotice.textContent = why;
    this.#muted.hidden = !muted;
    this.#hand.hidden = !handRaised;
    if (!this.#pin) return;
    const words = translate(pinned ? 'unpinTile' : 'pinTile', { name });
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
  setFrozen(frozen: boolean, words: string | undefined): void {
    this.root.classList.toggle('frozen', frozen);
    const shown = frozen ? words : undefined;
    this.#connectionNotice.hidden = shown === undefined;
    if (shown !== undefined && this.#connectionNotice.lastChild?.textContent !== shown) {
      this.#connectionNotice.replaceChildren(icon(WifiOff, 18), shown);
    }
  }

  /** For good: a removed tile is not shown again. */
  remove(): void {
    this.#removed.abort();
    this.#unobserve?.();
    this.#showVideo(undefined, false);
    this.root.remove();
  }

  /** @param more whether a picture is to come where there is none: then the last one stays until it does */
  #showVideo(track: MediaStreamTrack | undefined, more: boolean): void {
    if (!more) this.#lastPicture.clear();
    if (track === this.#track) return;
    if (more && this.root.classList.contains('playing')) this.#lastPicture.capture(this.video);
    this.#track = track;
    this.#frameTimes = [];
    this.#lastFrame = track && this.#lastPicture.visible ? performance.now() : 0;
    this.root.classList.toggle('has-video', track !== undefined);
    this.root.classList.remove('playing');
    this.video.srcObject = track ? new MediaStream([track]) : null;
  }

  /** A tile is live from its first frame on: until then there is a shimmer, never a black rectangle. */
  #watchFrames(): void {
    const { signal } = this.#removed;
    const onFrame = () => {
      if (signal.aborted) return;
      if (this.#track) {
        this.#lastFrame = performance.now();
        this.#frameTimes = [...this.#frameTimes, this.#lastFrame].slice(-MOVING.frames);
        this.root.classList.add('playing');
        this.#lastPicture.clearAfterFade();
      }
      this.video.requestVideoFrameCallback(onFrame);
    };
    this.video.requestVideoFrameCallback(onFrame);
    // The browser shows no frames of a page that is hidden; its return is no freeze.
    document.addEventListener(
      'visibilitychange',
      () => {
        if (this.#lastFrame > 0) this.#lastFrame = performance.now();
      },
      { signal },
    );
  }
}
