/**
 * How the protocol is carried over HTTP where WebSocket is blocked: paths, and the form of requests and responses.
 *
 * All requests are POST, so that they carry an Origin and nothing repeats or caches them, with text that needs no preflight.
 * The id of a connection, which is a secret, is in bodies only. A frame is a header in JSON and a message on each further line.
 */
import { z } from 'zod';

/** Paths under the address of the server. */
export const httpSignallingPaths = {
  /** Opens a connection: the response is a stream of server-sent events, one for each message of the server. */
  events: '/signalling/events',
  /** Without a body, opens a connection; with `PollRequest`, waits for messages. The response is a frame with `PollHeader`. */
  poll: '/signalling/poll',
  /** A frame with `SendHeader` and messages of the client. The response is empty. */
  send: '/signalling/send',
} as const;

/** What a header may add to the messages of a request, in bytes. */
export const MAX_HEADER_BYTES = 512;

/** 32 random bytes. */
const ConnectionId = z.string().regex(/^[\w-]{43}$/);
const FrameNumber = z.int().min(0);

/** What a close frame of WebSocket has. */
export const Close = z.object({ code: z.int().min(1000).max(4999), reason: z.string().max(123) });
export type Close = z.infer<typeof Close>;

/** What a client is told of its connection before the first message: its id, and how many bytes of messages one frame may have. */
export const Opened = z.object({ id: ConnectionId, frameBytes: z.int().min(1) });
export type Opened = z.infer<typeof Opened>;

/**
 * The messages of a frame are handled once: `number` counts the frames of a connection, from 1. `close` closes the connection
 * after them; a frame that does nothing else needs no number. The first `repeated` messages are those of the frame before, to
 * which no response has come.
 */
export const SendHeader = z
  .strictObject({
    id: ConnectionId,
    number: FrameNumber.min(1).optional(),
    repeated: z.int().min(0).optional(),
    close: z.strictObject(Close.shape).optional(),
  })
  .refine(({ number, close }) => number !== undefined || close !== undefined);
export type SendHeader = z.infer<typeof SendHeader>;

/** Waits for the frame after that number, and confirms that one; 0 at first. */
export const PollRequest = z.strictObject({ id: ConnectionId, after: FrameNumber });
export type PollRequest = z.infer<typeof PollRequest>;
/** `number` counts the frames of the server, from 1. The first one has `opened`, the last one `close`. */
export const PollHeader = z.object({
  number: FrameNumber,
  opened: Opened.optional(),
  close: Close.optional(),
});
export type PollHeader = z.infer<typeof PollHeader>;

/** The body of a response that refuses a request, where the server has a reason. */
export const Refused = z.object({ close: Close });
export type Refused = z.infer<typeof Refused>;

/** Writes a frame. A message has no line breaks. */
export function encodeFrame(header: SendHeader | PollRequest | PollHeader, messages: readonly string[] = []): string {
  return [JSON.stringify(header), ...messages].join('\n');
}

/** Parses a frame. @returns undefined unless its header has that form */
export function decodeFrame<T extends z.ZodType>(
  text: string,
  schema: T,
): { header: z.infer<T>; messages: string[] } | undefined {
  const [first = '', ...messages] = text.split('\n');
  const header = schema.safeParse(parseJson(first));
  return header.success ? { header: header.data, messages } : undefined;
}

/** @returns undefined for what is no JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
