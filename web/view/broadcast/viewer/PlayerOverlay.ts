/** Owns what is said where there is no picture: the broadcast is to come, is held up, or is over. */
import { announce, element } from '../../common/dom.ts';
import { translate } from '../../locales/index.ts';
import type { BroadcastController, PlayerState } from '../BroadcastController.ts';
import { formatDuration } from '../format.ts';

export class PlayerOverlay {
  readonly root: HTMLElement;
  readonly #broadcast: BroadcastController;
  readonly #title = element('h1', {});
  readonly #text = element('p', {});
  readonly #waitingText = element('p', { className: 'secondary' });
  readonly #startPageLink = element('a', { href: '/', hidden: true }, translate('toStartPage'));
  #announced: PlayerState = 'connecting';

  constructor(broadcast: BroadcastController) {
    this.#broadcast = broadcast;
    this.root = element(
      'div',
      { className: 'player-overlay' },
      this.#title,
      this.#text,
      this.#waitingText,
      this.#startPageLink,
    );
  }

  render(scene: PlayerState): void {
    const { info } = this.#broadcast;
    this.root.hidden = scene === 'live' || scene === 'connecting';
    this.root.dataset.state = scene;
    const viewers = translate(info?.viewers === 1 ? 'waitingOne' : 'waitingViewers', { count: info?.viewers ?? 0 });
    const [title, text = '', more = ''] = {
      connecting: [''],
      live: [''],
      before: [translate('notStarted'), translate('notStartedText'), viewers],
      interrupted: [translate('interrupted'), translate('interruptedText')],
      ended: [
        translate('broadcastEnded'),
        translate('broadcastLasted', { time: formatDuration(this.#broadcast.liveSeconds) }),
      ],
    }[scene];
    const lines = [
      [this.#title, title],
      [this.#text, text],
      [this.#waitingText, more],
    ] as const;
    for (const [line, words = ''] of lines) {
      if (line.textContent !== words) line.textContent = words;
      line.hidden = words === '';
    }
    this.#startPageLink.hidden = scene !== 'ended';
    this.#announce(scene, title ?? '');
  }

  /** Those who do not see it hear of each change once. */
  #announce(scene: PlayerState, title: string): void {
    if (scene === this.#announced || scene === 'connecting') return;
    this.#announced = scene;
    announce(scene === 'live' ? translate('nowLive') : title);
  }
}
