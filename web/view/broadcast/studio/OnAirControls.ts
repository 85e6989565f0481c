/** Owns being on air: the badge and the time, how many watch, the button that goes live or ends it, and what it came to. */
import { Eye, Radio, Square } from 'lucide';
import { announce, element, icon } from '../../common/dom.ts';
import { translate } from '../../locales/index.ts';
import type { BroadcastController } from '../BroadcastController.ts';
import { clock, count, counted } from '../format.ts';
import { confirmDialog } from './confirmDialog.ts';

/** How often the time is looked at, in milliseconds: often enough for each second to come when it should. */
const TICK = 200;

export class OnAirControls {
  /** Badge, time, viewers. */
  readonly status: HTMLElement;
  readonly button = element('button', { type: 'button', className: 'studio-air' });
  /** What the broadcast came to, once it has ended. */
  readonly summary: HTMLElement;
  readonly #show: BroadcastController;
  readonly #badge = element('span', { className: 'studio-badge' });
  readonly #time = element('span', { className: 'studio-time', role: 'timer', ariaLabel: translate('studioOnAirFor') });
  readonly #viewers = element('span', { className: 'studio-viewers' });
  readonly #viewersText = element('span', {});
  readonly #waiting = element('p', { className: 'quiet studio-waiting' });
  readonly #lasted = element('dd', {});
  readonly #most = element('dd', {});
  readonly #mostRow: HTMLElement;
  readonly #timer = setInterval(() => this.#tick(), TICK);
  #state: string | undefined;
  /** How many watched at most, as far as we have seen it. */
  #peak: number | undefined;
  #asking = false;
  #asked: Promise<void> | undefined;

  constructor(show: BroadcastController) {
    this.#show = show;
    this.#viewers.append(icon(Eye, 18), this.#viewersText);
    this.status = element(
      'div',
      { className: 'studio-status', role: 'group', ariaLabel: translate('studioStatus') },
      this.#badge,
      this.#time,
      this.#viewers,
      this.#waiting,
    );
    this.#mostRow = element('div', {}, element('dt', {}, translate('studioMost')), this.#most);
    this.summary = element(
      'div',
      { className: 'studio-summary', hidden: true },
      element('h2', {}, translate('studioOverTitle')),
      element('dl', {}, element('div', {}, element('dt', {}, translate('studioLasted')), this.#lasted), this.#mostRow),
    );
    this.button.addEventListener('click', () => void this.#press());
  }

  get live(): boolean {
    return this.#show.info?.state === 'live';
  }

  render(): void {
    const { info, session } = this.#show;
    const { state = 'before', viewers = 0 } = info ?? {};
    if (info && state !== this.#state) this.#turn(state);
    if (state === 'live') this.#peak = Math.max(this.#peak ?? 0, viewers);
    this.#badge.textContent = translate(this.live ? 'onAir' : 'offAir');
    this.#badge.classList.toggle('live', this.live);
    this.#viewersText.textContent = viewerWords(state, viewers);
    this.#waiting.hidden = state !== 'before' || (this.#isHost && viewers > 0);
    this.#waiting.textContent = translate(this.#isHost ? 'studioWaitingNone' : 'studioSpeakerWaits');
    this.#showButton(state);
    this.button.disabled = session.phase !== 'in' || this.#asked !== undefined;
    this.button.hidden = !this.#isHost && !info?.unattended;
    this.summary.hidden = state !== 'ended';
    this.#mostRow.hidden = this.#peak === undefined;
    this.#most.textContent = count(this.#peak ?? 0);
    this.#tick();
  }

  /** The clock stands still from now on. */
  close(): void {
    clearInterval(this.#timer);
  }

  /** As the token says, or before we are in, as the address does. */
  get #isHost(): boolean {
    const { session } = this.#show;
    return session.client.grants ? session.isAdmin : session.wish.role === 'host';
  }

  #turn(state: 'before' | 'live' | 'ended'): void {
    if (state === 'live' && this.#state !== undefined) this.#peak = undefined;
    if (state === 'live') announce(translate('studioLive'));
    else if (this.#state === 'live') announce(translate('studioOver'));
    this.#state = state;
  }

  #showButton(state: 'before' | 'live' | 'ended'): void {
    if (this.button.dataset.state === state) return;
    this.button.dataset.state = state;
    const words = translate(state === 'live' ? 'endBroadcast' : state === 'ended' ? 'goLiveAgain' : 'goLive');
    this.button.replaceChildren(icon(state === 'live' ? Square : Radio, 20), words);
  }

  /** One press at a time: the button is what it says until the server has answered. */
  async #press(): Promise<void> {
    if (this.#asking || this.#asked) return;
    if (this.live && !(await this.#confirmed())) return;
    this.#asked = this.live ? this.#show.end() : this.#show.goLive();
    this.render();
    await this.#asked;
    this.#asked = undefined;
    this.render();
    this.button.focus();
  }

  async #confirmed(): Promise<boolean> {
    this.#asking = true;
    const answer = await confirmDialog(this.button.closest('.studio') ?? document.body, {
      title: translate('endAsk'),
      text: translate('endAskText'),
      answers: [{ value: 'end', label: translate('endBroadcast'), danger: true }],
    });
    this.#asking = false;
    return answer === 'end' && this.live;
  }

  #tick(): void {
    const time = clock(this.#show.liveSeconds);
    this.#time.hidden = !this.live;
    if (this.live && this.#time.textContent !== time) this.#time.textContent = time;
    if (!this.live) this.#lasted.textContent = time;
  }
}

function viewerWords(state: 'before' | 'live' | 'ended', viewers: number): string {
  if (state === 'before' && viewers > 0) return counted(viewers, 'studioWaitingOne', 'studioWaiting');
  return counted(viewers, 'studioViewer', 'studioViewers');
}
