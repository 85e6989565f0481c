/** The transfers of one room and the room itself: what the parts that create, restore and find transfers share. */
import { WeirError } from '../../../shared/errors.ts';
import { type ControlMessage, encodeMessage, type Seek } from './fileMessages.ts';
import { OutgoingTransfer } from './OutgoingTransfer.ts';
import { SendScheduler } from './SendScheduler.ts';
import { type AnyTransfer, TransferEvents } from './TransferEvents.ts';
import type { FilePeer, FileRoom, TransferContext, TransferDelays } from './transfers.ts';

/** How many failed, declined and cancelled transfers are kept, for whoever wants to show them. */
const MAX_ENDED = 100;

export class RoomTransfers {
  /** Server and room. */
  readonly key: string;
  readonly delays: TransferDelays;
  readonly events = new TransferEvents(() => this.#room);
  readonly #onEnded: (id: string) => void;
  readonly #transfers = new Map<string, AnyTransfer>();
  #room: FileRoom | undefined;
  #scheduler: SendScheduler | undefined;

  /** @param onEnded no later page needs a transfer; called again with each later change */
  constructor(key: string, delays: TransferDelays, onEnded: (id: string) => void) {
    this.key = key;
    this.delays = delays;
    this.#onEnded = onEnded;
  }

  /** Undefined between sessions. */
  get room(): FileRoom | undefined {
    return this.#room;
  }

  /** In the order in which they began. */
  get all(): AnyTransfer[] {
    return [...this.#transfers.values()];
  }

  /** A session has begun. */
  open(room: FileRoom): void {
    this.#room = room;
    this.#scheduler ??= new SendScheduler({
      transfers: () => this.all.filter((one) => one instanceof OutgoingTransfer).filter(({ isOver }) => !isOver),
      send: (peerId, data) => this.#send(peerId, data),
    });
  }

  /** The session has ended. */
  close(): void {
    this.#room = undefined;
    this.#scheduler?.close();
    this.#scheduler = undefined;
    for (const transfer of this.#transfers.values()) transfer.disconnect();
  }

  /** Repeats what is due, and sends what is ready. @param now as `performance.now()` */
  tick(now: number): void {
    const room = this.#room;
    if (!room) return;
    const away = new Set(room.peers().flatMap((peer) => (peer.away ? [peer.peerId] : [])));
    for (const transfer of this.#transfers.values()) {
      // The server waits for one of us.
      if (room.isReconnecting() || away.has(transfer.peer.peerId)) transfer.resetSilence(now);
      if (!room.maySend() && needsGrant(transfer)) transfer.fail('forbidden');
      transfer.tick(now);
    }
    this.#scheduler?.wake();
  }

  /** @throws {WeirError} `notJoined` */
  requireRoom(): FileRoom {
    if (!this.#room) throw new WeirError('notJoined', 'Join a room first.');
    return this.#room;
  }

  get(id: string): AnyTransfer | undefined {
    return this.#transfers.get(id);
  }

  /** @throws {WeirError} `notFound` */
  require(id: string): AnyTransfer {
    const transfer = this.#transfers.get(id);
    if (!transfer) throw new WeirError('notFound', `There is no transfer with the id "${id}".`);
    return transfer;
  }

  add<T extends AnyTransfer>(transfer: T): T {
    this.#transfers.set(transfer.id, transfer);
    this.#removeEnded();
    this.#onChanged(transfer.id);
    return transfer;
  }

  remove(id: string): void {
    this.#transfers.delete(id);
    this.events.remove(id);
    this.#onEnded(id);
  }

  /** Somebody of that identity; with an empty id if there is none at present. */
  peerOf(identity: string, name: string): FilePeer {
    return this.#room?.peers().find((one) => one.identity === identity) ?? { peerId: '', identity, name };
  }

  /** What the transfer with this id needs. */
  context(id: string): TransferContext {
    return {
      delays: this.delays,
      post: (peerId, message) => this.post(peerId, message),
      onChanged: () => this.#onChanged(id),
      onProgress: () => {
        const transfer = this.#transfers.get(id);
        if (transfer) this.events.onProgress(transfer);
      },
      onReady: () => this.#scheduler?.wake(),
      hasMedia: () => this.#room?.hasMedia() ?? false,
    };
  }

  /** Sends a message, and forgets it: whatever is lost is repeated. */
  post(peerId: string, message: ControlMessage | Seek): void {
    this.#send(peerId, encodeMessage(message)).catch(() => {});
  }

  async #send(peerId: string, data: Uint8Array): Promise<void> {
    await this.requireRoom().send(peerId, data);
  }

  #onChanged(id: string): void {
    const transfer = this.#transfers.get(id);
    if (!transfer) return;
    if (transfer.isEnded) this.#onEnded(id);
    this.events.onChanged(transfer);
  }

  /** Removes the oldest of those that are over and have nothing stored, if there are too many. */
  #removeEnded(): void {
    const ended = this.all.filter((one) => one.isOver && !hasStored(one));
    for (const { id } of ended.slice(0, Math.max(0, ended.length - MAX_ENDED))) this.remove(id);
  }
}

/** Whether it can only go on with our grant to send: in an offer to us, others wait for it. */
function needsGrant(transfer: AnyTransfer): boolean {
  return !transfer.isOver && transfer.isPresent && (transfer.direction === 'send' || transfer.isAccepted);
}

/** Whether it has a file, or a part of one that waits for its sender. */
function hasStored(transfer: AnyTransfer): boolean {
  if (transfer.direction === 'send') return false;
  return transfer.isEnded ? transfer.snapshot().blob !== undefined : transfer.isAccepted;
}
