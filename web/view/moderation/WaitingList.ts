/** Those who wait to be let in, for administrators: in their order, with the buttons that let them in or deny them. */
import { X } from 'lucide';
import type { WaitingPeers } from '../../client/index.ts';
import { avatar } from '../common/avatar.ts';
import { smallIconButton } from '../common/buttons.ts';
import { element, reconcileChildren, setText } from '../common/dom.ts';
import { keepFocus } from '../common/keepFocus.ts';
import type { CallController } from '../controller/CallController.ts';
import { translateModeration as translate } from '../locales/moderation.ts';

type WaitingPeer = WaitingPeers['first'][number];

export class WaitingList {
  readonly root: HTMLElement;
  readonly #call: CallController;
  readonly #heading = element('h2', { tabIndex: -1 }, translate('waitingTitle'));
  readonly #count = element('span', { className: 'count-badge' });
  readonly #list = element('ol', { className: 'waiting-list' });
  readonly #more = element('p', { className: 'secondary' });
  readonly #all: HTMLElement;
  readonly #rows = new Map<string, HTMLElement>();

  constructor(call: CallController, className = '') {
    this.#call = call;
    this.#all = element(
      'div',
      { className: 'waiting-actions' },
      this.#button(translate('admitAll'), () => call.client.moderation.admit(), 'primary'),
      this.#button(translate('denyAll'), () => call.client.moderation.deny()),
    );
    this.root = element(
      'section',
      { className: `waiting-section ${className}`, ariaLabel: translate('waitingTitle'), hidden: true },
      element('header', {}, this.#heading, this.#count),
      this.#list,
      this.#more,
      this.#all,
    );
  }

  render(): void {
    const { total, first } = this.#call.isAdmin ? this.#call.client.moderation.waiting : { total: 0, first: [] };
    setText(this.#count, String(total));
    setText(this.#more, translate('waitingMore', { count: total - first.length }));
    this.#more.hidden = total <= first.length;
    this.#all.hidden = total < 2;
    const present = new Set(first.map(({ id }) => id));
    for (const id of this.#rows.keys()) if (!present.has(id)) this.#rows.delete(id);
    keepFocus(
      this.#list,
      () => {
        const rows = first.map((peer) => this.#row(peer));
        reconcileChildren(this.#list, rows);
      },
      () => this.#heading.focus(),
    );
    this.root.hidden = total === 0;
  }

  #row({ id, name }: WaitingPeer): HTMLElement {
    const known = this.#rows.get(id);
    if (known) return known;
    const { moderation } = this.#call.client;
    const admit = this.#button(translate('admit'), () => moderation.admit(id), 'primary');
    const deny = smallIconButton(translate('denyName', { name }), X);
    deny.addEventListener('click', () => void this.#call.attempt(() => moderation.deny(id)));
    // What is read out begins with what is seen.
    admit.ariaLabel = `${translate('admit')}: ${name}`;
    admit.title = translate('admitName', { name });
    const row = element(
      'li',
      {},
      avatar(name),
      element('span', { className: 'label', title: name }, name),
      admit,
      deny,
    );
    this.#rows.set(id, row);
    return row;
  }

  #button(label: string, action: () => Promise<unknown>, className = ''): HTMLButtonElement {
    const button = element('button', { type: 'button', className: `small ${className}` }, label);
    button.addEventListener('click', () => void this.#call.attempt(action));
    return button;
  }
}
