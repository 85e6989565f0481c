/** Owns how what we send fares: rate, size and frames of each source, and what keeps a picture from being better. */
import type { Source, TrackStats } from '../../../client/index.ts';
import { element } from '../../common/dom.ts';
import { translate, type WordKey } from '../../locales/index.ts';
import type { CallController } from '../../participation/CallController.ts';
import { rate } from '../format.ts';

const INTERVAL = 2000;
/** A browser says for a moment that something limits it, whenever it begins: after so many looks it is worth saying. */
const LOOKS = 4;
/** Less than that is no media, in bit/s. */
const NOTHING = 1000;

const names: Readonly<Record<Source, WordKey>> = {
  camera: 'healthCamera',
  screen: 'healthScreen',
  microphone: 'healthMicrophone',
  screenAudio: 'healthScreenAudio',
};

interface Sent {
  readonly bytes: number;
  readonly at: number;
}

export class SendStats {
  readonly root: HTMLElement;
  readonly warning = element('p', { className: 'studio-warning', role: 'alert', hidden: true });
  readonly #session: CallController;
  readonly #rows = element('dl', { className: 'studio-health' });
  /** What is sent is known after the first look. */
  readonly #nothing = element('p', { className: 'quiet', hidden: true });
  readonly #timer = setInterval(() => void this.#look(), INTERVAL);
  readonly #before = new Map<Source, Sent>();
  #limited = { by: '', looks: 0 };

  constructor(session: CallController) {
    this.#session = session;
    this.root = element(
      'section',
      { className: 'studio-panel' },
      element('h2', {}, translate('healthTitle')),
      this.#nothing,
      this.#rows,
    );
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#session.phase !== 'in') return;
    const { client } = this.#session;
    const stats = (await client.getStats()).filter(({ direction }) => direction === 'send');
    if (this.#session.client === client && this.#session.phase === 'in') this.#show(stats);
  }

  #show(stats: readonly TrackStats[]): void {
    const sent = stats.map((track) => ({ ...track, rate: this.#rateOf(track) }));
    const flowing = sent.filter(({ rate: now }) => now >= NOTHING);
    this.#nothing.hidden = flowing.length > 0;
    this.#nothing.textContent = translate(stats.length > 0 ? 'healthNothing' : 'healthOff');
    this.#rows.replaceChildren(
      ...flowing.map((track) =>
        element('div', {}, element('dt', {}, translate(names[track.source])), element('dd', {}, wordsOf(track))),
      ),
    );
    this.#judge(flowing);
  }

  #rateOf({ source, bytes }: TrackStats): number {
    const at = performance.now();
    const before = this.#before.get(source);
    this.#before.set(source, { bytes, at });
    // A new stay counts anew.
    if (!before || bytes < before.bytes) return 0;
    return ((bytes - before.bytes) * 8 * 1000) / (at - before.at);
  }

  #judge(flowing: readonly TrackStats[]): void {
    const by =
      flowing
        .map(({ qualityLimitationReason }) => qualityLimitationReason)
        .find((one) => one === 'cpu' || one === 'bandwidth') ?? '';
    this.#limited = by === this.#limited.by ? { by, looks: this.#limited.looks + 1 } : { by, looks: 1 };
    const told = by !== '' && this.#limited.looks >= LOOKS;
    const words = told ? translate(by === 'cpu' ? 'healthCpu' : 'healthBandwidth') : '';
    this.warning.hidden = words === '';
    if (this.warning.textContent !== words) this.warning.textContent = words;
  }
}

function wordsOf({ width, height, framesPerSecond, rate: now }: TrackStats & { rate: number }): string {
  const size = width && height ? `${width}×${height}` : undefined;
  const frames = framesPerSecond ? `${Math.round(framesPerSecond)} fps` : undefined;
  return [size, frames, rate(now)].filter(Boolean).join(' · ');
}
