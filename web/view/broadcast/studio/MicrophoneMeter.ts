/** Owns what the microphone gives as the studio shows it: a meter, and a warning when viewers would hear nothing. */
import { Mic } from 'lucide';
import { element, icon } from '../../common/dom.ts';
import { levelToFraction } from '../../common/loudness.ts';
import { SilenceDetector } from '../../common/SilenceDetector.ts';
import type { CallController } from '../../controller/CallController.ts';
import { translate } from '../../locales/index.ts';

const INTERVAL = 100;

export class MicrophoneMeter {
  readonly root: HTMLElement;
  readonly warning = element('p', { className: 'studio-warning', role: 'alert', hidden: true });
  readonly #call: CallController;
  readonly #onAir: () => boolean;
  readonly #level = element('meter', {
    className: 'level-meter',
    min: 0,
    max: 1,
    value: 0,
    ariaLabel: translate('studioLevel'),
  });
  readonly #timer = setInterval(() => this.#poll(), INTERVAL);
  readonly #silence = new SilenceDetector();

  constructor(call: CallController, onAir: () => boolean) {
    this.#call = call;
    this.#onAir = onAir;
    this.root = element('div', { className: 'studio-meter' }, icon(Mic, 18), this.#level);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #poll(): void {
    const { muted } = this.#call.localParticipant;
    const heard = muted ? 0 : this.#call.media.meter.level;
    this.#level.value = levelToFraction(heard ?? 0);
    const silent = this.#silence.add(this.#onAir() ? heard : undefined);
    const words = silent ? translate(muted ? 'studioMuted' : 'studioSilent') : '';
    this.warning.hidden = words === '';
    if (this.warning.textContent !== words) this.warning.textContent = words;
  }
}
