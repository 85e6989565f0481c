/** All transfers of one room: gives them the messages of the other ends, and keeps them over a rejoin and a reload. */
import { WeirError } from '../../../shared/errors.ts';
import { decodeMessage, type FileMessage, type Offer, type Seek } from './fileMessages.ts';
import { IncomingTransfer } from './IncomingTransfer.ts';
import { OutgoingTransfer } from './OutgoingTransfer.ts';
import { PeerSearch } from './PeerSearch.ts';
import { ReceivedTransfers } from './ReceivedTransfers.ts';
import { RoomTransfers } from './RoomTransfers.ts';
import { SentTransfers } from './SentTransfers.ts';
import type { AnyTransfer } from './TransferEvents.ts';
import { type FilePeer, type FileRoom, type FileTransfer, type TransferDelays, transferDelays } from './transfers.ts';

/** Messages that are held until it is known which transfers there are: what is lost is repeated. */
const MAX_HELD = 64;

export class FileTransfers {
  readonly #transfers: RoomTransfers;
  readonly #sent: SentTransfers;
  readonly #received: ReceivedTransfers;
  readonly #search: PeerSearch;
  #ticking: ReturnType<typeof setInterval> | undefined;
  #restoring: Promise<void> | undefined;
  /** Messages that have come before all transfers of former pages were found; undefined afterwards. */
  #held: { peerId: string; data: Uint8Array }[] | undefined = [];

