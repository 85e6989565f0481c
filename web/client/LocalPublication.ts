/** One source that we publish, from the call of `publish` to its end. */
import type { types } from 'mediasoup-client';
import { WeirError } from '../../shared/errors.ts';
import type { Source } from '../../shared/media.ts';
import { MuteState } from './MuteState.ts';
import type { Request } from './Signalling.ts';
import type { VideoAdapter } from './VideoAdapter.ts';

export class LocalPublication {
  readonly source: Source;
  readonly mute: MuteState;
  /** The server's answer to `produce`, once it has been asked. */
  answer: Promise<unknown> | undefined;
  /** Of a video that is sent. */
  adapter: VideoAdapter | undefined;
  #track: MediaStreamTrack;
  #producer: types.Producer | undefined;
  #created: Promise<types.Producer> | undefined;
  #accepted: Promise<unknown> | undefined;
  #isAccepted = false;
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

  /** What sends it; undefined until the browser has negotiated it. */
  get producer(): types.Producer | undefined {
    return this.#producer;
  }

  /** The server has accepted it. */
  get accepted(): boolean {
    return this.#isAccepted;
  }

  /** It has been unpublished, or may not be published any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Sends it.
   * @param create makes the producer, which asks the server by `announce`
   * @returns when the server has accepted it @throws whatever `create` throws, and the server's refusal
   */
  begin(create: () => Promise<types.Producer>): Promise<void> {
    const created = create();
    const accepted = created.then(async (producer) => {
      this.#producer = producer;
      // Its owner may have disabled the track without a word to us; mediasoup-client takes that for muted.
      if (!this.#track.enabled && !this.mute.muted) this.mute.set(true).catch(() => {});
      this.#applyMute(this.mute.muted);
      await this.answer;
      this.#isAccepted = true;
    });
    this.#created = created;
    this.#accepted = accepted;
    // Whoever publishes hears of a failure; nobody else needs to.
    accepted.catch(() => {});
    return accepted;
  }

  /** The muted state to announce it with: a track that is disabled by now is announced as muted. */
  announce(): boolean {
    if (!this.#track.enabled && !this.mute.muted) this.mute.set(true).catch(() => {});
    return this.mute.announce();
  }

  /**
   * Sends another track; a muted source stays muted, and one that is given a disabled track is muted.
   * @throws whatever the browser refuses it for
   */
  async replaceTrack(track: MediaStreamTrack): Promise<void> {
    const producer = await this.#created;
    if (!producer || this.#ended) throw new WeirError('notFound', `You do not publish ${this.source}.`);
    const muted = track.enabled ? undefined : this.mute.set(true);
    if (this.mute.muted) track.enabled = false;
    await Promise.all([producer.replaceTrack({ track }), muted]);
    this.adapter?.trackReplaced();
  }

  /** Resolves when there is a producer, whose request is on its way then, or when there will be none. */
  async created(): Promise<types.Producer | undefined> {
    return this.#created?.catch(() => undefined);
  }

  /** Nothing of it is sent from now on. */
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
