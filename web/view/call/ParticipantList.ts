/** The list of participants: who is here, muted or raises a hand; administrators have menus for each and for the room. */
import { Ellipsis, Hand, LockKeyhole, MicOff, MonitorUp, Settings2, X } from 'lucide';
import { avatar } from '../common/avatar.ts';
import { smallIconButton } from '../common/buttons.ts';
import { element, icon, reconcileChildren } from '../common/dom.ts';
import { keepFocus } from '../common/keepFocus.ts';
import { menu } from '../common/menu.ts';
import type { Toasts } from '../common/Toasts.ts';
import type { CallController } from '../controller/CallController.ts';
import type { Participant } from '../controller/Participant.ts';
import { translate } from '../locales/index.ts';
import { administration } from '../moderation/loadModeration.ts';
import { personMenu } from '../moderation/personMenu.ts';
import { waitingSection } from '../moderation/waitingSection.ts';

export interface ParticipantListOptions {
  readonly invite: HTMLElement;
  readonly toasts: Pick<Toasts, 'show'>;
  /** What dialogs are shown over. */
  readonly root: HTMLElement;
}

export class ParticipantList {
  readonly root: HTMLElement;
  readonly #call: CallController;
  readonly #overlay: HTMLElement;
  readonly #waiting: ReturnType<typeof waitingSection>;
  readonly #locked = element(
    'span',
    {
      className: 'status-icon',
      role: 'img',
      ariaLabel: translate('roomIsLocked'),
      title: translate('roomIsLocked'),
    },
    icon(LockKeyhole, 18),
  );
  readonly #manage: HTMLButtonElement;
  readonly #list = element('ul', {});
  readonly #title = element('h2', {});
  readonly #rows = new Map<string, HTMLElement>();
  readonly #close: HTMLButtonElement;
  readonly #onToggle: () => void;
  #opener: Element | null = null;

  constructor(call: CallController, { invite, toasts, root }: ParticipantListOptions, onToggle: () => void) {
    this.#call = call;
    this.#overlay = root;
    this.#waiting = waitingSection(call);
    const label = translate('roomMenu');
    this.#manage = smallIconButton(label, Settings2);
    this.#onToggle = onToggle;
    this.#close = smallIconButton(translate('close'), X);
    this.#close.addEventListener('click', () => this.toggle());
    this.root = element(
      'aside',
      { className: 'participants', hidden: true, ariaLabel: translate('participants') },
      element(
        'header',
        {},
        this.#title,
        this.#locked,
        this.#manage,
        menu(this.#manage, label, () => administration(call)?.roomItems({ call, toasts, root }) ?? []),
        this.#close,
      ),
      this.#waiting.root,
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
    this.#waiting.render();
    this.#manage.hidden = !administration(this.#call);
    this.#locked.hidden = !this.#call.client.moderation.locked;
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
      administration(this.#call) !== undefined,
    ]);
    if (row.dataset.rendered === signature) return row;
    row.dataset.rendered = signature;
    const statusIcon = (on: boolean, label: string, node: Parameters<typeof icon>[0]) =>
      on && element('span', { className: 'status-icon', role: 'img', ariaLabel: label, title: label }, icon(node, 18));
    const hasMenu = administration(this.#call) !== undefined && !participant.isLocal;
    // Button and panel stay: it may be open, or have the focus.
    const [button, panel] = hasMenu ? this.#menuOf(row, participant) : [];
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
        button,
        panel,
      ].filter((one) => one !== false && one !== undefined),
    );
    return row;
  }

  #menuOf(row: HTMLElement, { id, name }: Participant): [button: HTMLElement, panel: HTMLElement] {
    const label = translate('handMore', { name });
    const known = row.querySelector('button');
    const panel = row.querySelector<HTMLElement>('.menu');
    if (known && panel) {
      known.ariaLabel = known.title = label;
      return [known, panel];
    }
    const button = smallIconButton(label, Ellipsis);
    const participant = () => this.#call.remoteParticipants.find((one) => one.id === id);
    return [button, personMenu({ call: this.#call, button, root: this.#overlay, participant })];
  }
}
