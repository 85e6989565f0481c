/** Publishes what camera and microphone give, as muted as their owner wants it, and captures nothing that may not be published. */
import type { LocalMedia, LocalSource, RoomClient, Source } from '../../client/index.ts';

export interface LocalPublisherOptions {
  readonly media: LocalMedia;
  /** The stay that it is published in; undefined while there is none. */
  client(): RoomClient | undefined;
  canPublish(source: Source): boolean;
  /** Runs something and tells its owner what goes wrong. @returns whether it was refused for good */
  attempt(action: () => Promise<unknown>): Promise<boolean>;
  onChanged(): void;
}

const localSources = ['camera', 'microphone'] as const;

export class LocalPublisher {
  readonly #options: LocalPublisherOptions;
  readonly #off: () => void;
  /** What its owner wants; what is published follows. */
  #muted = false;
  /** Publishing follows the devices one step at a time, per source. */
  readonly #syncing: Partial<Record<LocalSource, Promise<void>>> = {};

  constructor(options: LocalPublisherOptions) {
    this.#options = options;
    this.#off = options.media.on('changed', (source) => {
      this.#sync(source);
      options.onChanged();
    });
  }

  /** The devices may serve another call from now on. */
  close(): void {
    this.#off();
  }

  get muted(): boolean {
    return this.#muted;
  }

  /** Whether its owner wants a source to be seen or heard, and may: what the button shows and the next press changes. */
  isOn(source: LocalSource): boolean {
    const wanted = this.#options.media.wanted(source) && !(source === 'microphone' && this.#muted);
    return wanted && this.#options.canPublish(source);
  }

  /** Mutes or unmutes; a microphone that is not open is opened. */
  async setMicrophone(on: boolean): Promise<void> {
    const { media, client, canPublish, onChanged } = this.#options;
    if (on && !canPublish('microphone')) return;
    this.#muted = !on;
    // Whoever mutes is not heard from now on, whatever is still under way.
    const { track } = media.state('microphone');
    if (track && !on) track.enabled = false;
    onChanged();
    if (on && !media.wanted('microphone')) await media.start('microphone');
    else if (track && client()?.localTrack('microphone') === track) await this.#syncMute();
    else this.#sync('microphone');
  }

  /** A camera that is off is closed, so that its light goes out. */
  async setCamera(on: boolean): Promise<void> {
    const { media, canPublish } = this.#options;
    if (!on) media.stop('camera');
    else if (canPublish('camera')) await media.start('camera');
  }

  /** Makes what is captured and published the same as what is wanted and permitted: in a new stay, or with other grants. */
  syncAll(): void {
    for (const source of localSources) {
      if (!this.#options.canPublish(source) && this.#options.media.wanted(source)) this.#options.media.stop(source);
      else this.#sync(source);
    }
  }

  #sync(source: LocalSource): void {
    const { media } = this.#options;
    const before = this.#syncing[source] ?? Promise.resolve();
    this.#syncing[source] = before.then(async () => {
      const { track } = media.state(source);
      const refused = await this.#options.attempt(() => this.#publish(source));
      // What nobody receives is not captured either.
      if (refused && media.state(source).track === track) media.stop(source);
      this.#options.onChanged();
    });
  }

  async #publish(source: LocalSource): Promise<void> {
    const client = this.#options.client();
    if (!client) return;
    const { track } = this.#options.media.state(source);
    const muted = source === 'microphone' && this.#muted;
    const published = client.localTrack(source);
    if (!track || !this.#options.canPublish(source)) await client.unpublish(source);
    else if (!published) await client.publish(source, track, { muted });
    else if (published !== track) {
      track.enabled = !muted;
      await client.replaceTrack(source, track);
    }
    // It may have been pressed meanwhile.
    if (source === 'microphone' && client.localTrack(source)) await this.#syncMute();
  }

  /** Makes the published microphone as muted as its owner wants it; a refusal is what then holds. */
  async #syncMute(): Promise<void> {
    const client = this.#options.client();
    if (!client) return;
    const wanted = this.#muted;
    await this.#options.attempt(async () => {
      try {
        await (wanted ? client.mute('microphone') : client.unmute('microphone'));
      } catch (error) {
        // Unless another press came meanwhile: then that is what its owner wants, and its turn comes.
        const holds = client.sources.microphone === 'paused';
        if (this.#muted === wanted && this.#options.client() === client && client.localTrack('microphone'))
          this.#muted = holds;
        throw error;
      }
    });
    this.#options.onChanged();
  }
}