  /** @param key server and room, under which unfinished transfers are found again */
  constructor(key: string, delays: TransferDelays = transferDelays) {
    this.#transfers = new RoomTransfers(key, delays, (id) => {
      this.#sent.removeRecord(id);
      this.#received.removeRecord(id);
    });
    this.#sent = new SentTransfers(this.#transfers);
    this.#received = new ReceivedTransfers(this.#transfers);
    this.#search = new PeerSearch(this.#transfers, this.#received);
  }

  get transfers(): FileTransfer[] {
    return this.#transfers.all.map((transfer) => transfer.snapshot());
  }

  /** We are in the room, for the first time or again. */
  attach(room: FileRoom): void {
    this.#transfers.open(room);
    this.#ticking ??= setInterval(() => this.#tick(), this.#transfers.delays.tick);
    // While we were away, nobody could be heard of.
    for (const transfer of this.#transfers.all) transfer.resetSilence();
    this.syncPeers();
    // What has changed since the last session.
    for (const transfer of this.#transfers.all) this.#transfers.events.onChanged(transfer);
    this.#restoring ??= this.#restore();
  }

  /** Resolves when what former pages have left was found, and what is too old deleted. */
  async restored(): Promise<void> {
    await this.#restoring;
  }

  /** The session has ended. Another one in the same room goes on with what is unfinished. */
  detach(room: FileRoom): void {
    // Another session of this page may have taken over.
    if (this.#transfers.room !== room) return;
    clearInterval(this.#ticking);
    this.#ticking = undefined;
    this.#search.clear();
    this.#transfers.close();
  }

  /** A peer has joined. While we are hidden it is none of ours. */
  onPeerJoined(peer: FilePeer): void {
    if (this.#isPeer(peer.peerId)) this.#onPeerPresent(peer);
  }

  onPeerLeft(peerId: string): void {
    this.#search.onPeerLeft(peerId);
    for (const transfer of this.#transfers.all) if (transfer.peer.peerId === peerId) transfer.disconnect();
  }

  /** Whom the room has for us may have changed: all of them when we become hidden, or are so no more. */
  syncPeers(): void {
    for (const transfer of this.#transfers.all) if (!this.#isPeer(transfer.peer.peerId)) transfer.disconnect();
    for (const peer of this.#transfers.room?.peers() ?? []) this.#onPeerPresent(peer);
  }

  /** A message of a peer, of any content. */
  onData(peerId: string, data: Uint8Array): void {
    if (this.#held) {
      if (this.#held.length < MAX_HELD) this.#held.push({ peerId, data });
      return;
    }
    const peer = this.#transfers.room?.peers().find((one) => one.peerId === peerId);
    if (!peer) return;
    let message: FileMessage;
    try {
      message = decodeMessage(data);
    } catch {
      return;
    }
    if (message.type === 'offer') this.#onOffer(peer, message);
    else if (message.type === 'seek')
      for (const found of this.#search.onSeek(peer, message)) this.#connect(found, peer);
    else this.#dispatch(peer, message);
  }

  /**
   * Offers a file to these peers: a transfer for each.
   * @param handle of the same file, to go on after a reload of the page
   * @throws {WeirError} `notJoined`, `forbidden`, `badRequest` for a file that is too large or cannot be read, `notFound`
   */
  send(file: File, peerIds: readonly string[], handle?: FileSystemFileHandle): Promise<FileTransfer[]> {
    return this.#sent.send(file, peerIds, handle);
  }

  /** @throws {WeirError} `notFound`, `conflict`, `forbidden`, `badRequest` where there is no room for it */
  accept(id: string, handle?: FileSystemFileHandle): Promise<void> {
    return this.#received.accept(id, handle);
  }

  /** @throws {WeirError} `notFound` */
  decline(id: string): void {
    this.#transfers.require(id).end('declined');
  }

  /** @throws {WeirError} `notFound` */
  setPaused(id: string, paused: boolean): void {
    this.#transfers.require(id).setPaused(paused);
  }

  /** @throws {WeirError} `notFound` */
  cancel(id: string): void {
    this.#transfers.require(id).end('cancelled');
  }

  /** Removes a transfer that is over, with what was stored of it. @throws {WeirError} `notFound`, `conflict` */
  async remove(id: string): Promise<void> {
    const transfer = this.#transfers.require(id);
    if (!transfer.isOver) throw new WeirError('conflict', 'The transfer goes on: cancel it first.');
    this.#transfers.remove(id);
    if (transfer instanceof IncomingTransfer) await transfer.discard();
  }

  /**
   * The file of a transfer that needs it again, after a reload of the page.
   * @throws {WeirError} `notFound`, `badRequest` if it is another file
   */
  provide(id: string, file: File): Promise<void> {
    return this.#sent.provide(id, file);
  }

  /** Asks the user to permit reading the file that was sent before a reload. @returns whether it goes on */
  reopen(id: string): Promise<boolean> {
    return this.#sent.reopen(id);
  }

  /** Goes on with what a former page has left, and looks for who has the other ends. */
  async #restore(): Promise<void> {
    // A browser that refuses its storage has left nothing.
    const [partials, records] = await Promise.all([
      this.#received.find().catch(() => []),
      this.#sent.find().catch(() => []),
    ]);
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const { peerId, data } of held) this.onData(peerId, data);
    // Each is accepted at once, so that its sender is looked for.
    const restoring = Promise.all([
      ...partials.map((partial) => this.#received.restore(partial)),
      ...records.map((record) => this.#sent.restore(record)),
    ]);
    this.#search.ask(this.#transfers.room?.peers() ?? []);
    await restoring;
  }

  #onPeerPresent(peer: FilePeer): void {
    for (const transfer of this.#transfers.all) {
      if (transfer.peer.identity === peer.identity && !transfer.isPresent) transfer.connect(peer);
    }
    this.#search.ask([peer]);
  }

  #isPeer(peerId: string): boolean {
    return this.#transfers.room?.peers().some((one) => one.peerId === peerId) ?? false;
  }

  #tick(): void {
    const now = performance.now();
    this.#search.tick(now);
    this.#transfers.tick(now);
  }

  #onOffer(peer: FilePeer, offer: Offer): void {
    const known = this.#transfers.get(offer.id);
    if (!known) {
      this.#received.onOffer(peer, offer);
      return;
    }
    if (!(known instanceof IncomingTransfer)) return;
    if (known.isEnded) known.connect(peer);
    else if (!known.isPresent || known.peer.peerId !== peer.peerId) this.#connect(known, peer);
    known.resetSilence();
    this.#received.onOffered(known);
  }

  /** The other end is there under another id, and perhaps as somebody else, whom a later page of ours has to look for. */
  #connect(transfer: AnyTransfer, peer: FilePeer): void {
    transfer.connect(peer);
    if (transfer.isOver) return;
    if (transfer instanceof IncomingTransfer) void transfer.keepPeer();
    else this.#sent.keepPeer(transfer.id, peer);
  }

  #dispatch(peer: FilePeer, message: Exclude<FileMessage, Offer | Seek>): void {
    const { id } = message;
    const transfer = this.#transfers.get(id);
    if (!transfer) {
      if (message.type === 'end' || message.type === 'done') return;
      if (message.type === 'request') this.#transfers.post(peer.peerId, { type: 'end', id, reason: 'unknown' });
      return;
    }
    if (transfer.isEnded && message.type === 'request') {
      // It has missed the end while it was away.
      this.#transfers.post(peer.peerId, { type: 'end', id, reason: transfer.toldReason });
      return;
    }
    // Who knows the id is the other end, also after a reload as somebody else, which the server may not have noticed yet.
    if (!transfer.isPresent || transfer.peer.peerId !== peer.peerId) {
      if (message.type !== 'request') return;
      this.#connect(transfer, peer);
    }
    transfer.resetSilence();
    if (message.type === 'end') transfer.onEndMessage(message.reason);
    else if (message.type === 'pause') transfer.onPauseMessage(message.paused);
    else if (transfer instanceof OutgoingTransfer) {
      if (message.type === 'request' || message.type === 'ack' || message.type === 'done') transfer.onMessage(message);
    } else if (message.type === 'chunk' || message.type === 'block' || message.type === 'complete') {
      transfer.onMessage(message);
    }
  }
}
