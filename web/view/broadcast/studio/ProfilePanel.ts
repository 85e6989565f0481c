/** Owns the choice of how viewers play the broadcast: at once, or a second later and without gaps. */
import type { BroadcastProfile } from '../../../client/index.ts';
import { element } from '../../common/dom.ts';
import { translate } from '../../locales/index.ts';
import type { BroadcastController } from '../BroadcastController.ts';

const profiles = ['lowLatency', 'smooth'] as const satisfies readonly BroadcastProfile[];
const words = {
  lowLatency: { name: translate('profileLowLatency'), about: translate('profileLowLatencyText') },
  smooth: { name: translate('profileSmooth'), about: translate('profileSmoothText') },
};

export class ProfilePanel {
  readonly root: HTMLElement;
  readonly #broadcast: BroadcastController;
  readonly #about = element('p', { className: 'secondary', id: 'studio-profile' });
  readonly #buttons: ReadonlyMap<BroadcastProfile, HTMLButtonElement>;

  constructor(broadcast: BroadcastController) {
    this.#broadcast = broadcast;
    this.#buttons = new Map(profiles.map((profile) => [profile, this.#button(profile)]));
    this.root = element(
      'section',
      { className: 'studio-panel' },
      element('h2', {}, translate('profileTitle')),
      element(
        'div',
        { className: 'segmented-control', role: 'group', ariaLabel: translate('profileTitle') },
        ...this.#buttons.values(),
      ),
      this.#about,
    );
  }

  render(): void {
    const { call, info } = this.#broadcast;
    this.root.hidden = !call.isAdmin;
    const { profile = 'lowLatency' } = info ?? {};
    for (const [name, button] of this.#buttons) button.setAttribute('aria-pressed', String(name === profile));
    const { about } = words[profile];
    if (this.#about.textContent !== about) this.#about.textContent = about;
  }

  #button(profile: BroadcastProfile): HTMLButtonElement {
    const button = element(
      'button',
      { type: 'button', attributes: { 'aria-describedby': 'studio-profile' } },
      words[profile].name,
    );
    button.addEventListener('click', () => void this.#broadcast.setProfile(profile));
    return button;
  }
}
