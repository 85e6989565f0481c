/** Shares the screen, from the browser's picker to the end of the sharing; captures nothing that is not shared. */
import { openScreen, type RoomClient, type Source } from '../../client/index.ts';
import type { PublishContext } from './PublishContext.ts';

/** Whether a screen is encoded for sharpness (`detail`), for smoothness (`motion`), or by its content. */
export type ScreenHint = 'auto' | 'detail' | 'motion';

type Screen = Awaited<ReturnType<typeof openScreen>>;

export class ScreenShare {
  readonly #context: PublishContext;
  #screen: Screen | undefined;
  /** Whether the user still wants to share: otherwise the track that the picker returns is stopped. */
  #wanted = false;
  /** The open picker of the browser. A page cannot close it, and opens no second one. */
  #picking: Promise<void> | undefined;
  #syncing: Promise<void> = Promise.resolve();
  #hint: ScreenHint = 'auto';

  constructor(context: PublishContext) {
    this.#context = context;
  }

  /** The video track; undefined while nothing is shared. */
  get video(): MediaStreamTrack | undefined {
    return this.#screen?.video;
  }

  /** What the user has chosen; undefined while nothing is shared. */
  get hint(): ScreenHint | undefined {
    return this.#screen && this.#hint;
  }

  setHint(hint: ScreenHint): void {
    this.#hint = hint;
    // Without a hint the client decides by the content.
    if (this.#screen) this.#screen.video.contentHint = hint === 'auto' ? '' : hint;
    this.#context.onChanged();
  }

  /** Shares, or stops sharing. While the picker is open, a second press waits for the same picker. */
  async toggle(): Promise<void> {
    if (this.#screen) {
      await this.stop();
      return;
    }
    if (!this.#context.canPublish('screen')) return;
    this.#wanted = true;
    if (this.#picking) {
      await this.#picking;
      return;
    }
    this.#picking = this.#pick();
    await this.#picking;
    await this.#syncPublished();
  }

  /** Makes the publications match what is shared and permitted: after a join, or with other grants. */
  async sync(): Promise<void> {
    if (!this.#context.canPublish('screen')) this.#stopCapture();
    else if (!this.#context.canPublish('screenAudio')) this.#screen?.audio?.stop();
    await this.#syncPublished();
  }

  /** Stops the sound of the screen that is shared. */
  stopAudio(): void {
    this.#screen?.audio?.stop();
  }

  async stop(): Promise<void> {
    this.#stopCapture();
    await this.#syncPublished();
  }

  /** Stops the tracks; those that an open picker returns later are stopped too. */
  #stopCapture(): void {
    this.#wanted = false;
    // The hint was chosen for this screen only.
    this.#hint = 'auto';
    const screen = this.#screen;
    this.#screen = undefined;
    stopTracks(screen);
    this.#context.onChanged();
  }

  async #pick(): Promise<void> {
    const { canPublish, attempt, onChanged } = this.#context;
    let picked: Screen | undefined;
    await attempt(async () => {
      try {
        picked = await openScreen({ audio: canPublish('screenAudio') });
      } catch (error) {
        // No error message for a user who has left or cancelled meanwhile.
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
    // The browser's own "stop sharing" ends the video track only: stop the audio track with it.
    video.addEventListener('ended', () => void (this.#screen?.video === video && this.stop()));
    this.#screen = picked;
    onChanged();
  }

  /** Publishes or unpublishes to match what is shared; the operations run one after another. */
  #syncPublished(): Promise<void> {
    this.#syncing = this.#syncing.then(async () => {
      const { client: current, canPublish, attempt, onChanged } = this.#context;
      const client = current();
      if (!client) return;
      const screen = this.#screen;
      const audio = screen?.audio?.readyState === 'live' && canPublish('screenAudio') ? screen.audio : undefined;
      const refused = await attempt(() =>
        Promise.all([publishAs(client, 'screen', screen?.video), publishAs(client, 'screenAudio', audio)]),
      );
      // Nobody receives it: do not capture it either.
      if (refused && screen && this.#screen === screen) void this.stop();
      onChanged();
    });
    return this.#syncing;
  }
}

/** Publishes, replaces or unpublishes the track of a source. */
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
