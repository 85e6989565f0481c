/** Owns whether a viewer hears it: muted until they want sound, and again where the browser refuses it. */
import { VolumeX } from 'lucide';
import { element, icon } from '../../common/dom.ts';
import { RemoteAudio } from '../../common/RemoteAudio.ts';
import { translate } from '../../locales/index.ts';

export class ViewerSound {
  readonly root: HTMLElement;
  /** Large, over the player, until there was sound once. */
  readonly unmute = element('button', { type: 'button', className: 'unmute' }, icon(VolumeX), translate('tapToUnmute'));
  readonly sound: RemoteAudio;
  readonly #onChange: () => void;
  #offers = true;

  /** @param onSpeakerRefused the speaker that was chosen cannot be used */
  constructor(onChange: () => void, onSpeakerRefused: () => void) {
    this.#onChange = onChange;
    this.sound = new RemoteAudio((refused) => {
      if (!refused || this.sound.muted) return;
      this.#offers = true;
      this.#set(true);
    }, onSpeakerRefused);
    this.sound.setMuted(true);
    this.root = this.sound.root;
    this.unmute.addEventListener('click', () => this.setMuted(false));
  }

  get muted(): boolean {
    return this.sound.muted;
  }

  get volume(): number {
    return this.sound.volume;
  }

  /** Whether it is said in large that there could be sound. */
  get offers(): boolean {
    return this.#offers && this.muted;
  }

  setMuted(muted: boolean): void {
    if (!muted) this.#offers = false;
    this.#set(muted);
    if (!muted) void this.sound.retry();
  }

  toggle(): void {
    this.setMuted(!this.muted);
  }

  /** @param volume 0 to 1; whoever turns it up wants to hear it */
  setVolume(volume: number): void {
    this.sound.setVolume(volume);
    if (volume === 0 || this.muted) this.setMuted(volume === 0);
    this.#onChange();
  }

  #set(muted: boolean): void {
    this.sound.setMuted(muted);
    // What is at nought would stay silent.
    if (!muted && this.volume === 0) this.sound.setVolume(1);
    this.#onChange();
  }
}
