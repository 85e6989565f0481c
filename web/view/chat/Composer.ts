/** What is below the messages: whom the next one is for, its field, and why it cannot be sent now. */
import { Check, SendHorizontal, X } from 'lucide';
import { type ChatMessage, MAX_CHAT_TEXT, WeirError } from '../../client/index.ts';
import { smallIconButton } from '../common/buttons.ts';
import { announce, element, icon, setText } from '../common/dom.ts';
import { errorMessage } from '../common/errorMessages.ts';
import type { CallController } from '../controller/CallController.ts';
import { translateChat } from '../locales/chat.ts';
import { language } from '../locales/index.ts';
import { MessageField } from './MessageField.ts';
import { Recipients } from './Recipients.ts';
import { WaitTimer } from './WaitTimer.ts';

const formatCount = new Intl.NumberFormat(language).format;

export interface ComposerOptions {
  readonly call: CallController;
  /** A message of ours was sent: the list goes to its end. */
  onSent(): void;
}

export class Composer {
  readonly root: HTMLElement;
  /** For buttons left of the field. */
  readonly attachments = element('span', { className: 'chat-attachments' });
  readonly #call: CallController;
  readonly #onSent: () => void;
  readonly #field: MessageField;
  readonly #recipients = new Recipients(() => this.render());
  readonly #wait = new WaitTimer(() => this.render());
  readonly #hint = element('p', { id: 'chat-hint', className: 'chat-hint', hidden: true });
  readonly #refusal = element('p', { className: 'chat-refusal secondary', hidden: true });
  readonly #editing = element('div', { className: 'chat-editing', hidden: true });
  readonly #send = element('button', { type: 'submit', className: 'icon-button primary chat-send' });
  readonly #form = element('form', { className: 'chat-form', noValidate: true });
  #edited: ChatMessage | undefined;
  /** What had been written before an edit began. */
  #draft = '';
  /** Stays until the next input. */
  #note: string | undefined;

