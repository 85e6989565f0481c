/** Owns what the microphone gives as the studio shows it: a meter, and a warning when viewers would hear nothing. */
import { Mic } from 'lucide';
import { element, icon } from '../../common/dom.ts';
import { fullness } from '../../common/loudness.ts';
import { SilenceDetector } from '../../common/silence.ts';
import { translate } from '../../locales/index.ts';
import type { CallController } from '../../participation/CallController.ts';

const INTERVAL = 100;

export class StudioMeter {
  readonly root: HTMLElement;
  readonly warning = element('p', { className: 'studio-warning', role: 'alert', hidden: true });
  readonly #session: CallController;
  readonly #onAir: () => boolean;
  readonly #level = element('meter', {
    className: 'level',
    min: 0,
    max: 1,
    value: 0,
    ariaLabel: translate('studioLevel'),
  });
  readonly #timer = setInterval(() => this.#listen(), INTERVAL);
  readonly #silence = new SilenceDetector();

  constructor(session: CallController, onAir: () => boolean) {
    this.#session = session;
    this.#onAir = onAir;
    this.root = element('div', { className: 'studio-meter' }, icon(Mic, 18), this.#level);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #listen(): void {
    const { muted } = this.#session.self;
    const heard = muted ? 0 : this.#session.media.meter.level;
    this.#level.value = fullness(heard ?? 0);
    const silent = this.#silence.add(this.#onAir() ? heard : undefined);
    const words = silent ? translate(muted ? 'studioMuted' : 'studioSilent') : '';
    this.warning.hidden = words === '';
    if (this.warning.textContent !== words) this.warning.textContent = words;
  }
}
