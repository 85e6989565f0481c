/** Publishes camera and microphone as the user and the grants want it; stops capturing what cannot be published. */
import type { LocalMedia, LocalSource } from '../../client/index.ts';
import type { PublishContext } from './PublishContext.ts';

const localSources = ['camera', 'microphone'] as const;

export class LocalPublisher {
  readonly #context: PublishContext;
  readonly #media: LocalMedia;
  readonly #off: () => void;
  /** What the user wants; the publication is made to match. */
  #muted = false;
  /** Per source, the operations run one after another. */
  readonly #syncing: Partial<Record<LocalSource, Promise<void>>> = {};

  constructor(context: PublishContext, media: LocalMedia) {
    this.#context = context;
    this.#media = media;
    this.#off = media.on('changed', (source) => {
      this.#sync(source);
      context.onChanged();
    });
  }

  /** Stops following the devices, so that another call can use them. */
  close(): void {
    this.#off();
  }

  get muted(): boolean {
    return this.#muted;
  }

  /** Whether the user wants a source on and the grants permit it: what its toggle button shows. */
  isOn(source: LocalSource): boolean {
    const wanted = this.#media.wanted(source) && !(source === 'microphone' && this.#muted);
    return wanted && this.#context.canPublish(source);
  }

  /** Mutes or unmutes; a microphone that is not open is opened. */
  async setMicrophone(on: boolean): Promise<void> {
    const { client, canPublish, onChanged } = this.#context;
    const media = this.#media;
    if (on && !canPublish('microphone')) return;
    this.#muted = !on;
    // Silences the track at once, whatever operation is still in progress.
    const { track } = media.state('microphone');
    if (track && !on) track.enabled = false;
    onChanged();
    if (on && !media.wanted('microphone')) await media.start('microphone');
    else if (track && client()?.localTrack('microphone') === track) await this.#syncMute();
    else this.#sync('microphone');
  }

  /** An administrator has muted the microphone, which is still published, or has stopped it. */
  mutedByAdmin(action: 'muted' | 'stopped'): void {
    this.#muted = true;
    const { track } = this.#media.state('microphone');
    if (track) track.enabled = false;
    if (action === 'stopped') this.#media.stop('microphone');
    this.#context.onChanged();
  }

  /** Opens the camera, or closes it, which turns its light off. */
  async setCamera(on: boolean): Promise<void> {
    if (!on) this.#media.stop('camera');
    else if (this.#context.canPublish('camera')) await this.#media.start('camera');
  }

  /** Makes capture and publications match what is wanted and permitted: after a join, or with other grants. */
  syncAll(): void {
    for (const source of localSources) {
      if (!this.#context.canPublish(source) && this.#media.wanted(source)) this.#media.stop(source);
      else this.#sync(source);
    }
  }

  #sync(source: LocalSource): void {
    const media = this.#media;
    const before = this.#syncing[source] ?? Promise.resolve();
    this.#syncing[source] = before.then(async () => {
      const { track } = media.state(source);
      const refused = await this.#context.attempt(() => this.#publish(source));
      // Nobody receives it: do not capture it either.
      if (refused && media.state(source).track === track) media.stop(source);
      this.#context.onChanged();
    });
  }

  async #publish(source: LocalSource): Promise<void> {
    const client = this.#context.client();
    if (!client) return;
    const { track } = this.#media.state(source);
    const muted = source === 'microphone' && this.#muted;
    const published = client.localTrack(source);
    if (!track || !this.#context.canPublish(source)) await client.unpublish(source);
    else if (!published) await client.publish(source, track, { muted });
    else if (published !== track) {
      track.enabled = !muted;
      await client.replaceTrack(source, track);
    }
    // The user may have muted or unmuted meanwhile.
    if (source === 'microphone' && client.localTrack(source)) await this.#syncMute();
  }

  /** Mutes or unmutes the publication; where the server refuses, the state of the publication becomes what is wanted. */
  async #syncMute(): Promise<void> {
    const client = this.#context.client();
    if (!client) return;
    const muted = this.#muted;
    await this.#context.attempt(async () => {
      try {
        await (muted ? client.mute('microphone') : client.unmute('microphone'));
      } catch (error) {
        // A later press is kept: its own operation follows.
        const actual = client.sources.microphone === 'paused';
        if (this.#muted === muted && this.#context.client() === client && client.localTrack('microphone'))
          this.#muted = actual;
        throw error;
      }
    });
    this.#context.onChanged();
  }
}
