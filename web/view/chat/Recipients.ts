/** The choice of who gets a message: everyone, or one. Who was chosen stays chosen after they have left. */
import type { ChatPeer } from '../../client/index.ts';
import { element } from '../common/dom.ts';
import { type Participant, participantId } from '../controller/Participant.ts';
import { translateChat } from '../locales/chat.ts';

/** The value of the option for all. */
const EVERYONE = '';

export interface Recipient {
  /** Of the present session of the one who gets it. */
  readonly peerId: string;
  readonly name: string;
  /** They are not in the room any more. */
  readonly gone: boolean;
}

interface Choice {
  readonly peerId: string;
  readonly name: string;
}

export class Recipients {
  readonly root: HTMLElement;
  readonly #select = element('select', { id: 'chat-to' });
  /** Those in the room, by id. */
  #present = new Map<string, Choice>();
  /** One who has written and whom the page does not list, such as a viewer of a broadcast. */
  readonly #unlisted = new Map<string, Choice>();
  /** The one who is chosen, as they were last known. */
  #chosen: Choice | undefined;
  #shown = '';

  constructor(onChange: () => void) {
    this.#select.addEventListener('change', () => {
      this.#chosen = this.#present.get(this.#select.value) ?? this.#unlisted.get(this.#select.value);
      onChange();
    });
    this.root = element(
      'div',
      { className: 'chat-to' },
      element('label', { htmlFor: 'chat-to' }, translateChat('chatTo')),
      this.#select,
    );
    this.render([]);
  }

  /** Undefined for everyone. */
  get chosen(): Recipient | undefined {
    const id = this.#select.value;
    if (id === EVERYONE || !this.#chosen) return undefined;
    const present = this.#present.get(id) ?? this.#unlisted.get(id);
    return { ...(present ?? this.#chosen), gone: present === undefined };
  }

  /** Chooses who has written a message. */
  choose({ peerId, identity, name }: ChatPeer): void {
    const id = participantId(identity);
    if (!this.#present.has(id)) this.#unlisted.set(id, { peerId, name });
    this.#chosen = { peerId, name };
    this.#fill(id);
  }

  render(participants: readonly Participant[]): void {
    this.#present = new Map(participants.map(({ id, peerId, name }) => [id, { peerId, name }]));
    this.#fill(this.#select.value);
  }

  #fill(value: string): void {
    const choices = new Map([...this.#unlisted, ...this.#present]);
    const options = [...choices].map(([id, { name }]) => [id, name] as const);
    if (value !== EVERYONE && !choices.has(value) && this.#chosen) {
      options.push([value, translateChat('chatHasLeft', { name: this.#chosen.name })]);
    }
    this.root.hidden = options.length === 0;
    const shown = JSON.stringify([options, value]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#select.replaceChildren(
      element('option', { value: EVERYONE }, translateChat('chatToAll')),
      ...options.map(([id, name]) => element('option', { value: id }, name)),
    );
    this.#select.value = value;
  }
}
