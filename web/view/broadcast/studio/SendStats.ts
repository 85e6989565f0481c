/** Owns how what we send fares: rate, size and frames of each source, and what keeps a picture from being better. */
import type { Source, TrackStats } from '../../../client/index.ts';
import { element } from '../../common/dom.ts';
import type { CallController } from '../../controller/CallController.ts';
import { type MessageKey, translate } from '../../locales/index.ts';
import { formatBitrate } from '../format.ts';

const INTERVAL = 2000;
/** A browser says for a moment that something limits it, whenever it begins: after so many looks it is worth saying. */
const LIMITATION_SAMPLES = 4;
/** Less than that is no media, in bit/s. */
const MIN_BITRATE = 1000;

const names: Readonly<Record<Source, MessageKey>> = {
  camera: 'sendStatsCamera',
  screen: 'sendStatsScreen',
  microphone: 'sendStatsMicrophone',
  screenAudio: 'sendStatsScreenAudio',
};

interface Sent {
  readonly bytes: number;
  readonly at: number;
}

export class SendStats {
  readonly root: HTMLElement;
  readonly warning = element('p', { className: 'studio-warning', role: 'alert', hidden: true });
  readonly #call: CallController;
  readonly #rows = element('dl', { className: 'send-stats' });
  /** What is sent is known after the first look. */
  readonly #nothing = element('p', { className: 'secondary', hidden: true });
  readonly #timer = setInterval(() => void this.#poll(), INTERVAL);
  readonly #previous = new Map<Source, Sent>();
  #limited = { by: '', looks: 0 };

  constructor(call: CallController) {
    this.#call = call;
    this.root = element(
      'section',
      { className: 'studio-panel' },
      element('h2', {}, translate('sendStatsTitle')),
      this.#nothing,
      this.#rows,
    );
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #poll(): Promise<void> {
    if (this.#call.phase !== 'joined') return;
    const { client } = this.#call;
    const stats = (await client.getStats()).filter(({ direction }) => direction === 'send');
    if (this.#call.client === client && this.#call.phase === 'joined') this.#render(stats);
  }

  #render(stats: readonly TrackStats[]): void {
    const sent = stats.map((track) => ({ ...track, rate: this.#bitrateOf(track) }));
    const flowing = sent.filter(({ rate: now }) => now >= MIN_BITRATE);
    this.#nothing.hidden = flowing.length > 0;
    this.#nothing.textContent = translate(stats.length > 0 ? 'sendStatsNone' : 'sendStatsOff');
    this.#rows.replaceChildren(
      ...flowing.map((track) =>
        element('div', {}, element('dt', {}, translate(names[track.source])), element('dd', {}, formatTrack(track))),
      ),
    );
    this.#updateWarning(flowing);
  }

  #bitrateOf({ source, bytes }: TrackStats): number {
    const at = performance.now();
    const before = this.#previous.get(source);
    this.#previous.set(source, { bytes, at });
    // A new stay counts anew.
    if (!before || bytes < before.bytes) return 0;
    return ((bytes - before.bytes) * 8 * 1000) / (at - before.at);
  }

  #updateWarning(flowing: readonly TrackStats[]): void {
    const by =
      flowing
        .map(({ qualityLimitationReason }) => qualityLimitationReason)
        .find((one) => one === 'cpu' || one === 'bandwidth') ?? '';
    this.#limited = by === this.#limited.by ? { by, looks: this.#limited.looks + 1 } : { by, looks: 1 };
    const told = by !== '' && this.#limited.looks >= LIMITATION_SAMPLES;
    const words = told ? translate(by === 'cpu' ? 'limitedByCpu' : 'limitedByBandwidth') : '';
    this.warning.hidden = words === '';
    if (this.warning.textContent !== words) this.warning.textContent = words;
  }
}

function formatTrack({ frameWidth, frameHeight, framesPerSecond, rate: now }: TrackStats & { rate: number }): string {
  const size = frameWidth && frameHeight ? `${frameWidth}×${frameHeight}` : undefined;
  const frames = framesPerSecond ? `${Math.round(framesPerSecond)} fps` : undefined;
  return [size, frames, formatBitrate(now)].filter(Boolean).join(' · ');
}