  constructor({ call, onSent }: ComposerOptions) {
    this.#call = call;
    this.#onSent = onSent;
    this.#field = new MessageField({
      limit: MAX_CHAT_TEXT,
      onInput: () => {
        this.#note = undefined;
        this.render();
      },
      onSend: () => this.#submit(),
      onEditLast: () => this.#editLast(),
      onCut: () => this.#say(translateChat('chatPastedPart', { limit: formatCount(MAX_CHAT_TEXT) })),
    });
    this.#field.root.setAttribute('aria-describedby', 'chat-hint');
    const cancel = smallIconButton(translateChat('chatCancelEdit'), X);
    cancel.addEventListener('click', () => this.#endEdit());
    this.#editing.append(element('span', {}, translateChat('chatEditing')), cancel);
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#form.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !this.#edited || event.isComposing) return;
      event.stopPropagation();
      this.#endEdit();
    });
    this.#form.append(
      this.#recipients.root,
      this.#editing,
      this.#hint,
      element('div', { className: 'chat-field' }, this.attachments, this.#field.root, this.#send),
    );
    this.root = element('div', { className: 'chat-composer' }, this.#refusal, this.#form);
    this.render();
  }

  render(): void {
    const { chat, remoteParticipants } = this.#call;
    const refusal = this.#refusalText();
    this.#refusal.hidden = refusal === undefined;
    setText(this.#refusal, refusal ?? '');
    this.#form.hidden = refusal !== undefined;
    this.#recipients.render(remoteParticipants);
    this.#recipients.root.classList.toggle('hidden-by-edit', this.#edited !== undefined);
    this.#editing.hidden = this.#edited === undefined;
    const to = this.#edited ? undefined : this.#recipients.chosen;
    this.root.classList.toggle('private', to !== undefined);
    this.#field.root.placeholder = to
      ? translateChat('chatFieldPrivateHint', { name: to.name })
      : translateChat('chatFieldHint');
    const problem = this.#problem();
    const hint = problem ?? this.#note ?? this.#slowHint(chat.slowSeconds);
    this.#hint.hidden = hint === undefined;
    this.#hint.classList.toggle('problem', problem !== undefined && this.#wait.seconds === 0);
    setText(this.#hint, hint ?? '');
    this.#field.root.ariaInvalid = String(this.#field.excess > 0);
    // It stays reachable by keyboard: a press says why it does not send.
    this.#send.ariaDisabled = String(problem !== undefined || this.#field.text.trim() === '');
    const label = translateChat(this.#edited ? 'chatSave' : 'chatSend');
    if (this.#send.ariaLabel === label) return;
    this.#send.ariaLabel = this.#send.title = label;
    this.#send.replaceChildren(icon(this.#edited ? Check : SendHorizontal, 20));
  }

  focus(): void {
    this.#field.focus();
  }

  /** Begins to edit a message of ours. @param text what is in the field at first */
  edit(message: ChatMessage, text: string = message.text): void {
    if (!this.#edited) this.#draft = this.#field.text;
    this.#edited = message;
    this.#field.text = text;
    this.#field.focus();
  }

  /** Makes the next message one for its author only. */
  writeTo({ from }: ChatMessage): void {
    this.#endEdit();
    this.#recipients.choose(from);
    this.render();
    this.#field.focus();
  }

  /** Waits before the next message, as an error asks for. */
  waitFor(error: unknown): void {
    if (error instanceof WeirError && error.code === 'rateLimited') this.#wait.start(error.retryAfter ?? 1);
  }

  close(): void {
    this.#wait.close();
  }

  /** Why nothing can be written at all. */
  #refusalText(): string | undefined {
    const { phase, chat, client, options } = this.#call;
    if (phase === 'joining') return translateChat('chatConnecting');
    if (chat.enabled) return undefined;
    const isViewer = options.kind === 'broadcast' && client.grants?.hidden === true;
    return translateChat(isViewer ? 'chatViewersOff' : 'chatNotAllowed');
  }

  /** Why the text cannot be sent now. */
  #problem(): string | undefined {
    const count = this.#field.excess;
    if (count > 0) {
      return translateChat('chatTooLong', { count: formatCount(count), limit: formatCount(MAX_CHAT_TEXT) });
    }
    if (this.#edited) return undefined;
    const to = this.#recipients.chosen;
    if (to?.gone) return translateChat('chatRecipientLeft', { name: to.name });
    const { seconds } = this.#wait;
    if (seconds === 0) return undefined;
    return translateChat(this.#call.chat.slowSeconds > 0 ? 'chatSlow' : 'chatWait', { seconds });
  }

  #slowHint(seconds: number): string | undefined {
    return seconds > 0 ? translateChat('chatSlowHint', { seconds }) : undefined;
  }

  #submit(): void {
    const text = this.#field.text.trim();
    if (text === '') return;
    const problem = this.#problem();
    if (problem !== undefined) announce(problem);
    else if (this.#edited) void this.#saveEdit(this.#edited, text);
    else void this.#sendText(text);
  }

  async #sendText(text: string): Promise<void> {
    const { chat } = this.#call;
    const to = this.#recipients.chosen;
    this.#field.text = '';
    this.#wait.start(chat.slowSeconds);
    try {
      const sent = chat.send(text, to && { to: to.peerId });
      this.#onSent();
      await sent;
    } catch (error) {
      this.waitFor(error);
      // It is not among the messages: nothing of it may get lost.
      if (!(error instanceof WeirError) || error.code !== 'badRequest') return;
      if (this.#field.text === '') this.#field.text = text;
      this.#say(errorMessage(error));
    }
  }

  async #saveEdit(message: ChatMessage, text: string): Promise<void> {
    this.#endEdit();
    if (text === message.text) return;
    try {
      await this.#call.chat.edit(message.id, text);
    } catch (error) {
      this.waitFor(error);
      if (this.#field.text === '') this.edit(message, text);
      this.#say(translateChat('chatChangeFailed', { reason: errorMessage(error) }));
    }
  }

  #editLast(): void {
    const last = this.#call.chat.messages.findLast(({ own, deleted, state }) => own && !deleted && state === 'sent');
    if (last) this.edit(last);
  }

  #endEdit(): void {
    if (!this.#edited) return;
    this.#edited = undefined;
    this.#field.text = this.#draft;
    this.#draft = '';
    this.#field.focus();
  }

  #say(text: string): void {
    this.#note = text;
    announce(text);
    this.render();
  }
}
