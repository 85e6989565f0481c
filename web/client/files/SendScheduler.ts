/** Sends the chunks of all transfers: one receiver does not hold up another one, and files to the same receiver take turns. */
import { WeirError } from '../../../shared/errors.ts';
import { type EndReason, encodeMessage } from './fileMessages.ts';
import type { OutgoingTransfer } from './OutgoingTransfer.ts';

/** Milliseconds after which it tries again to send what could not be sent. */
const RETRY = 500;
/** Errors that the next attempt would meet as well, and what both ends are told of them. */
const permanentErrors: Partial<Record<WeirError['code'], EndReason>> = {
  forbidden: 'forbidden',
  badRequest: 'unsupported',
  unsupported: 'unsupported',
};

export interface SendSchedulerOptions {
  readonly transfers: () => Iterable<OutgoingTransfer>;
  /** Resolves when there is room for more. */
  send(peerId: string, data: Uint8Array): Promise<void>;
}

export class SendScheduler {
  readonly #options: SendSchedulerOptions;
  /** Receivers to whom something is being sent. */
  readonly #running = new Set<string>();
  readonly #retries = new Set<ReturnType<typeof setTimeout>>();
  #isClosed = false;

  constructor(options: SendSchedulerOptions) {
    this.#options = options;
  }

  /** Sends what is ready. */
  wake(): void {
    for (const transfer of this.#options.transfers()) {
      const { peerId } = transfer.peer;
      if (transfer.isReady && !this.#running.has(peerId)) void this.#run(peerId);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const retry of this.#retries) clearTimeout(retry);
  }

  async #run(peerId: string): Promise<void> {
    this.#running.add(peerId);
    // Whoever wakes it may be in the middle of a change.
    await Promise.resolve();
    while (!this.#isClosed) {
      const ready = [...this.#options.transfers()].filter((one) => one.peer.peerId === peerId && one.isReady);
      if (ready.length === 0) break;
      for (const transfer of ready) {
        if (await this.#sendOne(transfer, peerId)) continue;
        this.#retryLater(peerId);
        return;
      }
    }
    this.#running.delete(peerId);
  }

  /** @returns whether to go on at once */
  async #sendOne(transfer: OutgoingTransfer, peerId: string): Promise<boolean> {
    const message = transfer.take();
    if (!message) return true;
    try {
      await this.#options.send(peerId, encodeMessage(message));
      return true;
    } catch (error) {
      const { code, message: text } = WeirError.from(error);
      const reason = permanentErrors[code];
      if (reason) transfer.fail(reason, reason === 'unsupported' ? text : undefined);
      else transfer.giveBack(message);
      return transfer.isOver;
    }
  }

  #retryLater(peerId: string): void {
    const retry = setTimeout(() => {
      this.#retries.delete(retry);
      this.#running.delete(peerId);
      this.wake();
    }, RETRY);
    this.#retries.add(retry);
  }
}
