/** The preview of the lobby: the local camera, the level of the microphone, and a toggle button for each. */
import { Mic, MicOff, Video, VideoOff } from 'lucide';
import type { LocalMedia, LocalSource } from '../../client/index.ts';
import { avatar, updateAvatar } from '../common/avatar.ts';
import { element, icon } from '../common/dom.ts';
import { levelMeter, levelToFraction } from '../common/loudness.ts';
import { SilenceDetector } from '../common/SilenceDetector.ts';
import { translate } from '../locales/index.ts';
import { preferences } from '../storage/preferences.ts';

/** How often the level is polled, in milliseconds. */
const LEVEL_INTERVAL = 100;

export interface CameraPreviewOptions {
  readonly media: LocalMedia;
  /** The display name that is typed so far. */
  name(): string;
  /** `silent` has changed. */
  onSilenceChanged(): void;
}

export class CameraPreview {
  readonly root: HTMLElement;
  readonly #options: CameraPreviewOptions;
  readonly #video = element('video', { autoplay: true, playsInline: true, muted: true });
  readonly #avatar = avatar();
  readonly #message = element('p', { className: 'preview-message' });
  readonly #level = levelMeter(translate('microphoneLevel'));
  readonly #camera = this.#toggleButton('camera');
  readonly #microphone = this.#toggleButton('microphone');
  readonly #silence = new SilenceDetector();
  readonly #timer = setInterval(() => this.#pollLevel(), LEVEL_INTERVAL);
  readonly #off: () => void;
  #track: MediaStreamTrack | undefined;
  #silent = false;

  constructor(options: CameraPreviewOptions) {
    this.#options = options;
    this.root = element(
      'div',
      { className: 'preview' },
      this.#avatar,
      this.#video,
      this.#message,
      element('div', { className: 'preview-controls' }, this.#microphone, this.#level, this.#camera),
    );
    this.#off = options.media.on('changed', () => this.render());
    this.render();
  }

  /** Whether the microphone is on and has been silent for long enough to report it. */
  get silent(): boolean {
    return this.#silent;
  }

  render(): void {
    const { media, name } = this.#options;
    const { status, track } = media.state('camera');
    if (track !== this.#track) {
      this.#track = track;
      this.#video.srcObject = track ? new MediaStream([track]) : null;
    }
    this.root.classList.toggle('has-video', status === 'on');
    this.root.classList.toggle('loading', status === 'starting');
    this.#message.textContent = cameraMessage(media);
    updateAvatar(this.#avatar, name());
    this.#updateToggle(this.#camera, 'camera');
    this.#updateToggle(this.#microphone, 'microphone');
  }

  /** Ends its timer and listener; leaves the devices on. */
  close(): void {
    clearInterval(this.#timer);
    this.#off();
  }

  #pollLevel(): void {
    const { media, onSilenceChanged } = this.#options;
    const { level } = media.meter;
    this.#level.value = levelToFraction(level ?? 0);
    const silent = this.#silence.add(media.state('microphone').status === 'on' ? level : undefined);
    if (silent === this.#silent) return;
    this.#silent = silent;
    onSilenceChanged();
  }

  #toggleButton(source: LocalSource): HTMLButtonElement {
    const button = element('button', { type: 'button', className: 'icon-button', data: { control: source } });
    button.addEventListener('click', () => {
      const { media } = this.#options;
      const on = media.wanted(source);
      preferences[source === 'camera' ? 'cameraOff' : 'microphoneOff'].set(on ? '1' : '');
      if (on) media.stop(source);
      else void media.start(source);
    });
    return button;
  }

  #updateToggle(button: HTMLButtonElement, source: LocalSource): void {
    const on = this.#options.media.wanted(source);
    const [onLabel, offLabel] =
      source === 'camera' ? (['stopCamera', 'startCamera'] as const) : (['mute', 'unmute'] as const);
    button.ariaLabel = translate(on ? onLabel : offLabel);
    button.title = button.ariaLabel;
    button.setAttribute('aria-pressed', String(on));
    button.classList.toggle('off', !on);
    const node = source === 'camera' ? (on ? Video : VideoOff) : on ? Mic : MicOff;
    button.replaceChildren(icon(node));
  }
}

/** Why there is no picture; empty while there is one. */
function cameraMessage(media: LocalMedia): string {
  const { status, error } = media.state('camera');
  if (status === 'on') return '';
  if (status === 'starting') return translate('cameraStarting');
  if (error?.problem === 'denied') return translate('cameraDenied');
  return translate(error?.problem === 'missing' ? 'cameraMissing' : 'cameraOff');
}
