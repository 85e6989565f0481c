/** The chat of a call or broadcast: its messages, the field for the next one, and a place for what else is sent. */
import { X } from 'lucide';
import type { ChatMessage } from '../../client/index.ts';
import { smallIconButton } from '../common/buttons.ts';
import { element } from '../common/dom.ts';
import { errorMessage } from '../common/errorMessages.ts';
import type { Toasts } from '../common/Toasts.ts';
import type { CallController } from '../controller/CallController.ts';
import { participantId } from '../controller/Participant.ts';
import { translateChat } from '../locales/chat.ts';
import { Composer } from './Composer.ts';
import { MessageList } from './MessageList.ts';

export interface ChatPanelOptions {
  readonly call: CallController;
  readonly toasts: Pick<Toasts, 'showError'>;
  /** The user wants it closed. */
  onClose(): void;
}

export class ChatPanel {
  readonly root: HTMLElement;
  readonly #options: ChatPanelOptions;
  readonly #list: MessageList;
  readonly #composer: Composer;
  readonly #sections = element('div', { className: 'chat-sections' });
  readonly #close = smallIconButton(translateChat('chatClose'), X);
  readonly #ended = new AbortController();
  #frame: number | undefined;

  constructor(options: ChatPanelOptions) {
    const { call } = options;
    this.#options = options;
    this.#composer = new Composer({ call, onSent: () => this.#list.showEnd() });
    this.#list = new MessageList({
      mayEdit: ({ own, deleted, state }) => own && !deleted && state === 'sent' && call.chat.enabled,
      mayDelete: ({ own, deleted, state }) => (own || call.isAdmin) && !deleted && state === 'sent',
      mayWriteTo: (message) => this.#mayWriteTo(message),
      edit: (message) => this.#composer.edit(message),
      remove: (message) => void this.#attempt(call.chat.remove(message.id)),
      // Its state shows whether it worked.
      retry: (message) => void call.chat.retry(message.id).catch((error: unknown) => this.#composer.waitFor(error)),
      writeTo: (message) => this.#composer.writeTo(message),
    });
    this.#close.addEventListener('click', () => options.onClose());
    this.root = element(
      'aside',
      { className: 'chat', hidden: true, ariaLabel: translateChat('chatTitle') },
      element('header', {}, element('h2', {}, translateChat('chatTitle')), this.#close),
      this.#list.root,
      this.#sections,
      this.#composer.root,
    );
    this.root.addEventListener('keydown', (event) => {
      // A menu that is open takes the key for itself.
      if (event.key === 'Escape' && !event.isComposing && !this.root.querySelector(':popover-open')) options.onClose();
    });
    this.#followKeyboard();
  }

  /** Puts an element between messages and field, such as a list of files; it may be empty. */
  section(part: HTMLElement): void {
    this.#sections.append(part);
  }

  /** Puts a button left of the field. */
  attach(button: HTMLElement): void {
    this.#composer.attachments.append(button);
  }

  /** Shows it, with the focus in it. */
  show(): void {
    this.root.hidden = false;
    this.#render();
    this.#list.showEnd();
    this.focus();
  }

  /** Moves the focus to its field; on a touch screen beside it, since the keyboard would cover the messages. */
  focus(): void {
    if (!matchMedia('(hover: none)').matches) this.#composer.focus();
    // Who may not write has no field.
    if (!this.root.contains(document.activeElement)) this.#close.focus();
  }

  hide(): void {
    this.root.hidden = true;
  }

  /** Shows what has changed, once for all changes of a frame; while it is hidden there is nothing to do. */
  render(): void {
    if (this.root.hidden) return;
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      if (!this.root.hidden) this.#render();
    });
  }

  /** Ends its timers and listeners. */
  close(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#ended.abort();
    this.#list.close();
    this.#composer.close();
  }

  #render(): void {
    const { chat } = this.#options.call;
    this.#list.render(chat.messages, chat.truncated);
    this.#list.showEmpty(translateChat('chatEmpty'), chat.enabled ? translateChat('chatEmptyHint') : '');
    this.#composer.render();
  }

  /** Hidden ones, such as viewers of a broadcast, do not find out who else is hidden. */
  #mayWriteTo({ own, deleted, from, state }: ChatMessage): boolean {
    const { chat, client, remoteParticipants } = this.#options.call;
    if (own || deleted || state !== 'sent' || !chat.enabled) return false;
    return !client.grants?.hidden || remoteParticipants.some(({ id }) => id === participantId(from.identity));
  }

  async #attempt(action: Promise<void>): Promise<void> {
    try {
      await action;
    } catch (error) {
      this.#options.toasts.showError(translateChat('chatChangeFailed', { reason: errorMessage(error) }));
      this.render();
    }
  }

  /** Keeps the field above the keyboard of a phone, which covers what is fixed to the window. */
  #followKeyboard(): void {
    const viewport = window.visualViewport;
    if (!viewport) return;
    const fit = () => {
      const covered = Math.max(0, innerHeight - viewport.height - viewport.offsetTop);
      this.root.style.setProperty('--keyboard', viewport.scale === 1 ? `${covered}px` : '0px');
    };
    const { signal } = this.#ended;
    viewport.addEventListener('resize', fit, { signal });
    viewport.addEventListener('scroll', fit, { signal });
  }
}
