/** Switches the scenes of the studio: camera, screen, or both. */
import { AppWindow, type IconNode, PictureInPicture2, UserRound } from 'lucide';
import { announce, element, icon } from '../../common/dom.ts';
import type { CallController } from '../../controller/CallController.ts';
import { translate } from '../../locales/index.ts';

const scenes = ['camera', 'screen', 'both'] as const;
export type Scene = (typeof scenes)[number];

const sceneButtons: Readonly<Record<Scene, { label: 'camera' | 'screen' | 'sceneBoth'; node: IconNode }>> = {
  camera: { label: 'camera', node: UserRound },
  screen: { label: 'screen', node: AppWindow },
  both: { label: 'sceneBoth', node: PictureInPicture2 },
};

export class SceneSwitcher {
  readonly root: HTMLElement;
  readonly #call: CallController;
  readonly #buttons: ReadonlyMap<Scene, HTMLButtonElement>;
  /** The scene has switched the camera off: it is switched on again when the screen share ends. */
  #cameraStoppedByScene = false;
  #renderedScene: Scene = 'camera';
  #wasSharing = false;

  constructor(call: CallController) {
    this.#call = call;
    this.#buttons = new Map(scenes.map((scene) => [scene, this.#button(scene)]));
    this.root = element(
      'div',
      { className: 'segmented-control', role: 'group', ariaLabel: translate('scenes') },
      ...this.#buttons.values(),
    );
  }

  /** Derived from what is on, since the browser can end a screen share too. */
  get current(): Scene {
    const { screenOn } = this.#call.localParticipant;
    if (!screenOn) return 'camera';
    return this.#isCameraOn ? 'both' : 'screen';
  }

  async select(scene: Scene): Promise<void> {
    if (scene !== 'camera' && !this.#call.localParticipant.screenOn) {
      await this.#call.sources.toggleScreen();
      // The picker was closed: keep the current scene.
      if (!this.#call.localParticipant.screenOn) return;
    }
    if (scene !== 'screen') await this.#call.sources.setCamera(true);
    else if (this.#isCameraOn) {
      this.#cameraStoppedByScene = true;
      await this.#call.sources.setCamera(false);
    }
    // The camera starts before the screen share ends, so that viewers always see one of them.
    if (scene === 'camera' && this.#call.localParticipant.screenOn) await this.#call.sources.toggleScreen();
  }

  render(): void {
    const { screenOn } = this.#call.localParticipant;
    const ended = this.#wasSharing && !screenOn;
    this.#wasSharing = screenOn;
    if (this.#isCameraOn) this.#cameraStoppedByScene = false;
    else if (ended && this.#cameraStoppedByScene && this.#call.phase !== 'ended' && this.#call.canPublish) {
      this.#cameraStoppedByScene = false;
      void this.#call.sources.setCamera(true);
    }
    const scene = this.current;
    for (const [name, button] of this.#buttons) button.setAttribute('aria-pressed', String(name === scene));
    if (scene === this.#renderedScene) return;
    this.#renderedScene = scene;
    announce(translate('sceneNow', { scene: translate(sceneButtons[scene].label) }));
  }

  get #isCameraOn(): boolean {
    return this.#call.sources.toggles.camera.on;
  }

  #button(scene: Scene): HTMLButtonElement {
    const { label, node } = sceneButtons[scene];
    const button = element(
      'button',
      { type: 'button', data: { scene }, attributes: { 'aria-pressed': 'false' } },
      icon(node, 18),
      translate(label),
    );
    button.addEventListener('click', () => void this.select(scene));
    if (scene !== 'camera' && !('getDisplayMedia' in (navigator.mediaDevices ?? {}))) {
      button.disabled = true;
      button.title = translate('sceneNoScreen');
    }
    return button;
  }
}
