/** One tile: a video or an avatar, with name, status icons, and the detection of stalled video. */
import { Ellipsis, Hand, MicOff, Pin, PinOff, WifiLow, WifiOff } from 'lucide';
import { type ConnectionQuality, observeVisibleSize, type VisibleSize } from '../../client/index.ts';
import { translate } from '../locales/index.ts';
import { avatar, updateAvatar } from './avatar.ts';
import { element, icon, setText } from './dom.ts';
import { LastFrame } from './LastFrame.ts';
import { qualityText } from './qualityText.ts';

export interface TileOptions {
  readonly kind: 'participant' | 'local' | 'screen';
  onPin?(): void;
  /** Creates the panel of a menu that its button opens, which is shown with a `menuLabel`. */
  menu?(button: HTMLButtonElement): HTMLElement;
  /** The visible size of the video has changed, in device pixels; 0 × 0 where it is not visible. */
  onSize?(size: VisibleSize): void;
}

/** What a tile shows. */
export interface TileState {
  readonly label: string;
  /** The name that the avatar is made of. */
  readonly name: string;
  readonly video: MediaStreamTrack | undefined;
  /** A video is expected: a shimmer, or the last frame, stands in its place until it plays. */
  readonly expectsVideo: boolean;
  /** The codec of a video that this browser cannot decode. */
  readonly unsupportedCodec?: string | undefined;
  readonly muted: boolean;
  readonly handRaised: boolean;
  readonly pinned: boolean;
  /** The label of the button that opens its menu; without it there is none. */
  readonly menuLabel?: string | undefined;
  /** The `data-` attributes that name its owner: they change when a participant rejoins with another peer id. */
  readonly data?: Readonly<Record<string, string>>;
  /** The connection of its owner is lost: the video is kept as it was. */
  readonly away?: boolean;
}

/** A video moves where its last frames came at this rate or faster: frames per second, and the number of frames. */
const MOVING = { rate: 5, frames: 6 };

