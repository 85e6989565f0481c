/** What the two ends of a direct connection say to each other beside the media, as JSON over a data channel. */
import { z } from 'zod';
import { Source } from '../../../shared/media.ts';

/** The size in which a video is shown, in device pixels; 0 x 0 where it is hidden. */
const ShownSize = z.object({ source: Source, width: z.int().min(0).max(16_384), height: z.int().min(0).max(16_384) });
export type ShownSize = z.infer<typeof ShownSize>;

const ControlMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ping') }),
  z.object({ type: z.literal('pong') }),
  z.object({ type: z.literal('shown'), sizes: z.array(ShownSize).max(8) }),
  z.object({ type: z.literal('done') }),
  z.object({
    type: z.literal('acknowledge'),
    channel: z.enum(['reliable', 'bulk']),
    sequence: z.int().min(0).max(0xffff_ffff),
  }),
]);
type ControlMessage = z.infer<typeof ControlMessage>;

/** In UTF-16 code units. A longer message is ignored. */
const MAX_MESSAGE = 4096;

export interface ControlChannelOptions {
  /** The sizes in which the other end shows what this one sends; a video that is missing is shown in full. */
  onShown(sizes: readonly ShownSize[]): void;
  /** The other end plays nothing of this connection any more. */
  onDone(): void;
  /** The other end has all data messages of a channel up to this one. */
  onAcknowledged(channel: 'reliable' | 'bulk', sequence: number): void;
}

export class ControlChannel {
  readonly #channel: RTCDataChannel;
  readonly #options: ControlChannelOptions;
  /** What is to be sent once the channel is open, by type: only the last of each counts. */
  readonly #waiting = new Map<ControlMessage['type'], ControlMessage>();
  #lastMessageAt = performance.now();

  constructor(channel: RTCDataChannel, options: ControlChannelOptions) {
    this.#channel = channel;
    this.#options = options;
    channel.addEventListener('message', ({ data }) => this.#receive(data));
    channel.addEventListener('open', () => {
      this.#lastMessageAt = performance.now();
      for (const message of this.#waiting.values()) this.#send(message);
      this.#waiting.clear();
    });
  }

  /** When the last message came (`performance.now()`): at first, when the channel was made. */
  get lastMessageAt(): number {
    return this.#lastMessageAt;
  }

  /** Asks the other end for a sign of life. */
  ping(): void {
    if (this.#channel.readyState === 'open') this.#send({ type: 'ping' });
  }

  sendShown(sizes: ShownSize[]): void {
    this.#send({ type: 'shown', sizes });
  }

  sendAcknowledgement(channel: 'reliable' | 'bulk', sequence: number): void {
    // Without a connection the other end sends again what it has no acknowledgement of.
    if (this.#channel.readyState === 'open') this.#send({ type: 'acknowledge', channel, sequence });
  }

  sendDone(): void {
    this.#send({ type: 'done' });
  }

  #send(message: ControlMessage): void {
    if (this.#channel.readyState === 'connecting') this.#waiting.set(message.type, message);
    else if (this.#channel.readyState === 'open') this.#channel.send(JSON.stringify(message));
  }

  #receive(data: unknown): void {
    this.#lastMessageAt = performance.now();
    const message = parse(data);
    if (message?.type === 'ping') this.#send({ type: 'pong' });
    else if (message?.type === 'shown') this.#options.onShown(message.sizes);
    else if (message?.type === 'done') this.#options.onDone();
    else if (message?.type === 'acknowledge') this.#options.onAcknowledged(message.channel, message.sequence);
  }
}

/** @returns undefined for what this version does not know */
function parse(data: unknown): ControlMessage | undefined {
  if (typeof data !== 'string' || data.length > MAX_MESSAGE) return undefined;
  try {
    return ControlMessage.safeParse(JSON.parse(data)).data;
  } catch {
    return undefined;
  }
}
