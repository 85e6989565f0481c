/** Owns the choice of how viewers play the broadcast: at once, or a second later and without gaps. */
import type { BroadcastProfile } from '../../../client/index.ts';
import { element } from '../../dom.ts';
import { say } from '../../words/index.ts';
import type { Show } from '../Show.ts';

const profiles = ['lowLatency', 'smooth'] as const satisfies readonly BroadcastProfile[];
const words = {
  lowLatency: { name: say('profileLowLatency'), about: say('profileLowLatencyText') },
  smooth: { name: say('profileSmooth'), about: say('profileSmoothText') },
};

export class StudioProfile {
  readonly root: HTMLElement;
  readonly #show: Show;
  readonly #about = element('p', { className: 'quiet', id: 'studio-profile' });
  readonly #buttons: ReadonlyMap<BroadcastProfile, HTMLButtonElement>;

  constructor(show: Show) {
    this.#show = show;
    this.#buttons = new Map(profiles.map((profile) => [profile, this.#button(profile)]));
    this.root = element(
      'section',
      { className: 'studio-panel' },
      element('h2', {}, say('profileTitle')),
      element(
        'div',
        { className: 'studio-scenes', role: 'group', ariaLabel: say('profileTitle') },
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
