/** The raised hands in the studio, in their order, with the buttons that invite and remove viewers. */
import { Ellipsis, UserMinus } from 'lucide';
import type { RaisedHands } from '../../../client/index.ts';
import { avatar } from '../../common/avatar.ts';
import { smallIconButton } from '../../common/buttons.ts';
import { element, reconcileChildren } from '../../common/dom.ts';
import { keepFocus } from '../../common/keepFocus.ts';
import { menu, menuItem } from '../../common/menu.ts';
import type { Toasts } from '../../common/Toasts.ts';
import { translate } from '../../locales/index.ts';
import type { BroadcastController } from '../BroadcastController.ts';
import { formatCount } from '../format.ts';

type RaisedHand = RaisedHands['first'][number];

type Broadcast = Pick<BroadcastController, 'hands' | 'invite' | 'remove'> & {
  readonly call: Pick<BroadcastController['call'], 'isAdmin' | 'on'>;
};

export class RaisedHandsPanel {
  readonly root: HTMLElement;
  readonly #broadcast: Broadcast;
  readonly #toasts: Pick<Toasts, 'show'>;
  readonly #heading = element('h2', { tabIndex: -1 }, translate('handsTitle'));
  readonly #total = element('span', { className: 'count-badge' });
  readonly #none = element('p', { className: 'secondary' }, translate('handsNone'));
  readonly #list = element('ol', { className: 'studio-hands' });
  readonly #more = element('p', { className: 'secondary' });
  readonly #rows = new Map<string, HTMLElement>();

  constructor(broadcast: Broadcast, toasts: Pick<Toasts, 'show'>) {
    this.#broadcast = broadcast;
    this.#toasts = toasts;
    this.root = element(
      'section',
      { className: 'studio-panel', ariaLabel: translate('handsTitle') },
      element('header', {}, this.#heading, this.#total),
      this.#none,
      this.#list,
      this.#more,
    );
    broadcast.call.on('inviteAnswered', ({ name, accepted }) =>
      toasts.show(translate(accepted ? 'inviteAccepted' : 'inviteDeclined', { name })),
    );
  }

  render(): void {
    this.root.hidden = !this.#broadcast.call.isAdmin;
    const { total, first } = this.#broadcast.hands;
    this.#notifyNew(first);
    const present = new Set(first.map(({ peerId }) => peerId));
    for (const peerId of this.#rows.keys()) if (!present.has(peerId)) this.#rows.delete(peerId);
    keepFocus(
      this.#list,
      () => {
        const rows = first.map((hand) => this.#row(hand));
        reconcileChildren(this.#list, rows);
      },
      () => this.#heading.focus(),
    );
    this.#total.hidden = total === 0;
    this.#total.textContent = formatCount(total);
    this.#none.hidden = total > 0;
    this.#more.hidden = total <= first.length;
    this.#more.textContent = translate('handsMore', { count: formatCount(total - first.length) });
  }

  #notifyNew(hands: readonly RaisedHand[]): void {
    const added = hands.filter(({ peerId }) => !this.#rows.has(peerId));
    const [one, ...others] = added;
    if (!one) return;
    const text =
      others.length > 0
        ? translate('handsRaised', { count: formatCount(added.length) })
        : translate('raisedBy', { name: one.name });
    this.#toasts.show(text);
  }

  #row(hand: RaisedHand): HTMLElement {
    const row = this.#rows.get(hand.peerId) ?? element('li', {});
    this.#rows.set(hand.peerId, row);
    const signature = JSON.stringify([hand.name, hand.invited]);
    if (row.dataset.rendered === signature) return row;
    const focused = row.contains(document.activeElement);
    row.dataset.rendered = signature;
    const label = translate('handMore', { name: hand.name });
    const more = smallIconButton(label, Ellipsis);
    row.replaceChildren(
      avatar(hand.name),
      element(
        'div',
        { className: 'studio-hand-name' },
        element('p', { className: 'label', title: hand.name }, hand.name),
        hand.invited && element('p', { className: 'secondary' }, translate('invitedWaiting')),
      ),
      ...(hand.invited ? [] : [this.#invite(hand)]),
      more,
      menu(more, label, () => [menuItem(translate('handRemove'), UserMinus, () => void this.#remove(hand))]),
    );
    // The focused "Invite" button is gone: keep the focus in this row.
    if (focused) more.focus();
    return row;
  }

  #invite({ peerId, name }: RaisedHand): HTMLElement {
    const button = element(
      'button',
      { type: 'button', className: 'small', ariaLabel: translate('inviteName', { name }) },
      translate('inviteShort'),
    );
    let inviting = false;
    button.addEventListener('click', async () => {
      if (inviting) return;
      // Not disabled: a disabled button would lose the focus.
      inviting = true;
      await this.#broadcast.invite(peerId);
      inviting = false;
    });
    return button;
  }

  async #remove({ peerId, name }: RaisedHand): Promise<void> {
    await this.#broadcast.remove(peerId);
    if (!this.#broadcast.hands.first.some((hand) => hand.peerId === peerId))
      this.#toasts.show(translate('removed', { name }));
  }
}
