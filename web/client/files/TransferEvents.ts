/** Tells the room of what happens to transfers: each state once, and progress a few times a second. */
import type { IncomingTransfer } from './IncomingTransfer.ts';
import type { OutgoingTransfer } from './OutgoingTransfer.ts';
import type { FileEvents, FileRoom, FileTransferState } from './transfers.ts';

export type AnyTransfer = OutgoingTransfer | IncomingTransfer;

/** Milliseconds. */
const PROGRESS_INTERVAL = 200;

export class TransferEvents {
  readonly #room: () => Pick<FileRoom, 'notify'> | undefined;
  readonly #states = new Map<string, FileTransferState>();
  readonly #progressAt = new Map<string, number>();

  /** @param room undefined while we are in none */
  constructor(room: () => Pick<FileRoom, 'notify'> | undefined) {
    this.#room = room;
  }

  /** The state of a transfer may have changed. */
  onChanged(transfer: AnyTransfer): void {
    const { id, state } = transfer;
    // Between sessions nobody can be told: the next one makes up for it.
    if (!this.#room() || this.#states.get(id) === state) return;
    this.#states.set(id, state);
    this.notify('fileStateChanged', transfer);
    if (state === 'completed') this.notify('fileCompleted', transfer);
    else if (transfer.isOver) this.notify('fileFailed', transfer);
  }

  onProgress(transfer: AnyTransfer): void {
    const now = performance.now();
    if (now - (this.#progressAt.get(transfer.id) ?? Number.NEGATIVE_INFINITY) < PROGRESS_INTERVAL) return;
    this.#progressAt.set(transfer.id, now);
    this.notify('fileProgress', transfer);
  }

  notify(event: keyof FileEvents, transfer: AnyTransfer): void {
    this.#room()?.notify(event, transfer.snapshot());
  }

  /** A transfer is not kept any longer. */
  remove(id: string): void {
    this.#states.delete(id);
    this.#progressAt.delete(id);
  }
}
