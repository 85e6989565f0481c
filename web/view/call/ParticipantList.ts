/** The list of participants: who is here, muted or raises a hand; administrators can remove somebody. */
import { Hand, MicOff, MonitorUp, UserMinus, X } from 'lucide';
import { avatar } from '../common/avatar.ts';
import { smallIconButton } from '../common/buttons.ts';
import { announce, element, icon, reconcileChildren } from '../common/dom.ts';
import { keepFocus } from '../common/keepFocus.ts';
import type { CallController } from '../controller/CallController.ts';
import type { Participant } from '../controller/Participant.ts';
import { translate } from '../locales/index.ts';

/** How long the confirmation of a removal waits for its click, in milliseconds. */
const CONFIRM_TIMEOUT = 4000;

type Call = Pick<CallController, 'isAdmin' | 'localParticipant' | 'remoteParticipants' | 'kick'>;

export class ParticipantList {
  readonly root: HTMLElement;
  readonly #call: Call;
  readonly #list = element('ul', {});
  readonly #title = element('h2', {});
  readonly #rows = new Map<string, HTMLElement>();
  readonly #close: HTMLButtonElement;
  readonly #onToggle: () => void;
  #opener: Element | null = null;

  constructor(call: Call, invite: HTMLElement, onToggle: () => void) {
    this.#call = call;
    this.#onToggle = onToggle;
    this.#close = smallIconButton(translate('close'), X);
    this.#close.addEventListener('click', () => this.toggle());
    this.root = element(
      'aside',
      { className: 'participants', hidden: true, ariaLabel: translate('participants') },
      element('header', {}, this.#title, this.#close),
      this.#list,
      invite,
    );
    this.root.addEventListener('keydown', (event) => event.key === 'Escape' && this.toggle());
  }

  /** Opens or closes the list; the focus moves into it, and back to where it was. */
  toggle(): void {
    this.root.hidden = !this.root.hidden;
    this.#onToggle();
    if (this.root.hidden) {
      // Rows are not updated while the list is closed.
      this.#rows.clear();
      this.#list.replaceChildren();
      if (this.#opener instanceof HTMLElement) this.#opener.focus();
      return;
    }
    this.#opener = document.activeElement;
    this.render();
    this.#close.focus();
  }

  render(): void {
    if (this.root.hidden) return;
    const participants = [this.#call.localParticipant, ...this.#call.remoteParticipants];
    this.#title.textContent = translate('peopleCount', { count: participants.length });
    // Raised hands first, then in the order of the joins.
    const ordered = [
      ...participants.filter(({ handRaised }) => handRaised),
      ...participants.filter(({ handRaised }) => !handRaised),
    ];
    const shown = new Set(participants.map(({ id }) => id));
    for (const id of this.#rows.keys()) if (!shown.has(id)) this.#rows.delete(id);
    keepFocus(
      this.#list,
      () => {
        const rows = ordered.map((participant) => this.#row(participant));
        reconcileChildren(this.#list, rows);
      },
      () => this.#close.focus(),
    );
  }

  #row(participant: Participant): HTMLElement {
    const row = this.#rows.get(participant.id) ?? element('li', {});
    this.#rows.set(participant.id, row);
    const signature = JSON.stringify([
      participant.name,
      participant.muted,
      participant.handRaised,
      participant.screenOn,
      this.#call.isAdmin,
    ]);
    if (row.dataset.rendered === signature) return row;
    row.dataset.rendered = signature;
    const statusIcon = (on: boolean, label: string, node: Parameters<typeof icon>[0]) =>
      on && element('span', { className: 'status-icon', role: 'img', ariaLabel: label, title: label }, icon(node, 18));
    // The button stays: it may have the focus, or wait for the confirmation.
    const remove =
      this.#call.isAdmin && !participant.isLocal && (row.querySelector('button') ?? this.#removeButton(participant));
    if (remove) remove.ariaLabel = remove.title = translate('remove', { name: participant.name });
    reconcileChildren(
      row,
      [
        avatar(participant.name),
        element(
          'span',
          { className: 'label' },
          participant.isLocal ? translate('youNamed', { name: participant.name }) : participant.name,
        ),
        statusIcon(participant.handRaised, translate('handRaised'), Hand),
        statusIcon(participant.screenOn, translate('sharing'), MonitorUp),
        statusIcon(participant.muted, translate('muted'), MicOff),
        remove,
      ].filter((one) => one !== false),
    );
    return row;
  }

  #removeButton({ id }: Participant): HTMLButtonElement {
    const button = smallIconButton('', UserMinus);
    // The first click asks for a confirmation, which the second click gives.
    let confirming: ReturnType<typeof setTimeout> | undefined;
    button.addEventListener('click', () => {
      if (confirming !== undefined) {
        void this.#call.kick(id);
        return;
      }
      button.className = 'danger confirm';
      button.replaceChildren(translate('confirmRemove'));
      // Its label names the participant, and stays the same.
      announce(translate('confirmRemove'));
      confirming = setTimeout(() => {
        confirming = undefined;
        button.className = 'icon-button small';
        button.replaceChildren(icon(UserMinus, 18));
      }, CONFIRM_TIMEOUT);
    });
    return button;
  }
}
