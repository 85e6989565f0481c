/** Owns the scenes of the studio: the camera, the screen, or both, as what is switched on has it. */
import { AppWindow, type IconNode, PictureInPicture2, UserRound } from 'lucide';
import { announce, element, icon } from '../../common/dom.ts';
import type { CallController } from '../../controller/CallController.ts';
import { translate } from '../../locales/index.ts';

const scenes = ['camera', 'screen', 'both'] as const;
export type Scene = (typeof scenes)[number];

const sceneButtons: Readonly<Record<Scene, { words: 'sceneCamera' | 'sceneScreen' | 'sceneBoth'; node: IconNode }>> = {
  camera: { words: 'sceneCamera', node: UserRound },
  screen: { words: 'sceneScreen', node: AppWindow },
  both: { words: 'sceneBoth', node: PictureInPicture2 },
};

export class SceneSwitcher {
  readonly root: HTMLElement;
  readonly #call: CallController;
  readonly #buttons: ReadonlyMap<Scene, HTMLButtonElement>;
  /** The camera is off because of a scene: it comes back when the screen goes. */
  #cameraStoppedByScene = false;
  #shown: Scene = 'camera';
  #shared = false;

  constructor(call: CallController) {
    this.#call = call;
    this.#buttons = new Map(scenes.map((scene) => [scene, this.#button(scene)]));
    this.root = element(
      'div',
      { className: 'segmented-control', role: 'group', ariaLabel: translate('scenes') },
      ...this.#buttons.values(),
    );
  }

  /** What is switched on says which scene it is: the browser can end the sharing as well as we can. */
  get current(): Scene {
    const { screenOn } = this.#call.localParticipant;
    if (!screenOn) return 'camera';
    return this.#isCameraOn ? 'both' : 'screen';
  }

  async select(scene: Scene): Promise<void> {
    if (scene !== 'camera' && !this.#call.localParticipant.screenOn) {
      await this.#call.toggleScreen();
      // Whoever closes the picker stays in the scene that there was.
      if (!this.#call.localParticipant.screenOn) return;
    }
    if (scene !== 'screen') await this.#call.setCamera(true);
    else if (this.#isCameraOn) {
      this.#cameraStoppedByScene = true;
      await this.#call.setCamera(false);
    }
    // The camera is there before the screen goes, so that viewers see one of them all the while.
    if (scene === 'camera' && this.#call.localParticipant.screenOn) await this.#call.toggleScreen();
  }

  render(): void {
    const { screenOn } = this.#call.localParticipant;
    const ended = this.#shared && !screenOn;
    this.#shared = screenOn;
    if (this.#isCameraOn) this.#cameraStoppedByScene = false;
    else if (ended && this.#cameraStoppedByScene && this.#call.phase !== 'ended' && this.#call.canPublish) {
      this.#cameraStoppedByScene = false;
      void this.#call.setCamera(true);
    }
    const scene = this.current;
    for (const [name, button] of this.#buttons) button.setAttribute('aria-pressed', String(name === scene));
    if (scene === this.#shown) return;
    this.#shown = scene;
    announce(translate('sceneNow', { scene: translate(sceneButtons[scene].words) }));
  }

  get #isCameraOn(): boolean {
    return this.#call.toggles.camera.on;
  }

  #button(scene: Scene): HTMLButtonElement {
    const { words, node } = sceneButtons[scene];
    const button = element(
      'button',
      { type: 'button', data: { scene }, attributes: { 'aria-pressed': 'false' } },
      icon(node, 18),
      translate(words),
    );
    button.addEventListener('click', () => void this.select(scene));
    if (scene !== 'camera' && !('getDisplayMedia' in (navigator.mediaDevices ?? {}))) {
      button.disabled = true;
      button.title = translate('sceneNoScreen');
    }
    return button;
  }
}
