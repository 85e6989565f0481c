/** The preview in the studio: camera and screen of this user, laid out as viewers see them. */
import { element } from '../../common/dom.ts';
import { Tile } from '../../common/Tile.ts';
import { tileState } from '../../common/tileState.ts';
import type { CallController } from '../../controller/CallController.ts';
import { translate } from '../../locales/index.ts';
import type { Scene } from './SceneSwitcher.ts';

export class StreamPreview {
  readonly root: HTMLElement;
  readonly #call: CallController;
  readonly #frame: HTMLElement;
  readonly #camera = new Tile({ kind: 'local' });
  readonly #screen = new Tile({ kind: 'screen' });

  /** @param overlays elements over the pictures */
  constructor(call: CallController, ...overlays: HTMLElement[]) {
    this.#call = call;
    // The tiles are never moved: browsers pause a video that is.
    this.#frame = element(
      'div',
      { className: 'studio-preview-frame' },
      this.#screen.root,
      this.#camera.root,
      ...overlays,
    );
    const { video } = this.#screen;
    // The camera is placed in the corner of the screen's picture, as in the player of a viewer.
    video.addEventListener('resize', () => {
      if (video.videoHeight > 0) this.#frame.style.setProperty('--aspect', `${video.videoWidth / video.videoHeight}`);
    });
    this.root = element('section', { className: 'studio-preview', ariaLabel: translate('preview') }, this.#frame);
  }

  close(): void {
    for (const tile of [this.#camera, this.#screen]) tile.remove();
  }

  render(scene: Scene): void {
    const { localParticipant } = this.#call;
    this.#frame.dataset.scene = scene;
    this.#camera.update({
      ...tileState(localParticipant, 'camera'),
      expectsVideo: localParticipant.cameraOn || this.#call.media.state('camera').status === 'starting',
      handRaised: false,
    });
    this.#screen.update({
      ...tileState(localParticipant, 'screen'),
      data: {},
      label: translate('yourScreen'),
      muted: scene === 'screen' && localParticipant.muted,
    });
    for (const tile of [this.#camera, this.#screen]) tile.resume();
  }
}
