/** Owns what is said where there is no picture: the broadcast is to come, is held up, or is over. */
import { announce, element } from '../../common/dom.ts';
import { translate } from '../../locales/index.ts';
import type { BroadcastController, Scene } from '../BroadcastController.ts';
import { clock } from '../format.ts';

export class PlayerCard {
  readonly root: HTMLElement;
  readonly #show: BroadcastController;
  readonly #title = element('h1', {});
  readonly #text = element('p', {});
  readonly #more = element('p', { className: 'quiet' });
  readonly #out = element('a', { href: '/', hidden: true }, translate('toStart'));
  #told: Scene = 'connecting';

  constructor(show: BroadcastController) {
    this.#show = show;
    this.root = element('div', { className: 'notice' }, this.#title, this.#text, this.#more, this.#out);
  }

  render(scene: Scene): void {
    const { info } = this.#show;
    this.root.hidden = scene === 'live' || scene === 'connecting';
    this.root.dataset.scene = scene;
    const viewers = translate(info?.viewers === 1 ? 'waitingOne' : 'waitingViewers', { count: info?.viewers ?? 0 });
    const [title, text = '', more = ''] = {
      connecting: [''],
      live: [''],
      before: [translate('notBegun'), translate('notBegunText'), viewers],
      held: [translate('held'), translate('heldText')],
      ended: [translate('broadcastEnded'), translate('broadcastLasted', { time: clock(this.#show.liveSeconds) })],
    }[scene];
    const lines = [
      [this.#title, title],
      [this.#text, text],
      [this.#more, more],
    ] as const;
    for (const [line, words = ''] of lines) {
      if (line.textContent !== words) line.textContent = words;
      line.hidden = words === '';
    }
    this.#out.hidden = scene !== 'ended';
    this.#tell(scene, title ?? '');
  }

  /** Those who do not see it hear of each change once. */
  #tell(scene: Scene, title: string): void {
    if (scene === this.#told || scene === 'connecting') return;
    this.#told = scene;
    announce(scene === 'live' ? translate('nowLive') : title);
  }
}
