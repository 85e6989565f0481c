/** Chat: the messages of a room, the rules of their text, and what of it clients and server send each other. */
import { z } from 'zod';
import { text } from './media.ts';
import { isVisible } from './names.ts';
import { Id } from './participants.ts';

/** Maximum length of a message, in code points. */
export const MAX_CHAT_TEXT = 4000;

const TOO_LONG = `A message may have up to ${MAX_CHAT_TEXT} characters.`;
/** Controls, except for tabs and line feeds. */
const controls = /(?![\t\n])\p{Cc}/gu;
/** Embeddings, overrides and isolates (UAX #9, section 2): they would reorder what comes after them, links included. */
const directions = /[\u202a-\u202e\u2066-\u2069]/g;

/** A text as it is sent: trimmed, with line feeds for all line breaks, without controls. Empty if nothing of it is visible. */
export function chatText(raw: string): string {
  const shown = raw
    .replace(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
    .replace(controls, '')
    .replace(directions, '')
    .trim();
  return isVisible(shown) ? shown : '';
}

/** The text of a message, as `chatText` makes it. */
export const ChatText = z
  .string()
  .max(4 * MAX_CHAT_TEXT, { error: TOO_LONG })
  .refine((raw) => raw.isWellFormed(), { error: 'A message must not contain lone surrogates.' })
  .transform(chatText)
  .pipe(
    z
      .string()
      .min(1, { error: 'A message needs a visible letter, digit or symbol.' })
      .refine((shown) => [...shown].length <= MAX_CHAT_TEXT, { error: TOO_LONG }),
  );

/** Who wrote a message, or whom a private message is for. */
export const ChatPeer = z
  .object({ peerId: Id.describe('of the session in which it was sent'), identity: Id, name: z.string() })
  .meta({ id: 'ChatPeer' });
export type ChatPeer = z.infer<typeof ChatPeer>;

/** Numbers messages and their changes, in one order for all of a room, from 1. */
const Seq = z.int().min(0);

/** A message of the chat, as it is now. */
export const ChatMessageInfo = z
  .object({
    id: Id,
    seq: Seq.describe('its place among all messages of the room'),
    changedSeq: Seq.describe('the number of its last change; `seq` as long as there was none'),
    at: z.number().describe("when it was sent, by the server's clock: milliseconds since the epoch"),
    from: ChatPeer,
    to: ChatPeer.optional().describe('of a private message, which only these two are sent'),
    text: z.string().describe('empty once it has been deleted'),
    edited: z.boolean().optional(),
    deleted: z.boolean().optional(),
  })
  .meta({ id: 'ChatMessageInfo' });
export type ChatMessageInfo = z.infer<typeof ChatMessageInfo>;

/** What a client may do in the chat. */
export const ChatState = z
  .object({
    enabled: z.boolean().describe('may write, with its present grants'),
    slowSeconds: z.number().describe('time between two messages of this client; 0 without slow mode'),
  })
  .meta({ id: 'ChatState' });
export type ChatState = z.infer<typeof ChatState>;

/** The chat in the replies to `join` and `resume`. */
export const ChatInfo = ChatState.extend({
  chatId: Id.describe('another one is the chat of another room, even if that has the same name'),
  seq: Seq.describe('the latest number; ask for what is missing with `getChat`'),
}).meta({ id: 'ChatInfo' });
export type ChatInfo = z.infer<typeof ChatInfo>;

const MessageId = z.strictObject({ id: Id });

export const chatRequests = {
  sendChat: {
    about:
      'Write a message, to all or to one. The sender gets it as the reply, and no event. `forbidden` without the grant `canPublishData`; of viewers of a broadcast the server decides, see `enabled` in `chat`; `rateLimited` with a time to wait; `notFound` when the one whom it is for is not there.',
    request: z.strictObject({
      text: ChatText.describe('trimmed; without control characters other than line feeds and tabs'),
      to: Id.optional().describe('peer id of the one who gets it; all if missing'),
      nonce: text(64)
        .optional()
        .describe('a random id that the client chooses: the same one again gets the message of the first time'),
    }),
    reply: ChatMessageInfo,
  },
  editChat: {
    about: 'Change the text of a message. Only its author may, also in a later session of the same identity.',
    request: MessageId.extend({ text: ChatText }),
    reply: ChatMessageInfo,
  },
  deleteChat: {
    about: 'Delete a message: its author may, and whoever has the grant `roomAdmin` and can see it.',
    request: MessageId,
    reply: ChatMessageInfo,
  },
  getChat: {
    about:
      'The messages that are new or have changed since a number: the history after `join`, what was missed after `resume`. Numbers of messages that are for others are left out, so a gap between numbers is no loss. As long as the connection lasts, whoever has received a number has received all that are for it up to there. `rateLimited` above two a second, or fifty at once.',
    request: z.strictObject({ after: Seq.describe('0 for all of the history') }),
    reply: z.object({
      messages: z.array(ChatMessageInfo).describe('in the order of `changedSeq`'),
      seq: Seq.describe('everything up to this number is included; `after` of the next request'),
      more: z.boolean().describe('there are more after it'),
      truncated: z.boolean().describe('some that were sent after `after` are not kept any more'),
    }),
  },
} as const;

export const chatEvents = {
  chatMessages: {
    about:
      'Messages that are new, or have been edited or deleted: each as it is now, so repeating it is harmless. In large rooms several come at once.',
    data: z.object({ messages: z.array(ChatMessageInfo) }),
  },
  chatStateChanged: { about: 'What this client may do in the chat has changed with its grants.', data: ChatState },
} as const;
