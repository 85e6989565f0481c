/** Owns the list of people: who is here, who is muted, who raised a hand; and removing somebody, for administrators. */
import { Hand, MicOff, MonitorUp, UserMinus, X } from 'lucide';
import { element, hueOf, icon, initials, reconcileChildren } from '../common/dom.ts';
import { translate } from '../locales/index.ts';
import type { CallController } from '../participation/CallController.ts';
import type { Person } from '../participation/Person.ts';

/** How long a question stays, in milliseconds. */
const ASK = 4000;

export class People {
  readonly root: HTMLElement;
  readonly #session: CallController;
  readonly #list = element('ul', {});
  readonly #title = element('h2', {});
  readonly #rows = new Map<string, HTMLElement>();
  readonly #close: HTMLButtonElement;
  readonly #onToggle: () => void;
  #opener: Element | null = null;

  constructor(session: CallController, invite: HTMLElement, onToggle: () => void) {
    this.#session = session;
    this.#onToggle = onToggle;
    this.#close = element(
      'button',
      { type: 'button', className: 'round small', ariaLabel: translate('close'), title: translate('close') },
      icon(X, 18),
    );
    this.#close.addEventListener('click', () => this.toggle());
    this.root = element(
      'aside',
      { className: 'people', hidden: true, ariaLabel: translate('people') },
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
    const people = [this.#session.self, ...this.#session.others];
    this.#title.textContent = translate('peopleCount', { count: people.length });
    // Raised hands first, then as they came.
    const ordered = [...people.filter(({ hand }) => hand), ...people.filter(({ hand }) => !hand)];
    const shown = new Set(people.map(({ id }) => id));
    for (const id of this.#rows.keys()) if (!shown.has(id)) this.#rows.delete(id);
    reconcileChildren(
      this.#list,
      ordered.map((person) => this.#row(person)),
    );
  }

  #row(person: Person): HTMLElement {
    const row = this.#rows.get(person.id) ?? element('li', {});
    this.#rows.set(person.id, row);
    const signature = JSON.stringify([person.name, person.muted, person.hand, person.screenOn, this.#session.isAdmin]);
    if (row.dataset.shown === signature) return row;
    row.dataset.shown = signature;
    const badge = element('span', { className: 'initials', ariaHidden: 'true' }, initials(person.name));
    badge.style.setProperty('--hue', String(hueOf(person.name)));
    const mark = (on: boolean, words: string, node: Parameters<typeof icon>[0]) =>
      on && element('span', { className: 'mark', role: 'img', ariaLabel: words, title: words }, icon(node, 18));
    row.replaceChildren(
      badge,
      element('span', { className: 'label' }, person.own ? translate('youNamed', { name: person.name }) : person.name),
      ...[
        mark(person.hand, translate('handRaised'), Hand),
        mark(person.screenOn, translate('sharing'), MonitorUp),
        mark(person.muted, translate('muted'), MicOff),
      ].filter((one) => one !== false),
    );
    if (this.#session.isAdmin && !person.own) row.append(this.#removeButton(person));
    return row;
  }

  #removeButton(person: Person): HTMLElement {
    const words = translate('remove', { name: person.name });
    const button = element(
      'button',
      { type: 'button', className: 'round small', ariaLabel: words, title: words },
      icon(UserMinus, 18),
    );
    // The second click, soon after the first, is the answer to a question.
    let asked: ReturnType<typeof setTimeout> | undefined;
    button.addEventListener('click', () => {
      if (asked !== undefined) {
        void this.#session.kick(person.id);
        return;
      }
      button.className = 'danger ask';
      button.replaceChildren(translate('removeAsk'));
      asked = setTimeout(() => {
        asked = undefined;
        button.className = 'round small';
        button.replaceChildren(icon(UserMinus, 18));
      }, ASK);
    });
    return button;
  }
}
