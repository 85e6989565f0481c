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

export class StudioProfile {
  readonly root: HTMLElement;
  readonly #show: BroadcastController;
  readonly #about = element('p', { className: 'quiet', id: 'studio-profile' });
  readonly #buttons: ReadonlyMap<BroadcastProfile, HTMLButtonElement>;

  constructor(show: BroadcastController) {
    this.#show = show;
    this.#buttons = new Map(profiles.map((profile) => [profile, this.#button(profile)]));
    this.root = element(
      'section',
      { className: 'studio-panel' },
      element('h2', {}, translate('profileTitle')),
      element(
        'div',
        { className: 'studio-scenes', role: 'group', ariaLabel: translate('profileTitle') },
        ...this.#buttons.values(),
      ),
      this.#about,
    );
  }

  render(): void {
    const { session, info } = this.#show;
    this.root.hidden = !session.isAdmin;
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
    button.addEventListener('click', () => void this.#show.setProfile(profile));
    return button;
  }
}
