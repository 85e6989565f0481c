/** The sound of a broadcast: muted until the viewer unmutes it, and again where the browser blocks autoplay. */
import { VolumeX } from 'lucide';
import { element, icon } from '../../common/dom.ts';
import { RemoteAudio } from '../../common/RemoteAudio.ts';
import { translate } from '../../locales/index.ts';

export class ViewerAudio {
  readonly root: HTMLElement;
  /** Large, over the player; shown until the sound has been unmuted once. */
  readonly unmuteButton = element(
    'button',
    { type: 'button', className: 'unmute' },
    icon(VolumeX),
    translate('tapToUnmute'),
  );
  readonly output: RemoteAudio;
  readonly #onChanged: () => void;
  #offersUnmute = true;

  /** @param onSpeakerUnavailable the chosen speaker cannot be used */
  constructor(onChanged: () => void, onSpeakerUnavailable: () => void) {
    this.#onChanged = onChanged;
    this.output = new RemoteAudio((blocked) => {
      if (!blocked || this.output.muted) return;
      this.#offersUnmute = true;
      this.#set(true);
    }, onSpeakerUnavailable);
    this.output.setMuted(true);
    this.root = this.output.root;
    this.unmuteButton.addEventListener('click', () => this.setMuted(false));
  }

  get muted(): boolean {
    return this.output.muted;
  }

  get volume(): number {
    return this.output.volume;
  }

  /** Whether to show the large unmute button. */
  get offersUnmute(): boolean {
    return this.#offersUnmute && this.muted;
  }

  setMuted(muted: boolean): void {
    if (!muted) this.#offersUnmute = false;
    this.#set(muted);
    if (!muted) void this.output.retry();
  }

  toggle(): void {
    this.setMuted(!this.muted);
  }

  /** @param volume 0 to 1; 0 mutes, and anything else unmutes */
  setVolume(volume: number): void {
    this.output.setVolume(volume);
    if (volume === 0 || this.muted) this.setMuted(volume === 0);
    this.#onChanged();
  }

  #set(muted: boolean): void {
    this.output.setMuted(muted);
    // At volume 0 unmuting would have no effect.
    if (!muted && this.volume === 0) this.output.setVolume(1);
    this.#onChanged();
  }
}
