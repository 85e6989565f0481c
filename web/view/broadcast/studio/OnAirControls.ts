/** The state of the broadcast in the studio: badge, time, viewers, the button that goes live or ends it, and a summary. */
import { Eye, Radio, Square } from 'lucide';
import { confirmDialog } from '../../common/confirmDialog.ts';
import { announce, element, icon } from '../../common/dom.ts';
import { translate } from '../../locales/index.ts';
import type { BroadcastController } from '../BroadcastController.ts';
import { formatCount, formatDuration, formatPlural } from '../format.ts';

/** How often the time is updated, in milliseconds: often enough to show each second on time. */
const TIME_INTERVAL = 200;

export class OnAirControls {
  /** Badge, time, viewers. */
  readonly status: HTMLElement;
  readonly button = element('button', { type: 'button', className: 'studio-live-button' });
  /** Duration and viewers, once the broadcast has ended. */
  readonly summary: HTMLElement;
  readonly #broadcast: BroadcastController;
  readonly #badge = element('span', { className: 'on-air-badge' });
  readonly #time = element('span', { className: 'studio-time', role: 'timer', ariaLabel: translate('timeOnAir') });
  readonly #viewers = element('span', { className: 'studio-viewers' });
  readonly #viewersText = element('span', {});
  readonly #waiting = element('p', { className: 'secondary' });
  readonly #duration = element('dd', {});
  readonly #peakViewers = element('dd', {});
  readonly #peakViewersRow: HTMLElement;
  readonly #timer = setInterval(() => this.#updateTime(), TIME_INTERVAL);
  #state: string | undefined;
  /** The most viewers that this page has seen. */
  #peak: number | undefined;
  #confirming = false;
  #request: Promise<void> | undefined;

  constructor(broadcast: BroadcastController) {
    this.#broadcast = broadcast;
    this.#viewers.append(icon(Eye, 18), this.#viewersText);
    this.status = element(
      'div',
      { className: 'studio-status', role: 'group', ariaLabel: translate('kindBroadcast') },
      this.#badge,
      this.#time,
      this.#viewers,
      this.#waiting,
    );
    this.#peakViewersRow = element('div', {}, element('dt', {}, translate('peakViewers')), this.#peakViewers);
    this.summary = element(
      'div',
      { className: 'studio-summary', hidden: true },
      element('h2', {}, translate('broadcastEnded')),
      element(
        'dl',
        {},
        element('div', {}, element('dt', {}, translate('duration')), this.#duration),
        this.#peakViewersRow,
      ),
    );
    this.button.addEventListener('click', () => void this.#onClick());
  }

  get live(): boolean {
    return this.#broadcast.info?.state === 'live';
  }

  render(): void {
    const { info, call } = this.#broadcast;
    const { state = 'before', viewers = 0 } = info ?? {};
    if (info && state !== this.#state) this.#onStateChanged(state);
    if (state === 'live') this.#peak = Math.max(this.#peak ?? 0, viewers);
    this.#badge.textContent = translate(this.live ? 'onAir' : 'offAir');
    this.#badge.classList.toggle('live', this.live);
    this.#viewersText.textContent = viewersText(state, viewers);
    this.#waiting.hidden = state !== 'before' || (this.#isHost && viewers > 0);
    this.#waiting.textContent = translate(this.#isHost ? 'waitingNone' : 'waitForHost');
    this.#updateButton(state);
    this.button.disabled = call.phase !== 'joined' || this.#request !== undefined;
    this.button.hidden = !this.#isHost && !info?.unattended;
    this.summary.hidden = state !== 'ended';
    this.#peakViewersRow.hidden = this.#peak === undefined;
    this.#peakViewers.textContent = formatCount(this.#peak ?? 0);
    this.#updateTime();
  }

  /** Ends its timer. */
  close(): void {
    clearInterval(this.#timer);
  }

  /** From the grants; before the join, from the role in the address. */
  get #isHost(): boolean {
    const { call } = this.#broadcast;
    return call.client.grants ? call.isAdmin : call.options.role === 'host';
  }

  #onStateChanged(state: 'before' | 'live' | 'ended'): void {
    if (state === 'live' && this.#state !== undefined) this.#peak = undefined;
    if (state === 'live') announce(translate('studioLive'));
    else if (this.#state === 'live') announce(translate('broadcastOver'));
    this.#state = state;
  }

  #updateButton(state: 'before' | 'live' | 'ended'): void {
    if (this.button.dataset.state === state) return;
    this.button.dataset.state = state;
    const label = translate(state === 'live' ? 'endBroadcast' : state === 'ended' ? 'goLiveAgain' : 'goLive');
    this.button.replaceChildren(icon(state === 'live' ? Square : Radio, 20), label);
  }

  /** Ignores presses until the server has answered the previous one. */
  async #onClick(): Promise<void> {
    if (this.#confirming || this.#request) return;
    if (this.live && !(await this.#confirmEnd())) return;
    this.#request = this.live ? this.#broadcast.end() : this.#broadcast.goLive();
    this.render();
    await this.#request;
    this.#request = undefined;
    this.render();
    this.button.focus();
  }

  async #confirmEnd(): Promise<boolean> {
    this.#confirming = true;
    const answer = await confirmDialog(this.button.closest('.studio') ?? document.body, {
      title: translate('confirmEnd'),
      text: translate('confirmEndText'),
      answers: [{ value: 'end', label: translate('endBroadcast'), danger: true }],
    });
    this.#confirming = false;
    return answer === 'end' && this.live;
  }

  #updateTime(): void {
    const time = formatDuration(this.#broadcast.liveSeconds);
    this.#time.hidden = !this.live;
    if (this.live && this.#time.textContent !== time) this.#time.textContent = time;
    if (!this.live) this.#duration.textContent = time;
  }
}

function viewersText(state: 'before' | 'live' | 'ended', viewers: number): string {
  if (state === 'before' && viewers > 0) return formatPlural(viewers, 'waitingCountOne', 'waitingCount');
  return formatPlural(viewers, 'studioViewer', 'studioViewers');
}
