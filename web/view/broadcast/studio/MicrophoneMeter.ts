/** The level of the microphone in the studio, and a warning while viewers hear nothing. */
import { Mic } from 'lucide';
import { element, icon, setText } from '../../common/dom.ts';
import { levelMeter, levelToFraction } from '../../common/loudness.ts';
import { SilenceDetector } from '../../common/SilenceDetector.ts';
import type { CallController } from '../../controller/CallController.ts';
import { translate } from '../../locales/index.ts';

/** How often the level is polled, in milliseconds. */
const LEVEL_INTERVAL = 100;

export class MicrophoneMeter {
  readonly root: HTMLElement;
  readonly warning = element('p', { className: 'studio-warning', role: 'alert', hidden: true });
  readonly #call: CallController;
  readonly #onAir: () => boolean;
  readonly #level = levelMeter(translate('microphoneLevel'));
  readonly #timer = setInterval(() => this.#poll(), LEVEL_INTERVAL);
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
    const level = muted ? 0 : this.#call.media.meter.level;
    this.#level.value = levelToFraction(level ?? 0);
    const silent = this.#silence.add(this.#onAir() ? level : undefined);
    const message = silent ? translate(muted ? 'studioMuted' : 'studioSilent') : '';
    this.warning.hidden = message === '';
    setText(this.warning, message);
  }
}
