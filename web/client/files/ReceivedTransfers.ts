/**
 * What this page receives: takes offers, accepts them, and goes on with what a former page has left, which is partial files, and offers
 * whose senders have to make them again.
 */
import { WeirError } from '../../../shared/errors.ts';
import { markFilesUsed } from '../fileUse.ts';
import type { Offer } from './fileMessages.ts';
import { safeFileName } from './fileName.ts';
import { IncomingTransfer } from './IncomingTransfer.ts';
import { OfferRecord } from './OfferRecord.ts';
import { OpfsBlockStore } from './OpfsBlockStore.ts';
import { openStore } from './openStore.ts';
import type { RoomTransfers } from './RoomTransfers.ts';
import { TransferRecords } from './TransferRecords.ts';
import type { FilePeer } from './transfers.ts';

/** Offers of one peer that may wait for an answer: more are declined. */
const MAX_OFFERS = 20;
/** Offers in the room that may wait for an answer, those of senders who have left included. */
const MAX_OFFERS_IN_ROOM = 100;

/** A transfer that a former page has begun. */
export interface PartialTransfer {
  readonly transfer: IncomingTransfer;
  readonly store: OpfsBlockStore;
}

export class ReceivedTransfers {
  readonly #transfers: RoomTransfers;
  /** Ids of transfers whose store is being opened. */
  readonly #opening = new Set<string>();
  readonly #offers = new TransferRecords('offered', OfferRecord);

  constructor(transfers: RoomTransfers) {
    this.#transfers = transfers;
  }

  /** Ids of transfers of a former page of which nothing is left, so that their senders have to offer them again. */
  get lostOffers(): string[] {
    return this.#offers.ids.filter((id) => !this.#transfers.get(id));
  }

  /** A peer offers a file that is not known yet. */
  onOffer(peer: FilePeer, { id, name, size }: Offer): void {
    const refuse = (reason: 'tooLarge' | 'declined') => {
      this.#offers.remove(id);
      this.#transfers.post(peer.peerId, { type: 'end', id, reason });
    };
    if (size > this.#transfers.requireRoom().maxBytes) {
      refuse('tooLarge');
      return;
    }
    const unanswered = this.#transfers.all
      .filter((one) => one instanceof IncomingTransfer)
      .filter((one) => !one.isOver && !one.isAccepted);
    const isFull = unanswered.length >= MAX_OFFERS_IN_ROOM;
    // A sender that comes back offers it again.
    const absent = isFull ? unanswered.find((one) => !one.isPresent) : undefined;
    const ofPeer = unanswered.filter((one) => one.peer.peerId === peer.peerId);
    if (ofPeer.length >= MAX_OFFERS || (isFull && !absent)) {
      refuse('declined');
      return;
    }
    if (absent) this.#transfers.remove(absent.id);
    const about = { id, name: safeFileName(name), size };
    const transfer = this.#transfers.add(new IncomingTransfer(about, peer, this.#transfers.context(id)));
    markFilesUsed();
    this.#keepOffer(id);
    this.onOffered(transfer);
  }

  /** A sender offers a file, for the first time or again. */
  onOffered(transfer: IncomingTransfer): void {
    transfer.onOffered();
    if (transfer.takeNews()) this.#transfers.events.notify('fileOffered', transfer);
  }

  /** As `FileTransfers.accept`. */
  async accept(id: string, handle?: FileSystemFileHandle): Promise<void> {
    const transfer = this.#transfers.require(id);
    if (!(transfer instanceof IncomingTransfer)) throw new WeirError('conflict', 'This file is sent, not received.');
    if (transfer.isAccepted || transfer.isOver || this.#opening.has(id))
      throw new WeirError('conflict', 'This file is accepted already, or over.');
    if (this.#transfers.room?.maySend() === false) {
      const message = 'Your grants do not allow you to answer the sender of a file: see `grants`.';
      throw new WeirError('forbidden', message);
    }
    const { name, size, peer } = transfer;
    const record = { id, room: this.#transfers.key, name, size, startedAt: Date.now() };
    this.#opening.add(id);
    this.#keepOffer(id, handle);
    try {
      await transfer.accept(await openStore({ ...record, identity: peer.identity, peerName: peer.name }, handle));
    } finally {
      this.#opening.delete(id);
    }
  }

  /** Finds the partial files that a former page has left. @returns their transfers, to go on with */
  async find(): Promise<PartialTransfer[]> {
    await this.#offers.find(this.#transfers.key, MAX_OFFERS_IN_ROOM);
    const partials = await OpfsBlockStore.find(this.#transfers.key, (id) => this.#offers.get(id)?.handle);
    return partials.flatMap(({ record, store }) => {
      const { id, identity, peerName } = record;
      if (this.#transfers.get(id)) return [];
      const peer = this.#transfers.peerOf(identity, peerName);
      const transfer = this.#transfers.add(new IncomingTransfer(record, peer, this.#transfers.context(id)));
      // It was accepted.
      transfer.takeNews();
      return [{ transfer, store }];
    });
  }

  /** Reads what there is of a file, and goes on. */
  async restore({ transfer, store }: PartialTransfer): Promise<void> {
    try {
      await transfer.accept(store);
    } catch {
      transfer.fail('storage');
      await store.discard().catch(() => {});
    }
  }

  /** No later page needs a transfer. */
  removeRecord(id: string): void {
    this.#offers.remove(id);
  }

  /** @param handle where it is to be saved */
  #keepOffer(id: string, handle?: FileSystemFileHandle): void {
    this.#offers.keep({ id, room: this.#transfers.key, startedAt: Date.now(), ...(handle && { handle }) });
  }
}
