/** Stops an audio sender in a browser that sends audio although its encoding is inactive: meanwhile it has no track. */
import { detectDevice } from 'mediasoup-client';

/** The used part of RTCRtpSender. */
export type TrackSender = Pick<RTCRtpSender, 'track' | 'replaceTrack'>;

/** Whether this browser sends audio although its encoding is inactive, as Firefox does. */
export function sendsInactiveAudio(): boolean {
  return detectDevice() === 'Firefox120';
}

export class TracklessSender {
  readonly #sender: TrackSender;
  readonly #track: () => MediaStreamTrack;
  #stopped = false;
  #running = false;
  #closed = false;

  /** @param track returns what is sent while the sender is not stopped */
  constructor(sender: TrackSender, track: () => MediaStreamTrack) {
    this.#sender = sender;
    this.#track = track;
  }

  /** @param limit the highest layer to send: audio has layer 0 only; -1 for none */
  setLimit(limit: number): void {
    this.#stopped = limit < 0;
    this.check();
  }

  /** Audio has no encodings to change. */
  reshape(): void {}

  /** Takes away a track that has been replaced while the sender was stopped, and repeats a change that was refused. */
  check(): void {
    if (!this.#running) void this.#run();
  }

  close(): void {
    this.#closed = true;
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      // A track that is being replaced is left alone: only a missing one is put back.
      while (!this.#closed && this.#stopped !== (this.#sender.track === null)) {
        await this.#sender.replaceTrack(this.#stopped ? null : this.#track());
      }
    } catch {
      // The next check tries again.
    }
    this.#running = false;
  }
}
