/** Owns the scenes of the studio: the camera, the screen, or both, as what is switched on has it. */
import { AppWindow, type IconNode, PictureInPicture2, UserRound } from 'lucide';
import { announce, element, icon } from '../../common/dom.ts';
import { translate } from '../../locales/index.ts';
import type { CallController } from '../../participation/CallController.ts';

const scenes = ['camera', 'screen', 'both'] as const;
export type StudioScene = (typeof scenes)[number];

const looks: Readonly<Record<StudioScene, { words: 'sceneCamera' | 'sceneScreen' | 'sceneBoth'; node: IconNode }>> = {
  camera: { words: 'sceneCamera', node: UserRound },
  screen: { words: 'sceneScreen', node: AppWindow },
  both: { words: 'sceneBoth', node: PictureInPicture2 },
};

export class StudioScenes {
  readonly root: HTMLElement;
  readonly #session: CallController;
  readonly #buttons: ReadonlyMap<StudioScene, HTMLButtonElement>;
  /** The camera is off because of a scene: it comes back when the screen goes. */
  #cameraAside = false;
  #shown: StudioScene = 'camera';
  #shared = false;

  constructor(session: CallController) {
    this.#session = session;
    this.#buttons = new Map(scenes.map((scene) => [scene, this.#button(scene)]));
    this.root = element(
      'div',
      { className: 'studio-scenes', role: 'group', ariaLabel: translate('scenes') },
      ...this.#buttons.values(),
    );
  }

  /** What is switched on says which scene it is: the browser can end the sharing as well as we can. */
  get current(): StudioScene {
    const { screenOn } = this.#session.self;
    if (!screenOn) return 'camera';
    return this.#cameraRuns ? 'both' : 'screen';
  }

  async choose(scene: StudioScene): Promise<void> {
    if (scene !== 'camera' && !this.#session.self.screenOn) {
      await this.#session.toggleScreen();
      // Whoever closes the picker stays in the scene that there was.
      if (!this.#session.self.screenOn) return;
    }
    if (scene !== 'screen') await this.#session.setCamera(true);
    else if (this.#cameraRuns) {
      this.#cameraAside = true;
      await this.#session.setCamera(false);
    }
    // The camera is there before the screen goes, so that viewers see one of them all the while.
    if (scene === 'camera' && this.#session.self.screenOn) await this.#session.toggleScreen();
  }

  render(): void {
    const { screenOn } = this.#session.self;
    const ended = this.#shared && !screenOn;
    this.#shared = screenOn;
    if (this.#cameraRuns) this.#cameraAside = false;
    else if (ended && this.#cameraAside && this.#session.phase !== 'ended' && this.#session.mayPublish) {
      this.#cameraAside = false;
      void this.#session.setCamera(true);
    }
    const scene = this.current;
    for (const [name, button] of this.#buttons) button.setAttribute('aria-pressed', String(name === scene));
    if (scene === this.#shown) return;
    this.#shown = scene;
    announce(translate('sceneNow', { scene: translate(looks[scene].words) }));
  }

  get #cameraRuns(): boolean {
    return this.#session.own.camera.on;
  }

  #button(scene: StudioScene): HTMLButtonElement {
    const { words, node } = looks[scene];
    const button = element(
      'button',
      { type: 'button', data: { scene }, attributes: { 'aria-pressed': 'false' } },
      icon(node, 18),
      translate(words),
    );
    button.addEventListener('click', () => void this.choose(scene));
    if (scene !== 'camera' && !('getDisplayMedia' in (navigator.mediaDevices ?? {}))) {
      button.disabled = true;
      button.title = translate('sceneNoScreen');
    }
    return button;
  }
}
