/** The screen that we share, from the browser's picker to the end of the sharing: nothing is captured that is not shared. */
import { openScreen, type RoomClient, type Source } from '../../client/index.ts';

/** Whether a screen is to be sharp (`detail`), smooth (`motion`), or what its picture asks for. */
export type ScreenHint = 'auto' | 'detail' | 'motion';

export interface ScreenShareOptions {
  /** The stay that it is published in; undefined while there is none. */
  client(): RoomClient | undefined;
  canPublish(source: Source): boolean;
  /** Runs something and tells its owner what goes wrong. @returns whether it was refused for good */
  attempt(action: () => Promise<unknown>): Promise<boolean>;
  onChanged(): void;
}

type Screen = Awaited<ReturnType<typeof openScreen>>;

export class ScreenShare {
  readonly #options: ScreenShareOptions;
  #screen: Screen | undefined;
  /** Its owner wants to share: what the picker gives is dropped where that is not so any more. */
  #wanted = false;
  /** The browser's picker is open. No second one is opened, and it cannot be closed. */
  #picking: Promise<void> | undefined;
  #syncing: Promise<void> = Promise.resolve();
  #hint: ScreenHint = 'auto';

  constructor(options: ScreenShareOptions) {
    this.#options = options;
  }

  /** Its picture; undefined while nothing is shared. */
  get video(): MediaStreamTrack | undefined {
    return this.#screen?.video;
  }

  /** What its owner has chosen; undefined while nothing is shared. */
  get hint(): ScreenHint | undefined {
    return this.#screen && this.#hint;
  }

  setHint(hint: ScreenHint): void {
    this.#hint = hint;
    // Without a hint of its owner the client decides by the picture.
    if (this.#screen) this.#screen.video.contentHint = hint === 'auto' ? '' : hint;
    this.#options.onChanged();
  }

  /** Shares, or stops sharing; while the picker is open another press is taken for the same one. */
  async toggle(): Promise<void> {
    if (this.#screen) {
      await this.stop();
      return;
    }
    if (!this.#options.canPublish('screen')) return;
    this.#wanted = true;
    if (this.#picking) {
      await this.#picking;
      return;
    }
    this.#picking = this.#pick();
    await this.#picking;
    await this.#syncPublished();
  }

  /** Makes what is published the same as what is shared and permitted: in a new stay, or with other grants. */
  async sync(): Promise<void> {
    if (!this.#options.canPublish('screen')) this.#stopCapture();
    else if (!this.#options.canPublish('screenAudio')) this.#screen?.audio?.stop();
    await this.#syncPublished();
  }

  async stop(): Promise<void> {
    this.#stopCapture();
    await this.#syncPublished();
  }

  /** Nothing is captured from now on, also of what the picker gives yet. */
  #stopCapture(): void {
    this.#wanted = false;
    // What was chosen for this screen is not meant for the next one.
    this.#hint = 'auto';
    const screen = this.#screen;
    this.#screen = undefined;
    stopTracks(screen);
    this.#options.onChanged();
  }

  async #pick(): Promise<void> {
    const { canPublish, attempt, onChanged } = this.#options;
    let picked: Screen | undefined;
    await attempt(async () => {
      try {
        picked = await openScreen({ audio: canPublish('screenAudio') });
      } catch (error) {
        // Whoever has left meanwhile is told nothing.
        if (!this.#wanted) return;
        this.#wanted = false;
        throw error;
      } finally {
        this.#picking = undefined;
      }
    });
    if (!picked) return;
    if (!this.#wanted) {
      stopTracks(picked);
      return;
    }
    const { video } = picked;
    // The browser's own "stop sharing" ends the picture; the sound goes with it.
    video.addEventListener('ended', () => void (this.#screen?.video === video && this.stop()));
    this.#screen = picked;
    onChanged();
  }

  /** Publishing follows what is shared one step at a time. */
  #syncPublished(): Promise<void> {
    this.#syncing = this.#syncing.then(async () => {
      const { client: current, canPublish, attempt, onChanged } = this.#options;
      const client = current();
      if (!client) return;
      const screen = this.#screen;
      const sound = screen?.audio?.readyState === 'live' && canPublish('screenAudio') ? screen.audio : undefined;
      const refused = await attempt(() =>
        Promise.all([publishAs(client, 'screen', screen?.video), publishAs(client, 'screenAudio', sound)]),
      );
      // What nobody receives is not captured either.
      if (refused && screen && this.#screen === screen) void this.stop();
      onChanged();
    });
    return this.#syncing;
  }
}

/** Makes what is published as a source this track, or nothing. */
async function publishAs(client: RoomClient, source: Source, track: MediaStreamTrack | undefined): Promise<void> {
  const published = client.localTrack(source);
  if (!track) await client.unpublish(source);
  else if (!published) await client.publish(source, track);
  else if (published !== track) await client.replaceTrack(source, track);
}

function stopTracks(screen: Screen | undefined): void {
  screen?.video.stop();
  screen?.audio?.stop();
}
