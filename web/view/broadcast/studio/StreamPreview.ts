/** Owns the program in the studio: what viewers see of us, laid out as they see it. */
import { element } from '../../common/dom.ts';
import { Tile } from '../../common/Tile.ts';
import type { CallController } from '../../controller/CallController.ts';
import { translate } from '../../locales/index.ts';
import type { Scene } from './SceneSwitcher.ts';

export class StreamPreview {
  readonly root: HTMLElement;
  readonly #call: CallController;
  readonly #frame: HTMLElement;
  readonly #camera = new Tile({ kind: 'local' });
  readonly #screen = new Tile({ kind: 'screen' });

  /** @param over what may lie over the picture */
  constructor(call: CallController, ...over: HTMLElement[]) {
    this.#call = call;
    // Tiles stay where they are: the browser pauses a video that is moved.
    this.#frame = element('div', { className: 'studio-preview-frame' }, this.#screen.root, this.#camera.root, ...over);
    const { video } = this.#screen;
    // The camera lies in the corner of what is shared, as it does where it is watched.
    video.addEventListener('resize', () => {
      if (video.videoHeight > 0) this.#frame.style.setProperty('--aspect', `${video.videoWidth / video.videoHeight}`);
    });
    this.root = element('section', { className: 'studio-preview', ariaLabel: translate('streamPreview') }, this.#frame);
  }

  close(): void {
    for (const tile of [this.#camera, this.#screen]) tile.remove();
  }

  render(scene: Scene): void {
    const { localParticipant } = this.#call;
    this.#frame.dataset.scene = scene;
    this.#camera.update({
      data: { local: '' },
      label: translate('you'),
      name: localParticipant.name,
      video: localParticipant.camera,
      expectsVideo: localParticipant.cameraOn || this.#call.media.state('camera').status === 'starting',
      muted: localParticipant.muted,
      handRaised: false,
      pinned: false,
    });
    this.#screen.update({
      label: translate('yourScreen'),
      name: localParticipant.name,
      video: localParticipant.screen,
      expectsVideo: localParticipant.screenOn,
      muted: scene === 'screen' && localParticipant.muted,
      handRaised: false,
      pinned: false,
    });
    for (const tile of [this.#camera, this.#screen]) tile.resume();
  }
}
