/** Owns the voices: one audio element a track, whether the browser lets them sound, and through which speaker. */

import type { Participant } from '../controller/Participant.ts';
import { element } from './dom.ts';

/** Whose voice an element plays, and which of theirs; or a slot of a large room, whoever is heard in it. */
type AudioOwner =
  | { readonly audioOf: string; readonly source: 'microphone' | 'screenAudio' }
  | { readonly slot: string };

export class RemoteAudio {
  readonly root = element('div', { className: 'remote-audio' });
  readonly #elements = new Map<MediaStreamTrack, HTMLAudioElement>();
  readonly #onAutoplayBlocked: (refused: boolean) => void;
  readonly #onSpeakerRefused: (() => void) | undefined;
  #speaker = '';
  #muted = false;
  #volume = 1;

  /**
   * @param onRefused whether the browser keeps the call silent until the user does something
   * @param onSpeakerRefused the speaker that was chosen cannot be used
   */
  constructor(onRefused: (refused: boolean) => void, onSpeakerRefused?: () => void) {
    this.#onAutoplayBlocked = onRefused;
    this.#onSpeakerRefused = onSpeakerRefused;
  }

  /** Plays exactly these people's voices and shared sound, and these slots. */
  play(people: readonly Participant[], slots: ReadonlyMap<number, MediaStreamTrack> = new Map()): void {
    const wanted = new Map<MediaStreamTrack, AudioOwner>();
    for (const { peerId, microphone, screenAudio } of people) {
      if (microphone) wanted.set(microphone, { audioOf: peerId, source: 'microphone' });
      if (screenAudio) wanted.set(screenAudio, { audioOf: peerId, source: 'screenAudio' });
    }
    for (const [slot, track] of slots) wanted.set(track, { slot: String(slot) });
    for (const [track, audio] of this.#elements) {
      if (wanted.has(track)) continue;
      audio.srcObject = null;
      audio.remove();
      this.#elements.delete(track);
    }
    for (const [track, voice] of wanted) {
      if (!this.#elements.has(track)) this.#add(track, voice);
    }
  }

  /** Plays nobody any more. */
  close(): void {
    this.play([]);
  }

  /** Tries again, after the user has done something. */
  async retry(): Promise<void> {
    const results = await Promise.allSettled([...this.#elements.values()].map((audio) => audio.play()));
    this.#onAutoplayBlocked(results.some(({ status }) => status === 'rejected'));
  }

  get muted(): boolean {
    return this.#muted;
  }

  /** Voices that are muted play on, unheard: browsers let them do so before anything was clicked. */
  setMuted(muted: boolean): void {
    this.#muted = muted;
    for (const audio of this.#elements.values()) audio.muted = muted;
  }

  get volume(): number {
    return this.#volume;
  }

  /** @param volume 0 to 1; some browsers leave it to the buttons of the device */
  setVolume(volume: number): void {
    this.#volume = volume;
    for (const audio of this.#elements.values()) audio.volume = volume;
  }

  /** Whether this browser lets a page choose the speaker. */
  static get canSelectSpeaker(): boolean {
    return 'setSinkId' in HTMLMediaElement.prototype;
  }

  get speaker(): string {
    return this.#speaker;
  }

  /**
   * Plays through another speaker; one that cannot be used leaves the former one.
   * @param tells whether that is told: one of an earlier visit may simply be gone
   * @returns whether it is used
   */
  async selectSpeaker(deviceId: string, tells = true): Promise<boolean> {
    const former = this.#speaker;
    this.#speaker = deviceId;
    // Alone in a room there is nothing yet that would say whether it works.
    const playing = () => [element('audio'), ...this.#elements.values()];
    try {
      await Promise.all(playing().map((audio) => audio.setSinkId(deviceId)));
      return true;
    } catch {
      if (this.#speaker !== deviceId) return false;
      this.#speaker = former;
      await Promise.allSettled(playing().map((audio) => audio.setSinkId(former)));
      if (tells) this.#onSpeakerRefused?.();
      return false;
    }
  }

  #add(track: MediaStreamTrack, voice: AudioOwner): void {
    const audio = element('audio', { autoplay: true, data: { ...voice } });
    audio.muted = this.#muted;
    audio.volume = this.#volume;
    audio.srcObject = new MediaStream([track]);
    this.#elements.set(track, audio);
    this.root.append(audio);
    if (this.#speaker && RemoteAudio.canSelectSpeaker) audio.setSinkId(this.#speaker).catch(() => {});
    audio.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.#onAutoplayBlocked(true);
    });
  }
}
