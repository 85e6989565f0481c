/** Microphone, camera and screen of the local participant: what is on, what the grants permit, and what is published. */
import { type LocalMedia, type LocalSource, mayPublish, type RoomClient, type Source } from '../../client/index.ts';
import { type CallEvents, type SourceToggles, type ToggleSource, toggleSources } from './callEvents.ts';
import { LocalPublisher } from './LocalPublisher.ts';
import type { PublishContext } from './PublishContext.ts';
import { type ScreenHint, ScreenShare } from './ScreenShare.ts';

export interface LocalSourcesOptions extends Pick<PublishContext, 'client' | 'attempt' | 'onChanged'> {
  readonly media: LocalMedia;
  /** Undefined before the room is joined. */
  grants(): RoomClient['grants'];
  onPermissionsChanged(change: CallEvents['permissionsChanged']): void;
}

export class LocalSources {
  readonly #options: LocalSourcesOptions;
  readonly #publisher: LocalPublisher;
  readonly #screen: ScreenShare;
  /** The sources that the previous grants did not permit. */
  #forbidden: ReadonlySet<ToggleSource> = new Set();

  constructor(options: LocalSourcesOptions) {
    const { client, attempt, onChanged, media } = options;
    this.#options = options;
    const context = { client, attempt, onChanged, canPublish: (source: Source) => this.canPublish(source) };
    this.#screen = new ScreenShare(context);
    this.#publisher = new LocalPublisher(context, media);
  }

  /** Whether the grants permit a source; before the room is joined, every source counts as permitted. */
  canPublish(source: Source): boolean {
    const grants = this.#options.grants();
    return grants ? mayPublish(grants, source) : true;
  }

  /** The states of the toggle buttons. */
  get toggles(): SourceToggles {
    const state = (source: ToggleSource, on: boolean) => ({ on, allowed: this.canPublish(source) });
    return {
      microphone: state('microphone', this.#publisher.isOn('microphone')),
      camera: state('camera', this.#publisher.isOn('camera')),
      screen: state('screen', this.screenTrack !== undefined),
    };
  }

  /** The captured camera; undefined where it is off or not permitted. */
  get cameraTrack(): MediaStreamTrack | undefined {
    return this.#permittedTrack('camera');
  }

  get screenTrack(): MediaStreamTrack | undefined {
    return this.#screen.video;
  }

  /** Whether the others cannot hear the microphone. */
  get muted(): boolean {
    return this.#permittedTrack('microphone') === undefined || this.#publisher.muted;
  }

  /** Mutes or unmutes. Of several presses the last one wins. */
  toggleMicrophone(): Promise<void> {
    return this.setMicrophone(!this.toggles.microphone.on);
  }

  /** Mutes or unmutes; opens a microphone that is closed. */
  setMicrophone(on: boolean): Promise<void> {
    return this.#publisher.setMicrophone(on);
  }

  /** Of several presses the last one wins. */
  toggleCamera(): Promise<void> {
    return this.setCamera(!this.toggles.camera.on);
  }

  /** Opens the camera, or closes it, which turns its light off. */
  setCamera(on: boolean): Promise<void> {
    return this.#publisher.setCamera(on);
  }

  toggleScreen(): Promise<void> {
    return this.#screen.toggle();
  }

  /** What the shared screen is encoded for; undefined while none is shared. */
  get screenHint(): ScreenHint | undefined {
    return this.#screen.hint;
  }

  setScreenHint(hint: ScreenHint): void {
    this.#screen.setHint(hint);
  }

  /** Publishes what is captured and permitted, and stops capturing what is not permitted any more. */
  applyGrants(): void {
    const permitted = toggleSources.filter((source) => this.canPublish(source));
    const lost = toggleSources.filter((source) => this.#isCaptured(source) && !permitted.includes(source));
    const gained = permitted.filter((source) => this.#forbidden.has(source));
    this.#forbidden = new Set(toggleSources.filter((source) => !permitted.includes(source)));
    this.#publisher.syncAll();
    void this.#screen.sync();
    if (lost.length + gained.length > 0) this.#options.onPermissionsChanged({ lost, gained });
  }

  /**
   * An administrator has muted or stopped a source: it is not captured any more, unless it is a microphone that may be unmuted.
   */
  stopByAdmin(source: Source, action: 'muted' | 'stopped'): void {
    if (source === 'microphone') this.#publisher.mutedByAdmin(action);
    else if (source === 'camera') void this.#publisher.setCamera(false);
    else if (source === 'screen') void this.#screen.stop();
    else if (action === 'stopped') this.#screen.stopAudio();
  }

  /** Ends the screen share; leaves the devices to their owner. */
  close(): void {
    this.#publisher.close();
    void this.#screen.stop();
  }

  #isCaptured(source: ToggleSource): boolean {
    return source === 'screen' ? this.screenTrack !== undefined : this.#options.media.wanted(source);
  }

  #permittedTrack(source: LocalSource): MediaStreamTrack | undefined {
    return this.canPublish(source) ? this.#options.media.state(source).track : undefined;
  }
}
