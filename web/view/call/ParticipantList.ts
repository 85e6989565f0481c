/** Owns the list of people: who is here, who is muted, who raised a hand; and removing somebody, for administrators. */
import { Hand, MicOff, MonitorUp, UserMinus, X } from 'lucide';
import { element, hueOf, icon, initials, reconcileChildren } from '../common/dom.ts';
import type { CallController } from '../controller/CallController.ts';
import type { Participant } from '../controller/Participant.ts';
import { translate } from '../locales/index.ts';

/** How long a question stays, in milliseconds. */
const ASK = 4000;

export class ParticipantList {
  readonly root: HTMLElement;
  readonly #call: CallController;
  readonly #list = element('ul', {});
  readonly #title = element('h2', {});
  readonly #rows = new Map<string, HTMLElement>();
  readonly #close: HTMLButtonElement;
  readonly #onToggle: () => void;
  #opener: Element | null = null;

  constructor(call: CallController, invite: HTMLElement, onToggle: () => void) {
    this.#call = call;
    this.#onToggle = onToggle;
    this.#close = element(
      'button',
      { type: 'button', className: 'icon-button small', ariaLabel: translate('close'), title: translate('close') },
      icon(X, 18),
    );
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

  /** Opens or closes it; the focus goes in, and comes back. */
  toggle(): void {
    this.root.hidden = !this.root.hidden;
    this.#onToggle();
    if (this.root.hidden) {
      // Nobody looks after the rows until it is opened again.
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
    const people = [this.#call.localParticipant, ...this.#call.remoteParticipants];
    this.#title.textContent = translate('participantCount', { count: people.length });
    // Raised hands first, then as they came.
    const ordered = [
      ...people.filter(({ handRaised }) => handRaised),
      ...people.filter(({ handRaised }) => !handRaised),
    ];
    const shown = new Set(people.map(({ id }) => id));
    for (const id of this.#rows.keys()) if (!shown.has(id)) this.#rows.delete(id);
    reconcileChildren(
      this.#list,
      ordered.map((person) => this.#row(person)),
    );
  }

  #row(person: Participant): HTMLElement {
    const row = this.#rows.get(person.id) ?? element('li', {});
    this.#rows.set(person.id, row);
    const signature = JSON.stringify([
      person.name,
      person.muted,
      person.handRaised,
      person.screenOn,
      this.#call.isAdmin,
    ]);
    if (row.dataset.rendered === signature) return row;
    row.dataset.rendered = signature;
    const badge = element('span', { className: 'avatar', ariaHidden: 'true' }, initials(person.name));
    badge.style.setProperty('--hue', String(hueOf(person.name)));
    const mark = (on: boolean, words: string, node: Parameters<typeof icon>[0]) =>
      on && element('span', { className: 'status-icon', role: 'img', ariaLabel: words, title: words }, icon(node, 18));
    row.replaceChildren(
      badge,
      element(
        'span',
        { className: 'label' },
        person.isLocal ? translate('youNamed', { name: person.name }) : person.name,
      ),
      ...[
        mark(person.handRaised, translate('handRaised'), Hand),
        mark(person.screenOn, translate('sharing'), MonitorUp),
        mark(person.muted, translate('muted'), MicOff),
      ].filter((one) => one !== false),
    );
    if (this.#call.isAdmin && !person.isLocal) row.append(this.#removeButton(person));
    return row;
  }

  #removeButton(person: Participant): HTMLElement {
    const words = translate('remove', { name: person.name });
    const button = element(
      'button',
      { type: 'button', className: 'icon-button small', ariaLabel: words, title: words },
      icon(UserMinus, 18),
    );
    // The second click, soon after the first, is the answer to a question.
    let asked: ReturnType<typeof setTimeout> | undefined;
    button.addEventListener('click', () => {
      if (asked !== undefined) {
        void this.#call.kick(person.id);
        return;
      }
      button.className = 'danger confirm';
      button.replaceChildren(translate('confirmRemove'));
      asked = setTimeout(() => {
        asked = undefined;
        button.className = 'icon-button small';
        button.replaceChildren(icon(UserMinus, 18));
      }, ASK);
    });
    return button;
  }
}
