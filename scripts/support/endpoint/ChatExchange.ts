/** Many who write in one chat at once, and whether each of them, and whoever came late, has everything once and in order. */
import { setTimeout } from 'node:timers/promises';
import { WeirError } from '../../../shared/errors.ts';
import { randomFrom } from '../random.ts';
import { ChatMember } from './ChatMember.ts';

/** What became of a message: its author has it from the server. */
interface Written {
  /** First word of its text. */
  readonly key: string;
  readonly author: string;
  /** The one whom it is for; everybody if missing. */
  readonly to: string | undefined;
  deleted: boolean;
}

/** Messages that are wrong, over all members. */
export interface Findings {
  missing: number;
  /** Shown twice, or notified of twice. */
  repeated: number;
  /** Not in the order of all others, or in which their author has written them. */
  disordered: number;
  /** Private, or deleted, and shown nevertheless. */
  leaked: number;
  /** Not as last edited. */
  outdated: number;
}

/** Every so manieth message of a sender is private, edited, or deleted. */
const EVERY = { private: 7, edited: 5, deleted: 11 };

export class ChatExchange implements Disposable {
  readonly #room: string;
  readonly #members: { member: ChatMember; notified: Map<string, number> }[] = [];
  readonly #senders: ChatMember[] = [];
  readonly #written: Written[] = [];
  readonly #random = randomFrom(17);
  /** Messages that were sent by somebody without a connection, or whose reply was lost. */
  interrupted = 0;
  /** Messages that the server refused for their rate, and that were sent again. */
  limited = 0;

  constructor(room: string) {
    this.#room = room;
  }

  get written(): number {
    return this.#written.length;
  }

  get members(): readonly ChatMember[] {
    return this.#members.map(({ member }) => member);
  }

  /** Lets one more join. @param writes whether it is one of the senders */
  async join(url: string, name: string, writes: boolean): Promise<ChatMember> {
    const notified = new Map<string, number>();
    const member = await ChatMember.join({
      url,
      room: this.#room,
      name,
      onMessage: ({ message }) => notified.set(keyOf(message.text), (notified.get(keyOf(message.text)) ?? 0) + 1),
    });
    this.#members.push({ member, notified });
    if (writes) this.#senders.push(member);
    return member;
  }

  /** Each sender writes so many messages, one after another. */
  async write(each: number): Promise<void> {
    await Promise.all(
      this.#senders.map(async (sender, index) => {
        for (let number = 0; number < each; number += 1) await this.#writeOne(sender, index);
      }),
    );
  }

  /** Waits until all members have what was written, or `within` milliseconds have passed. */
  async findings(within: number): Promise<Findings> {
    const until = performance.now() + within;
    for (;;) {
      const found = this.#compare();
      if (Object.values(found).every((count) => count === 0) || performance.now() > until) return found;
      await setTimeout(20);
    }
  }

  [Symbol.dispose](): void {
    for (const { member } of this.#members) member.leave();
  }

  async #writeOne(sender: ChatMember, index: number): Promise<void> {
    const number = this.#written.filter(({ author }) => author === sender.name).length;
    const isPrivate = number % EVERY.private === EVERY.private - 1;
    const to = isPrivate ? this.#senders[(index + 1) % this.#senders.length] : undefined;
    const written: Written = { key: `${sender.name}-${number}`, author: sender.name, to: to?.name, deleted: false };
    this.#written.push(written);
    const { lost } = sender.counts;
    const isAway = () => sender.counts.lost > sender.counts.resumed;
    const away = isAway();
    await this.#persist(
      () => sender.chat.send(`${written.key} new`, { ...(to && { to: to.peerId }) }),
      () => sender.chat.retry(idOf(sender, written.key)),
    );
    if (away || sender.counts.lost > lost) this.interrupted += 1;
    if (number % EVERY.edited === 0) {
      await this.#persist(() => sender.chat.edit(idOf(sender, written.key), `${written.key} edited`));
    }
    if (number % EVERY.deleted === EVERY.deleted - 1) {
      await this.#persist(() => sender.chat.remove(idOf(sender, written.key)));
      written.deleted = true;
    }
    await setTimeout(this.#random.int(4));
  }

  /** Repeats what the server refuses for its rate. */
  async #persist(action: () => Promise<void>, again = action): Promise<void> {
    for (let next = action; ; next = again) {
      try {
        await next();
        return;
      } catch (error) {
        if (!(error instanceof WeirError) || error.code !== 'rateLimited') throw error;
        this.limited += 1;
        await setTimeout((error.retryAfter ?? 1) * 1000);
      }
    }
  }

  #compare(): Findings {
    const found: Findings = { missing: 0, repeated: 0, disordered: 0, leaked: 0, outdated: 0 };
    const isPublic = new Set(this.#written.filter(({ to }) => to === undefined).map(({ key }) => key));
    let first: string | undefined;
    for (const { member, notified } of this.#members) {
      const shown = member.chat.messages.filter(({ deleted }) => !deleted);
      const keys = shown.map(({ text }) => keyOf(text));
      const known = new Set(keys);
      for (const { key, author, to, deleted } of this.#written) {
        const isFor = to === undefined || to === member.name || author === member.name;
        if (isFor && !deleted && !known.has(key)) found.missing += 1;
        if ((!isFor || deleted) && known.has(key)) found.leaked += 1;
        if ((notified.get(key) ?? 0) > 1) found.repeated += 1;
      }
      found.repeated += keys.length - known.size;
      found.outdated += shown.filter(({ text }) => isEdited(keyOf(text)) && !text.endsWith('edited')).length;
      found.disordered += disorder(keys);
      const order = keys.filter((key) => isPublic.has(key)).join();
      first ??= order;
      if (order !== first) found.disordered += 1;
    }
    return found;
  }
}

const keyOf = (text: string) => text.split(' ', 1)[0] ?? '';

const numberOf = (key: string) => Number(key.slice(key.lastIndexOf('-') + 1));

const isEdited = (key: string) => numberOf(key) % EVERY.edited === 0;

function idOf({ chat }: ChatMember, key: string): string {
  const message = chat.messages.find(({ text }) => keyOf(text) === key);
  if (!message) throw new Error(`${key} is not among the messages of its author.`);
  return message.id;
}

/** How many messages come before an earlier one of the same author. */
function disorder(keys: readonly string[]): number {
  const last = new Map<string, number>();
  return keys.filter((key) => {
    const author = key.slice(0, key.lastIndexOf('-'));
    const before = last.get(author) ?? -1;
    last.set(author, Math.max(before, numberOf(key)));
    return numberOf(key) < before;
  }).length;
}
