/** Plays the remote audio tracks: one element per track, through the chosen speaker. */
import type { Participant } from '../controller/Participant.ts';
import { element } from './dom.ts';

/** The `data-` attributes of an element: peer id and source of its track, or an audio slot of a large room. */
type AudioOwner =
  | { readonly audioOf: string; readonly source: 'microphone' | 'screenAudio' }
  | { readonly slot: string };

/** How long a track that is replaced goes on once the new one plays, and how long at most, in milliseconds. */
const OVERLAP = { playing: 60, most: 1000 };

export class RemoteAudio {
  readonly root = element('div', { className: 'remote-audio' });
  readonly #elements = new Map<MediaStreamTrack, HTMLAudioElement>();
  readonly #onAutoplayBlocked: (blocked: boolean) => void;
  readonly #onSpeakerUnavailable: () => void;
  #speaker = '';
  #muted = false;
  #volume = 1;

  /**
   * @param onAutoplayBlocked whether the browser plays no sound until a click or a key press
   * @param onSpeakerUnavailable the chosen speaker cannot be used
   */
  constructor(onAutoplayBlocked: (blocked: boolean) => void, onSpeakerUnavailable: () => void) {
    this.#onAutoplayBlocked = onAutoplayBlocked;
    this.#onSpeakerUnavailable = onSpeakerUnavailable;
  }

  /** Plays the audio of exactly these participants and these audio slots. */
  play(participants: readonly Participant[], slots: ReadonlyMap<number, MediaStreamTrack> = new Map()): void {
    const tracks = new Map<MediaStreamTrack, AudioOwner>();
    for (const { peerId, microphone, screenAudio } of participants) {
      if (microphone) tracks.set(microphone, { audioOf: peerId, source: 'microphone' });
      if (screenAudio) tracks.set(screenAudio, { audioOf: peerId, source: 'screenAudio' });
    }
    for (const [slot, track] of slots) tracks.set(track, { slot: String(slot) });
    const ended = [...this.#elements].filter(([track]) => !tracks.has(track));
    for (const [track, owner] of tracks) {
      if (!this.#elements.has(track)) this.#add(track, owner);
    }
    for (const [track, audio] of ended) {
      this.#elements.delete(track);
      this.#removeAfter(audio, successorOf(audio, this.#elements.values()));
    }
  }

  /** Stops playback of a track that has ended; one that another track replaces goes on until that plays. */
  #removeAfter(audio: HTMLAudioElement, successor: HTMLAudioElement | undefined): void {
    const remove = () => {
      audio.srcObject = null;
      audio.remove();
    };
    if (!successor) {
      remove();
      return;
    }
    const timer = setTimeout(remove, OVERLAP.most);
    const onPlaying = () => {
      clearTimeout(timer);
      setTimeout(remove, OVERLAP.playing);
    };
    successor.addEventListener('playing', onPlaying, { once: true });
  }

  /** Stops all playback. */
  close(): void {
    this.play([]);
  }

  /** Plays again after a click or a key press, which lifts the autoplay block. */
  async retry(): Promise<void> {
    const results = await Promise.allSettled([...this.#elements.values()].map((audio) => audio.play()));
    // A track that ends meanwhile rejects, too.
    this.#onAutoplayBlocked(results.some((result) => result.status === 'rejected' && isBlocked(result.reason)));
  }

  get muted(): boolean {
    return this.#muted;
  }

  /** Muted elements keep playing: browsers permit that before the first click. */
  setMuted(muted: boolean): void {
    this.#muted = muted;
    for (const audio of this.#elements.values()) audio.muted = muted;
  }

  get volume(): number {
    return this.#volume;
  }

  /** @param volume 0 to 1; iOS ignores it and leaves the volume to the buttons of the device */
  setVolume(volume: number): void {
    this.#volume = volume;
    for (const audio of this.#elements.values()) audio.volume = volume;
  }

  /** Whether this browser lets a page select the speaker. */
  static get canSelectSpeaker(): boolean {
    return 'setSinkId' in HTMLMediaElement.prototype;
  }

  get speaker(): string {
    return this.#speaker;
  }

  /**
   * Plays through another speaker; keeps the former one where that fails.
   * @param silent does not report a failure: a speaker that was stored by an earlier visit may be gone
   * @returns whether the speaker is used
   */
  async selectSpeaker(deviceId: string, { silent = false } = {}): Promise<boolean> {
    const former = this.#speaker;
    this.#speaker = deviceId;
    // The additional element tests the speaker where nothing is playing yet.
    const elements = () => [element('audio'), ...this.#elements.values()];
    try {
      await Promise.all(elements().map((audio) => audio.setSinkId(deviceId)));
      return true;
    } catch {
      if (this.#speaker !== deviceId) return false;
      this.#speaker = former;
      await Promise.allSettled(elements().map((audio) => audio.setSinkId(former)));
      if (!silent) this.#onSpeakerUnavailable();
      return false;
    }
  }

  #add(track: MediaStreamTrack, owner: AudioOwner): void {
    const audio = element('audio', { autoplay: true, data: { ...owner } });
    audio.muted = this.#muted;
    audio.volume = this.#volume;
    audio.srcObject = new MediaStream([track]);
    this.#elements.set(track, audio);
    this.root.append(audio);
    if (this.#speaker && RemoteAudio.canSelectSpeaker) audio.setSinkId(this.#speaker).catch(() => {});
    audio.play().catch((error: unknown) => {
      if (isBlocked(error)) this.#onAutoplayBlocked(true);
    });
  }
}

function isBlocked(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'NotAllowedError';
}

/** The element of the same owner as a former one. */
function successorOf(former: HTMLAudioElement, all: Iterable<HTMLAudioElement>): HTMLAudioElement | undefined {
  const { audioOf, source } = former.dataset;
  if (audioOf === undefined) return undefined;
  return [...all].find(({ dataset }) => dataset.audioOf === audioOf && dataset.source === source);
}
