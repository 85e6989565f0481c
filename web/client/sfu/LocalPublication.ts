/** One published source, from the call of `publish` to its end. */
import type { types } from 'mediasoup-client';
import { WeirError } from '../../../shared/errors.ts';
import type { Source } from '../../../shared/media.ts';
import type { Request } from '../Signalling.ts';
import { MuteState } from './MuteState.ts';
import type { VideoAdapter } from './VideoAdapter.ts';

export class LocalPublication {
  readonly source: Source;
  readonly mute: MuteState;
  /** The server's reply to `produce`, once that has been sent. */
  produceReply: Promise<{ readonly producerId: string }> | undefined;
  /** Of a video only. */
  adapter: VideoAdapter | undefined;
  #track: MediaStreamTrack;
  #producer: types.Producer | undefined;
  #created: Promise<types.Producer> | undefined;
  #accepted: Promise<unknown> | undefined;
  #producerId: string | undefined;
  #ended = false;

  constructor(source: Source, track: MediaStreamTrack, muted: boolean, request: Request) {
    this.source = source;
    this.#track = track;
    this.mute = new MuteState({
      muted,
      apply: (paused) => this.#applyMute(paused),
      send: (paused) => request(paused ? 'pauseProducer' : 'resumeProducer', { source }),
      accepted: async () => this.#accepted,
    });
    this.#applyMute(muted);
  }

  get track(): MediaStreamTrack {
    return this.#producer?.track ?? this.#track;
  }

  /** Undefined until the browser has negotiated it. */
  get producer(): types.Producer | undefined {
    return this.#producer;
  }

  /** Whether the server has accepted it. */
  get accepted(): boolean {
    return this.#producerId !== undefined;
  }

  /** Its id at the server, once the server has accepted it. */
  get producerId(): string | undefined {
    return this.#producerId;
  }

  /** Whether it has been unpublished, or the grants no longer allow it. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Begins to send.
   * @param create makes the producer, and sets `produceReply` on the way
   * @returns when the server has accepted it @throws the error of `create`, or the server's refusal
   */
  begin(create: () => Promise<types.Producer>): Promise<void> {
    const created = create();
    const accepted = created.then(async (producer) => {
      this.#producer = producer;
      // The application may have disabled the track meanwhile, which mediasoup-client takes for muted.
      if (!this.#track.enabled && !this.mute.muted) this.mute.set(true).catch(() => {});
      this.#applyMute(this.mute.muted);
      this.#producerId = (await this.produceReply)?.producerId;
    });
    this.#created = created;
    this.#accepted = accepted;
    // The caller of `publish` handles a failure; those who wait for `#accepted` as well need not.
    accepted.catch(() => {});
    return accepted;
  }

  /** The mute state for the `produce` request: a track that has been disabled meanwhile is muted. */
  announce(): boolean {
    if (!this.#track.enabled && !this.mute.muted) this.mute.set(true).catch(() => {});
    return this.mute.announce();
  }

  /**
   * Sends another track. A muted source stays muted, and a disabled track mutes the source.
   * @throws {WeirError} `notFound` if it has ended; the browser's own error if it refuses the track
   */
  async replaceTrack(track: MediaStreamTrack): Promise<void> {
    const producer = await this.#created;
    if (!producer || this.#ended) throw new WeirError('notFound', `You do not publish ${this.source}.`);
    const muted = track.enabled ? undefined : this.mute.set(true);
    if (this.mute.muted) track.enabled = false;
    await Promise.all([producer.replaceTrack({ track }), muted]);
    this.adapter?.trackReplaced();
  }

  /** Resolves when there is a producer, whose `produce` has been sent then, or when making it has failed. */
  async created(): Promise<types.Producer | undefined> {
    return this.#created?.catch(() => undefined);
  }

  /** Stops sending. */
  end(): void {
    this.#ended = true;
    this.adapter?.close();
    if (this.#producer) this.#producer.close();
    else void this.created().then((producer) => producer?.close());
  }

  #applyMute(muted: boolean): void {
    if (this.#ended) return;
    const producer = this.#producer;
    if (!producer) this.#track.enabled = !muted;
    else if (muted) producer.pause();
    else producer.resume();
  }
}
