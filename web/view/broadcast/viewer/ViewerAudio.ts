/** Owns whether a viewer hears it: muted until they want sound, and again where the browser refuses it. */
import { VolumeX } from 'lucide';
import { element, icon } from '../../common/dom.ts';
import { RemoteAudio } from '../../common/RemoteAudio.ts';
import { translate } from '../../locales/index.ts';

export class ViewerAudio {
  readonly root: HTMLElement;
  /** Large, over the player, until there was sound once. */
  readonly unmuteButton = element(
    'button',
    { type: 'button', className: 'unmute' },
    icon(VolumeX),
    translate('tapToUnmute'),
  );
  readonly audio: RemoteAudio;
  readonly #onChange: () => void;
  #offersUnmute = true;

  /** @param onSpeakerRefused the speaker that was chosen cannot be used */
  constructor(onChange: () => void, onSpeakerRefused: () => void) {
    this.#onChange = onChange;
    this.audio = new RemoteAudio((refused) => {
      if (!refused || this.audio.muted) return;
      this.#offersUnmute = true;
      this.#set(true);
    }, onSpeakerRefused);
    this.audio.setMuted(true);
    this.root = this.audio.root;
    this.unmuteButton.addEventListener('click', () => this.setMuted(false));
  }

  get muted(): boolean {
    return this.audio.muted;
  }

  get volume(): number {
    return this.audio.volume;
  }

  /** Whether it is said in large that there could be sound. */
  get offersUnmute(): boolean {
    return this.#offersUnmute && this.muted;
  }

  setMuted(muted: boolean): void {
    if (!muted) this.#offersUnmute = false;
    this.#set(muted);
    if (!muted) void this.audio.retry();
  }

  toggle(): void {
    this.setMuted(!this.muted);
  }

  /** @param volume 0 to 1; whoever turns it up wants to hear it */
  setVolume(volume: number): void {
    this.audio.setVolume(volume);
    if (volume === 0 || this.muted) this.setMuted(volume === 0);
    this.#onChange();
  }

  #set(muted: boolean): void {
    this.audio.setMuted(muted);
    // What is at nought would stay silent.
    if (!muted && this.volume === 0) this.audio.setVolume(1);
    this.#onChange();
  }
}
