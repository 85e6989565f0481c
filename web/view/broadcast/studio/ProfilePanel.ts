/** The choice of the playback profile: low latency, or smooth with about a second of delay. */
import type { BroadcastProfile } from '../../../client/index.ts';
import { element, setText } from '../../common/dom.ts';
import { translate } from '../../locales/index.ts';
import type { BroadcastController } from '../BroadcastController.ts';

const profiles = ['lowLatency', 'smooth'] as const satisfies readonly BroadcastProfile[];
const texts = {
  lowLatency: { name: translate('profileLowLatency'), description: translate('profileLowLatencyText') },
  smooth: { name: translate('profileSmooth'), description: translate('profileSmoothText') },
};

export class ProfilePanel {
  readonly root: HTMLElement;
  readonly #broadcast: BroadcastController;
  readonly #description = element('p', { className: 'secondary', id: 'studio-profile' });
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
      this.#description,
    );
  }

  render(): void {
    const { call, info } = this.#broadcast;
    this.root.hidden = !call.isAdmin;
    const { profile = 'lowLatency' } = info ?? {};
    for (const [name, button] of this.#buttons) button.setAttribute('aria-pressed', String(name === profile));
    const { description } = texts[profile];
    setText(this.#description, description);
  }

  #button(profile: BroadcastProfile): HTMLButtonElement {
    const button = element(
      'button',
      { type: 'button', attributes: { 'aria-describedby': 'studio-profile' } },
      texts[profile].name,
    );
    button.addEventListener('click', () => void this.#broadcast.setProfile(profile));
    return button;
  }
}
