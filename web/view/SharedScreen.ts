/** Owns the screen that we share, from the browser's picker to the end of the sharing. */
import { openScreen, type RoomClient } from '../client/index.ts';

export interface SharedScreenOptions {
  /** The stay that it is published in; undefined while there is none. */
  client(): RoomClient | undefined;
  /** Runs something and tells its owner what goes wrong. */
  attempt(action: () => Promise<unknown>): Promise<void>;
  onChanged(): void;
}

export class SharedScreen {
  readonly #options: SharedScreenOptions;
  #screen: { video: MediaStreamTrack; audio: MediaStreamTrack | undefined } | undefined;

  constructor(options: SharedScreenOptions) {
    this.#options = options;
  }

  /** Its picture; undefined while nothing is shared. */
  get video(): MediaStreamTrack | undefined {
    return this.#screen?.video;
  }

  /** Whether it is encoded for text (`detail`) or for motion. */
  get hint(): string | undefined {
    return this.#screen?.video.contentHint;
  }

  setHint(hint: 'detail' | 'motion'): void {
    if (this.#screen) this.#screen.video.contentHint = hint;
    this.#options.onChanged();
  }

  async toggle(): Promise<void> {
    if (this.#screen) {
      await this.stop();
      return;
    }
    await this.#options.attempt(async () => {
      const screen = await openScreen();
      this.#screen = screen;
      // The browser's own "stop sharing" ends the picture; the sound goes with it.
      screen.video.addEventListener('ended', () => void this.stop());
      await this.#publish();
    });
    this.#options.onChanged();
  }

  /** Publishes it again, in a new stay. */
  async republish(): Promise<void> {
    if (this.#screen && !this.#options.client()?.localTrack('screen'))
      await this.#options.attempt(() => this.#publish());
  }

  async stop(): Promise<void> {
    const screen = this.#screen;
    this.#screen = undefined;
    screen?.video.stop();
    screen?.audio?.stop();
    const client = this.#options.client();
    if (screen && client) {
      await this.#options.attempt(() => Promise.all([client.unpublish('screen'), client.unpublish('screenAudio')]));
    }
    this.#options.onChanged();
  }

  async #publish(): Promise<void> {
    const screen = this.#screen;
    const client = this.#options.client();
    if (!screen || !client) return;
    await Promise.all([
      client.publish('screen', screen.video),
      screen.audio && client.publish('screenAudio', screen.audio),
    ]);
  }
}
