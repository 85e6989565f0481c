/** Owns the program in the studio: what viewers see of us, laid out as they see it. */
import { element } from '../../common/dom.ts';
import { Tile } from '../../common/Tile.ts';
import { translate } from '../../locales/index.ts';
import type { CallController } from '../../participation/CallController.ts';
import type { StudioScene } from './Scenes.ts';

export class StudioProgram {
  readonly root: HTMLElement;
  readonly #session: CallController;
  readonly #frame: HTMLElement;
  readonly #camera = new Tile({ kind: 'own' });
  readonly #screen = new Tile({ kind: 'screen' });

  /** @param over what may lie over the picture */
  constructor(session: CallController, ...over: HTMLElement[]) {
    this.#session = session;
    // Tiles stay where they are: the browser pauses a video that is moved.
    this.#frame = element('div', { className: 'studio-frame' }, this.#screen.root, this.#camera.root, ...over);
    const { video } = this.#screen;
    // The camera lies in the corner of what is shared, as it does where it is watched.
    video.addEventListener('resize', () => {
      if (video.videoHeight > 0) this.#frame.style.setProperty('--aspect', `${video.videoWidth / video.videoHeight}`);
    });
    this.root = element('section', { className: 'studio-program', ariaLabel: translate('studioProgram') }, this.#frame);
  }

  close(): void {
    for (const tile of [this.#camera, this.#screen]) tile.remove();
  }

  render(scene: StudioScene): void {
    const { self } = this.#session;
    this.#frame.dataset.scene = scene;
    this.#camera.show({
      data: { own: '' },
      label: translate('you'),
      name: self.name,
      video: self.camera,
      expectsVideo: self.cameraOn || this.#session.media.state('camera').status === 'starting',
      muted: self.muted,
      hand: false,
      pinned: false,
    });
    this.#screen.show({
      label: translate('yourScreen'),
      name: self.name,
      video: self.screen,
      expectsVideo: self.screenOn,
      muted: scene === 'screen' && self.muted,
      hand: false,
      pinned: false,
    });
    for (const tile of [this.#camera, this.#screen]) tile.resume();
  }
}
