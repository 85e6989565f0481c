/** The message over the player while there is no picture: the broadcast has not started, is interrupted, or has ended. */
import { basePath } from '../../common/address.ts';
import { announce, element, setText } from '../../common/dom.ts';
import { translate } from '../../locales/index.ts';
import type { BroadcastController, PlayerState } from '../BroadcastController.ts';
import { formatDuration } from '../format.ts';

export class PlayerOverlay {
  readonly root: HTMLElement;
  readonly #broadcast: BroadcastController;
  readonly #title = element('h1', {});
  readonly #text = element('p', {});
  readonly #waitingText = element('p', { className: 'secondary' });
  readonly #startPageLink = element('a', { href: basePath, hidden: true }, translate('toStartPage'));
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

  render(state: PlayerState): void {
    const { info } = this.#broadcast;
    this.root.hidden = state === 'live' || state === 'connecting';
    this.root.dataset.state = state;
    const viewers = translate(info?.viewers === 1 ? 'waitingOne' : 'waitingViewers', { count: info?.viewers ?? 0 });
    const [title, text = '', waiting = ''] = {
      connecting: [''],
      live: [''],
      before: [translate('notStarted'), translate('notStartedText'), viewers],
      interrupted: [translate('interrupted'), translate('interruptedText')],
      ended: [
        translate('broadcastEnded'),
        translate('broadcastLasted', { time: formatDuration(this.#broadcast.liveSeconds) }),
      ],
    }[state];
    const lines = [
      [this.#title, title],
      [this.#text, text],
      [this.#waitingText, waiting],
    ] as const;
    for (const [line, content = ''] of lines) {
      setText(line, content);
      line.hidden = content === '';
    }
    this.#startPageLink.hidden = state !== 'ended';
    this.#announce(state, title ?? '');
  }

  /** Announces each change once to screen readers. */
  #announce(state: PlayerState, title: string): void {
    if (state === this.#announced || state === 'connecting') return;
    this.#announced = state;
    announce(state === 'live' ? translate('nowLive') : title);
  }
}
