/** Statistics of what the studio sends: bitrate, size and frame rate of each source, and a warning while quality is limited. */
import { type RoomClient, type Source, TrackRateMeter, type TrackStats } from '../../../client/index.ts';
import { element, setText } from '../../common/dom.ts';
import { formatBitrate } from '../../common/formatBitrate.ts';
import type { CallController } from '../../controller/CallController.ts';
import { type MessageKey, translate } from '../../locales/index.ts';

/** How often statistics are polled, in milliseconds. */
const POLL_INTERVAL = 2000;
/** Browsers report a limitation for a moment after each start: it counts after this many samples in a row. */
const LIMITATION_SAMPLES = 4;
/** The bitrate below which a source does not count as sent, in bit/s. */
const MIN_BITRATE = 1000;

const names: Readonly<Record<Source, MessageKey>> = {
  camera: 'camera',
  screen: 'screen',
  microphone: 'microphone',
  screenAudio: 'screenAudio',
};

export class SendStats {
  readonly root: HTMLElement;
  readonly warning = element('p', { className: 'studio-warning', role: 'alert', hidden: true });
  readonly #call: CallController;
  readonly #rows = element('dl', { className: 'send-stats' });
  /** Hidden until the first sample. */
  readonly #nothing = element('p', { className: 'secondary', hidden: true });
  readonly #timer = setInterval(() => void this.#poll(), POLL_INTERVAL);
  readonly #meter = new TrackRateMeter(POLL_INTERVAL);
  #client: RoomClient | undefined;
  #limited = { by: '', samples: 0 };

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
    // After a rejoin the counters start from zero.
    if (client !== this.#client) this.#meter.reset();
    this.#client = client;
    const stats = (await client.getStats()).filter(({ direction }) => direction === 'send');
    if (this.#call.client === client && this.#call.phase === 'joined') this.#render(stats);
  }

  #render(stats: readonly TrackStats[]): void {
    const rates = this.#meter.add(stats, performance.now());
    const sent = stats.map((track) => ({ ...track, rate: rates?.bitrate(track) ?? 0 }));
    const active = sent.filter(({ rate: now }) => now >= MIN_BITRATE);
    this.#nothing.hidden = active.length > 0;
    this.#nothing.textContent = translate(stats.length > 0 ? 'sendStatsNone' : 'sendStatsOff');
    this.#rows.replaceChildren(
      ...active.map((track) =>
        element('div', {}, element('dt', {}, translate(names[track.source])), element('dd', {}, formatTrack(track))),
      ),
    );
    this.#updateWarning(active);
  }

  #updateWarning(active: readonly TrackStats[]): void {
    const by =
      active
        .map(({ qualityLimitationReason }) => qualityLimitationReason)
        .find((one) => one === 'cpu' || one === 'bandwidth') ?? '';
    this.#limited = by === this.#limited.by ? { by, samples: this.#limited.samples + 1 } : { by, samples: 1 };
    const isLimited = by !== '' && this.#limited.samples >= LIMITATION_SAMPLES;
    const message = isLimited ? translate(by === 'cpu' ? 'limitedByCpu' : 'limitedByBandwidth') : '';
    this.warning.hidden = message === '';
    setText(this.warning, message);
  }
}

function formatTrack({ frameWidth, frameHeight, framesPerSecond, rate: now }: TrackStats & { rate: number }): string {
  const size = frameWidth && frameHeight ? `${frameWidth}×${frameHeight}` : undefined;
  const frames = framesPerSecond ? `${Math.round(framesPerSecond)} fps` : undefined;
  return [size, frames, formatBitrate(now)].filter(Boolean).join(' · ');
}
