/** Owns that what is published is what camera and microphone give, as muted as their owner wants it. */
import type { LocalMedia, LocalSource, RoomClient } from '../client/index.ts';

export interface PublishingOptions {
  readonly media: LocalMedia;
  /** The stay that it is published in; undefined while there is none, or where we may not publish. */
  client(): RoomClient | undefined;
  /** Runs something and tells its owner what goes wrong. */
  attempt(action: () => Promise<unknown>): Promise<void>;
  onChanged(): void;
}

export class Publishing {
  readonly #options: PublishingOptions;
  readonly #off: () => void;
  /** What its owner wants; what is published follows. */
  #muted = false;
  /** Publishing follows the devices one step at a time, per source. */
  readonly #syncing: Partial<Record<LocalSource, Promise<void>>> = {};

  constructor(options: PublishingOptions) {
    this.#options = options;
    this.#off = options.media.on('changed', (source) => {
      this.sync(source);
      options.onChanged();
    });
  }

  /** The devices may serve another session from now on. */
  close(): void {
    this.#off();
  }

  get muted(): boolean {
    return this.#muted;
  }

  /** Mutes or unmutes; a microphone that is not open is opened. */
  async toggleMicrophone(): Promise<void> {
    const { media, onChanged } = this.#options;
    if (media.state('microphone').status !== 'on') {
      await media.start('microphone');
      return;
    }
    this.#muted = !this.#muted;
    // Whoever mutes is not heard from now on, whatever is still under way.
    const { track } = media.state('microphone');
    if (this.#muted && track) track.enabled = false;
    this.sync('microphone');
    onChanged();
  }

  /** A camera that is off is closed, so that its light goes out. */
  async toggleCamera(): Promise<void> {
    const { media } = this.#options;
    if (media.state('camera').status === 'on') media.stop('camera');
    else await media.start('camera');
  }

  /** Makes what is published the same as what the devices give. */
  sync(source: LocalSource): void {
    const run = async () => {
      const client = this.#options.client();
      if (!client) return;
      const { track } = this.#options.media.state(source);
      const published = client.localTrack(source);
      if (!track) await client.unpublish(source);
      else if (!published) await client.publish(source, track, { muted: source === 'microphone' && this.#muted });
      else if (published !== track) await client.replaceTrack(source, track);
      if (source === 'microphone' && track) await this.#followMute(client, track);
    };
    const before = this.#syncing[source] ?? Promise.resolve();
    this.#syncing[source] = before.then(() => this.#options.attempt(run)).then(() => this.#options.onChanged());
  }

  /** Makes the published microphone as muted as its owner wants it; a refusal is what then holds. */
  async #followMute(client: RoomClient, track: MediaStreamTrack): Promise<void> {
    const wanted = this.#muted;
    const holds = () => client.sources.microphone === 'paused';
    try {
      if (wanted !== holds()) await (wanted ? client.mute('microphone') : client.unmute('microphone'));
    } catch (error) {
      // Unless another press came meanwhile: then that is what its owner wants, and its turn comes.
      if (this.#muted === wanted && this.#options.client() === client) this.#muted = holds();
      throw error;
    } finally {
      track.enabled = !this.#muted;
    }
  }
}