export class Tile {
  readonly root: HTMLElement;
  readonly video = element('video', { autoplay: true, playsInline: true, muted: true, disablePictureInPicture: false });
  readonly #avatar = avatar();
  readonly #label = element('span', { className: 'label' });
  readonly #muted: HTMLElement;
  readonly #hand: HTMLElement;
  readonly #connectionNotice = element('span', { className: 'connection-notice', hidden: true });
  /** Small while all but the connection is well; its words appear with the tile's hover, focus or tap. */
  readonly #qualityMark = element(
    'button',
    { type: 'button', className: 'quality-mark', hidden: true },
    icon(WifiLow, 16),
  );
  #qualityText: string | undefined;
  /** Whether the video is dimmed, and what is said about that at once. */
  #frozen: { readonly notice: string | undefined } | undefined;
  readonly #unsupportedNotice = element('p', { className: 'unsupported-notice', hidden: true });
  readonly #lastFrame = new LastFrame();
  readonly #unobserve: (() => void) | undefined;
  /** Removes the listeners outside of the tile, which would keep it in memory. */
  readonly #removed = new AbortController();
  readonly #pin: HTMLButtonElement | undefined;
  readonly #menuButton: HTMLButtonElement | undefined;
  /** When the last frame came (`performance.now()`); 0 before the first. */
  #lastFrameAt = 0;
  /** When the latest frames came. */
  #frameTimes: readonly number[] = [];
  #name: string | undefined;
  #away = false;
  #track: MediaStreamTrack | undefined;
  #size: VisibleSize | undefined;

  constructor({ kind, onPin, onSize, menu }: TileOptions) {
    const statusIcon = (name: string, label: string, node: Parameters<typeof icon>[0]) =>
      element(
        'span',
        { className: `status-icon ${name}`, hidden: true, role: 'img', ariaLabel: label, title: label },
        icon(node, 16),
      );
    this.#muted = statusIcon('muted', translate('muted'), MicOff);
    this.#hand = statusIcon('hand', translate('handRaised'), Hand);
    this.#pin = onPin && element('button', { type: 'button', className: 'pin icon-button small' });
    this.#pin?.addEventListener('click', () => onPin?.());
    this.#menuButton =
      menu &&
      element('button', { type: 'button', className: 'tile-menu icon-button small', hidden: true }, icon(Ellipsis, 18));
    this.root = element(
      'section',
      // Focusable by a tap, which shows its buttons on devices without hover.
      { className: `tile ${kind}`, tabIndex: -1 },
      this.#avatar,
      this.#lastFrame.root,
      this.video,
      this.#unsupportedNotice,
      this.#connectionNotice,
      element('span', { className: 'chip' }, this.#qualityMark, this.#hand, this.#muted, this.#label),
      this.#pin,
      this.#menuButton,
      this.#menuButton && menu?.(this.#menuButton),
    );
    this.#watchFrames();
    this.#unobserve =
      onSize &&
      observeVisibleSize(this.video, (size) => {
        // The server sends no frames to an invisible tile: becoming visible again is not a freeze.
        if (!this.#isVisible && this.#lastFrameAt > 0) this.#lastFrameAt = performance.now();
        this.#size = size;
        onSize(size);
      });
  }

  /** The visible size of the video, in device pixels; undefined until it has been measured. */
  get size(): VisibleSize | undefined {
    return this.#size;
  }

  get #isVisible(): boolean {
    return this.#size === undefined || this.#size.width > 0;
  }

  /** How long ago the last frame came, in milliseconds; 0 where none is expected. */
  get stalledFor(): number {
    if (!this.#track || this.#lastFrameAt === 0 || document.hidden || !this.#isVisible) return 0;
    // A paused video has not started yet. Where the last frame of the former track stands in for it, it counts as stalled.
    if (this.video.paused && !this.#lastFrame.visible) return 0;
    return performance.now() - this.#lastFrameAt;
  }

  /** Whether the video moved before it stalled: then further frames were expected. */
  get wasMoving(): boolean {
    const [first] = this.#frameTimes;
    if (first === undefined || this.#frameTimes.length < MOVING.frames) return false;
    const last = this.#frameTimes.at(-1) ?? first;
    return ((MOVING.frames - 1) * 1000) / (last - first) >= MOVING.rate;
  }

  /** Plays the video again after the tile was moved or reinserted: browsers pause a video that leaves the document. */
  resume(): void {
    if (this.#away || !this.#track || !this.video.paused) return;
    if (this.#lastFrameAt > 0) this.#lastFrameAt = performance.now();
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
    menuLabel,
    data = {},
    away,
  }: TileState): void {
    Object.assign(this.root.dataset, data);
    this.#away = away ?? false;
    // The label of the local tile stays the same when the server gives another name.
    if (this.#name !== name) updateAvatar(this.#avatar, name);
    this.#name = name;
    if (this.#label.textContent !== label) {
      this.#label.textContent = label;
      this.root.setAttribute('aria-label', label);
    }
    this.#showVideo(video, expectsVideo);
    this.root.classList.toggle('loading', expectsVideo && !this.#lastFrame.visible);
    this.root.classList.toggle('unsupported-codec', unsupportedCodec !== undefined);
    this.#unsupportedNotice.hidden = unsupportedCodec === undefined;
    const message = unsupportedCodec === undefined ? '' : translate('unsupportedCodec', { codec: unsupportedCodec });
    setText(this.#unsupportedNotice, message);
    this.#muted.hidden = !muted;
    this.#hand.hidden = !handRaised;
    this.#updateMenu(menuLabel);
    if (!this.#pin) return;
    const pinLabel = translate(pinned ? 'unpinTile' : 'pinTile', { name });
    if (this.#pin.ariaLabel === pinLabel) return;
    this.#pin.ariaLabel = pinLabel;
    this.#pin.title = pinLabel;
    this.#pin.replaceChildren(icon(pinned ? PinOff : Pin, 18));
  }

  #updateMenu(label: string | undefined): void {
    if (!this.#menuButton) return;
    this.#menuButton.hidden = label === undefined;
    if (label !== undefined) this.#menuButton.ariaLabel = this.#menuButton.title = label;
  }

  /** Shows the ring of a speaker. */
  setSpeaking(speaking: boolean): void {
    this.root.classList.toggle('speaking', speaking);
  }

  /** Dims a frozen video. @param notice what to say where the quality of the connection is not known to be the reason */
  setFrozen(frozen: boolean, notice: string | undefined): void {
    this.root.classList.toggle('frozen', frozen);
    this.#frozen = frozen ? { notice } : undefined;
    this.#showConnection();
  }

  /** Marks a bad connection with the words whose it is. @param name of the tile's owner */
  setQuality(quality: ConnectionQuality, name = ''): void {
    const text = qualityText(quality, name);
    if (this.#qualityText === text) return;
    this.#qualityText = text;
    if (text === undefined) delete this.root.dataset.quality;
    else this.root.dataset.quality = quality;
    this.#qualityMark.hidden = text === undefined;
    this.#qualityMark.ariaLabel = text ?? null;
    this.#qualityMark.title = text ?? '';
    this.#showConnection();
  }

  /** A frozen video says so in the middle of the tile; a bad one only when somebody points at it. */
  #showConnection(): void {
    const text = this.#frozen ? (this.#qualityText ?? this.#frozen.notice) : this.#qualityText;
    this.#connectionNotice.hidden = text === undefined;
    this.#connectionNotice.classList.toggle('on-demand', !this.#frozen);
    if (text !== undefined && this.#connectionNotice.lastChild?.textContent !== text) {
      this.#connectionNotice.replaceChildren(icon(WifiOff, 18), text);
    }
  }

  /** Removes the tile for good. */
  remove(): void {
    this.#removed.abort();
    this.#unobserve?.();
    this.#showVideo(undefined, false);
    this.root.remove();
  }

  /** @param keepLastFrame whether a video is expected where there is none: then the last frame stays until it plays */
  #showVideo(track: MediaStreamTrack | undefined, keepLastFrame: boolean): void {
    if (!keepLastFrame) this.#lastFrame.clear();
    if (track === this.#track) return;
    if (track && this.#replaceTrack(track)) return;
    if (keepLastFrame && this.root.classList.contains('playing')) this.#lastFrame.capture(this.video);
    this.#track = track;
    this.#frameTimes = [];
    this.#lastFrameAt = track && this.#lastFrame.visible ? performance.now() : 0;
    this.root.classList.toggle('has-video', track !== undefined);
    this.root.classList.remove('playing');
    this.video.srcObject = track ? new MediaStream([track]) : null;
  }

  /**
   * Plays another track in the same stream, which a video that plays goes on with at once. One that has not played yet
   * would never begin in Firefox.
   * @returns whether it plays the track
   */
  #replaceTrack(track: MediaStreamTrack): boolean {
    const { srcObject } = this.video;
    const former = this.#track;
    if (!this.root.classList.contains('playing') || former?.readyState !== 'live') return false;
    if (!srcObject || !('addTrack' in srcObject)) return false;
    this.#track = track;
    srcObject.addTrack(track);
    srcObject.removeTrack(former);
    return true;
  }

  /** A tile is `playing` from its first frame on; until then it shows a shimmer instead of a black rectangle. */
  #watchFrames(): void {
    const { signal } = this.#removed;
    const onFrame = () => {
      if (signal.aborted) return;
      if (this.#track) {
        this.#lastFrameAt = performance.now();
        this.#frameTimes = [...this.#frameTimes, this.#lastFrameAt].slice(-MOVING.frames);
        this.root.classList.add('playing');
        this.#lastFrame.clearAfterFade();
      }
      this.video.requestVideoFrameCallback(onFrame);
    };
    this.video.requestVideoFrameCallback(onFrame);
    // A hidden page renders no frames: becoming visible again is not a freeze.
    document.addEventListener(
      'visibilitychange',
      () => {
        if (this.#lastFrameAt > 0) this.#lastFrameAt = performance.now();
      },
      { signal },
    );
  }
}
