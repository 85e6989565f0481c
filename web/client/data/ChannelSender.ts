/** Sends frames on one RTCDataChannel at a time: what waits has a limit, and whoever sends is told when there is room again. */
import { WeirError } from '../../../shared/errors.ts';

/** Whether so many bytes may be sent now. @returns 0 if so, and they count; otherwise milliseconds to wait */
export type TakeTokens = (bytes: number) => number;

export interface ChannelSenderOptions {
  /** In bytes: how much the browser may buffer, below which buffered amount there is room again, and what may wait here. */
  readonly limits: { readonly high: number; readonly low: number; readonly waiting: number };
  /** Drops what cannot be sent at once, instead of letting it wait. */
  readonly dropsWhenBusy?: boolean;
  /** Limits the rate; without it nothing does. */
  readonly take?: TakeTokens;
}

interface WaitingFrame {
  readonly frame: Uint8Array<ArrayBuffer>;
  resolve(): void;
  reject(error: WeirError): void;
}

export class ChannelSender {
  readonly #options: ChannelSenderOptions;
  readonly #waiting: WaitingFrame[] = [];
  readonly #lowWaiters = new Set<{ resolve(): void; reject(error: WeirError): void }>();
  #waitingBytes = 0;
  #channel: RTCDataChannel | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed: WeirError | undefined;

  constructor(options: ChannelSenderOptions) {
    this.#options = options;
  }

  /** Bytes that have not been sent yet, here and in the browser. */
  get bufferedAmount(): number {
    return this.#waitingBytes + (this.#channel?.bufferedAmount ?? 0);
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Sends over this channel from now on, beginning with what waits; `undefined` when the former one has ended. */
  attach(channel: RTCDataChannel | undefined): void {
    this.#channel = channel;
    if (channel) {
      channel.bufferedAmountLowThreshold = this.#options.limits.low;
      channel.addEventListener('open', () => this.#pump());
      channel.addEventListener('bufferedamountlow', () => this.#pump());
    }
    this.#pump();
  }

  /**
   * Sends a frame, after all earlier ones.
   * @returns once the browser has it: whoever awaits each frame never has more than `limits.high` buffered
   * @throws {WeirError} `rateLimited` if too much waits already, or the error of `fail` and `close`
   */
  send(frame: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#closed) return Promise.reject(this.#closed);
    const { limits, dropsWhenBusy } = this.#options;
    if (dropsWhenBusy) {
      if (this.#canSend(frame) === 0) this.#channel?.send(frame);
      return Promise.resolve();
    }
    if (this.#waitingBytes + frame.length > limits.waiting) {
      const message = 'Too much data waits to be sent: await the promises that `sendData` returns.';
      return Promise.reject(new WeirError('rateLimited', message));
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ frame, resolve, reject });
    this.#waitingBytes += frame.length;
    this.#pump();
    return promise;
  }

  /** Resolves once `bufferedAmount` is at most `limits.low`. @throws {WeirError} as `send` */
  low(): Promise<void> {
    if (this.#closed) return Promise.reject(this.#closed);
    if (this.#isLow) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#lowWaiters.add({ resolve, reject });
    return promise;
  }

  /** Rejects whatever waits; later frames wait for another channel. */
  fail(error: WeirError): void {
    const waiting = this.#waiting.splice(0);
    this.#waitingBytes = 0;
    for (const { reject } of waiting) reject(error);
    for (const { reject } of this.#lowWaiters) reject(error);
    this.#lowWaiters.clear();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#closed ??= new WeirError('closed');
    this.#channel = undefined;
    this.fail(this.#closed);
  }

  get #isLow(): boolean {
    return this.bufferedAmount <= this.#options.limits.low;
  }

  #pump(): void {
    clearTimeout(this.#timer);
    for (let [next] = this.#waiting; next; [next] = this.#waiting) {
      const wait = this.#canSend(next.frame);
      if (wait > 0) {
        if (wait < Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#pump(), wait);
        break;
      }
      this.#channel?.send(next.frame);
      this.#waiting.shift();
      this.#waitingBytes -= next.frame.length;
      next.resolve();
    }
    if (!this.#isLow) return;
    for (const { resolve } of this.#lowWaiters) resolve();
    this.#lowWaiters.clear();
  }

  /** @returns 0 if the frame is to be sent now; milliseconds to wait; infinity until an event of the channel */
  #canSend(frame: Uint8Array): number {
    const channel = this.#channel;
    const { limits, take, dropsWhenBusy } = this.#options;
    if (channel?.readyState !== 'open') return Number.POSITIVE_INFINITY;
    if (channel.bufferedAmount > (dropsWhenBusy ? limits.low : limits.high)) return Number.POSITIVE_INFINITY;
    return take?.(frame.length) ?? 0;
  }
}
