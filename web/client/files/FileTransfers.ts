/** All transfers of one room: creates them, gives them the messages of the other ends, and keeps them over a rejoin. */
import { WeirError } from '../../../shared/errors.ts';
import {
  type ControlMessage,
  createTransferId,
  decodeMessage,
  encodeMessage,
  type FileMessage,
} from './fileMessages.ts';
import { safeFileName } from './fileName.ts';
import './fileSystemAccess.ts';
import { IncomingTransfer } from './IncomingTransfer.ts';
import { type FoundPartial, OpfsBlockStore } from './OpfsBlockStore.ts';
import { OutgoingTransfer } from './OutgoingTransfer.ts';
import { openStore } from './openStore.ts';
import { requireSameFile } from './requireSameFile.ts';
import { SendScheduler } from './SendScheduler.ts';
import { SentFile } from './SentFile.ts';
import { findSent, keepSent, removeSent, type SentRecord } from './SentRecords.ts';
import { type AnyTransfer, TransferEvents } from './TransferEvents.ts';
import {
  endTexts,
  type FilePeer,
  type FileRoom,
  type FileTransfer,
  type TransferDelays,
  transferDelays,
} from './transfers.ts';

/** Offers of one peer that may wait for an answer: more are declined. */
const MAX_OFFERS = 20;
/** How many failed, declined and cancelled transfers are kept, for whoever wants to show them. */
const MAX_ENDED = 100;

export class FileTransfers {
  /** Server and room. */
  readonly #key: string;
  readonly #delays: TransferDelays;
  readonly #transfers = new Map<string, AnyTransfer>();
  readonly #records = new Map<string, SentRecord>();
  readonly #events = new TransferEvents(() => this.#room);
  #scheduler: SendScheduler | undefined;
  #room: FileRoom | undefined;
  #ticking: ReturnType<typeof setInterval> | undefined;
  #restoring: Promise<void> | undefined;

  /** @param key server and room, under which unfinished transfers are found again */
  constructor(key: string, delays: TransferDelays = transferDelays) {
    this.#delays = delays;
    this.#key = key;
  }

  get transfers(): FileTransfer[] {
    return [...this.#transfers.values()].map((transfer) => transfer.snapshot());
  }

  /** We are in the room, for the first time or again. */
  attach(room: FileRoom): void {
    this.#room = room;
    this.#scheduler ??= new SendScheduler({
      transfers: () => this.#outgoing(),
      send: (peerId, data) => this.#send(peerId, data),
    });
    this.#ticking ??= setInterval(() => this.#tick(), this.#delays.tick);
    for (const peer of room.peers()) this.onPeerJoined(peer);
    this.#restoring ??= this.#restore();
  }

  /** Resolves when what former pages have left was found, and what is too old deleted. */
  async restored(): Promise<void> {
    await this.#restoring;
  }

  /** The session has ended. Another one in the same room goes on with what is unfinished. */
  detach(room: FileRoom): void {
    // Another session of this page may have taken over.
    if (this.#room !== room) return;
    this.#room = undefined;
    this.#scheduler?.close();
    this.#scheduler = undefined;
    clearInterval(this.#ticking);
    this.#ticking = undefined;
    for (const transfer of this.#transfers.values()) transfer.disconnect();
  }

  onPeerJoined(peer: FilePeer): void {
    for (const transfer of this.#transfers.values()) {
      if (transfer.peer.identity === peer.identity && !transfer.isPresent) transfer.connect(peer);
    }
  }

  onPeerLeft(peerId: string): void {
    for (const transfer of this.#transfers.values()) if (transfer.peer.peerId === peerId) transfer.disconnect();
  }

  /** A message of a peer, of any content. */
  onData(peerId: string, data: Uint8Array): void {
    const peer = this.#room?.peers().find((one) => one.peerId === peerId);
    if (!peer) return;
    let message: FileMessage;
    try {
      message = decodeMessage(data);
    } catch {
      return;
    }
    if (message.type === 'offer') this.#onOffer(peer, message);
    else this.#dispatch(peer, message);
  }

  /**
   * Offers a file to these peers: a transfer for each.
   * @param handle of the same file, to go on after a reload of the page
   * @throws {WeirError} `notJoined`, `forbidden`, `badRequest` for a file that is too large or cannot be read, `notFound`
   */
  async send(file: File, peerIds: readonly string[], handle?: FileSystemFileHandle): Promise<FileTransfer[]> {
    const room = this.#requireRoom();
    if (!room.maySend()) throw new WeirError('forbidden', 'Your grants do not allow you to send files: see `grants`.');
    requireAllowedSize(file.size, room.maxBytes);
    if (peerIds.length === 0) throw new WeirError('notFound', 'There is nobody to send the file to.');
    const peers = peerIds.map((peerId) => requirePeer(room, peerId));
    const sent = new SentFile(file);
    const first = file.size === 0 ? '' : await readable(sent);
    if (this.#room !== room) throw new WeirError('closed', 'The session ended before the file was offered.');
    const about = { name: safeFileName(file.name), size: file.size };
    return peers.map((peer) => {
      const id = createTransferId();
      const record = {
        ...about,
        ...{ id, room: this.#key, identity: peer.identity, peerName: peer.name, firstBlock: first },
        ...{ lastModified: file.lastModified, startedAt: Date.now(), ...(handle && { handle }) },
      };
      this.#records.set(id, record);
      void keepSent(record);
      return this.#add(this.#createOutgoing(record, sent, peer)).snapshot();
    });
  }

  /** @throws {WeirError} `notFound`, `conflict`, `badRequest` where there is no room for it */
  async accept(id: string, handle?: FileSystemFileHandle): Promise<void> {
    const transfer = this.#require(id);
    if (!(transfer instanceof IncomingTransfer)) throw new WeirError('conflict', 'This file is sent, not received.');
    if (transfer.isAccepted || transfer.isOver)
      throw new WeirError('conflict', 'This file is accepted already, or over.');
    const { name, size, peer } = transfer;
    const record = { id, room: this.#key, name, size, startedAt: Date.now() };
    const store = await openStore({ ...record, identity: peer.identity, peerName: peer.name }, handle);
    await transfer.accept(store);
  }

  /** @throws {WeirError} `notFound` */
  decline(id: string): void {
    this.#require(id).end('declined');
  }

  /** @throws {WeirError} `notFound` */
  setPaused(id: string, paused: boolean): void {
    this.#require(id).setPaused(paused);
  }

  /** @throws {WeirError} `notFound` */
  cancel(id: string): void {
    this.#require(id).end('cancelled');
  }

  /** Removes a transfer that is over, with what was stored of it. @throws {WeirError} `notFound`, `conflict` */
  async remove(id: string): Promise<void> {
    const transfer = this.#require(id);
    if (!transfer.isOver) throw new WeirError('conflict', 'The transfer goes on: cancel it first.');
    this.#transfers.delete(id);
    this.#events.remove(id);
    if (transfer instanceof IncomingTransfer) await transfer.discard();
  }

  /**
   * The file of a transfer that needs it again, after a reload of the page.
   * @throws {WeirError} `notFound`, `badRequest` if it is another file
   */
  async provide(id: string, file: File): Promise<void> {
    const transfer = this.#require(id);
    const record = this.#records.get(id);
    if (!(transfer instanceof OutgoingTransfer) || !record) throw new WeirError('notFound');
    const sent = new SentFile(file);
    await requireSameFile(record, file, sent);
    transfer.provide(sent);
  }

  /** Asks the user to permit reading the file that was sent before a reload. @returns whether it goes on */
  async reopen(id: string): Promise<boolean> {
    const handle = this.#records.get(id)?.handle;
    if (!handle?.requestPermission || (await handle.requestPermission({ mode: 'read' })) !== 'granted') return false;
    try {
      await this.provide(id, await handle.getFile());
      return true;
    } catch {
      return false;
    }
  }

  #createOutgoing(record: SentRecord, sent: SentFile | undefined, peer: FilePeer): OutgoingTransfer {
    const { id, name, size } = record;
    return new OutgoingTransfer({ id, name, size }, sent, peer, this.#context(id));
  }

  #context(id: string) {
    return {
      delays: this.#delays,
      post: (peerId: string, message: ControlMessage) => this.#post(peerId, message),
      onChanged: () => this.#onChanged(id),
      onProgress: () => this.#onProgress(id),
      onReady: () => this.#scheduler?.wake(),
      hasMedia: () => this.#room?.hasMedia() ?? false,
    };
  }

  #add<T extends AnyTransfer>(transfer: T): T {
    this.#transfers.set(transfer.id, transfer);
    this.#removeEnded();
    this.#onChanged(transfer.id);
    return transfer;
  }

  /** Removes the oldest of those that have ended without a file, if there are too many. */
  #removeEnded(): void {
    const ended = [...this.#transfers.values()].filter((one) => one.isOver && one.snapshot().blob === undefined);
    for (const { id } of ended.slice(0, Math.max(0, ended.length - MAX_ENDED))) {
      this.#transfers.delete(id);
      this.#events.remove(id);
    }
  }

  #onOffer(peer: FilePeer, { id, name, size }: Extract<ControlMessage, { type: 'offer' }>): void {
    const known = this.#transfers.get(id);
    if (known) {
      if (!(known instanceof IncomingTransfer)) return;
      if (!known.isOver && (!known.isPresent || known.peer.peerId !== peer.peerId)) this.#connect(known, peer);
      else {
        if (known.isOver) known.connect(peer);
        known.onOffered();
      }
      return;
    }
    const room = this.#requireRoom();
    const refuse = (reason: 'tooLarge' | 'declined') => this.#post(peer.peerId, { type: 'end', id, reason });
    if (size > room.maxBytes) {
      refuse('tooLarge');
      return;
    }
    const waiting = [...this.#transfers.values()].filter(
      (one) => one.peer.peerId === peer.peerId && one.state === 'offered',
    );
    if (waiting.length >= MAX_OFFERS) {
      refuse('declined');
      return;
    }
    const about = { id, name: safeFileName(name), size };
    const transfer = this.#add(new IncomingTransfer(about, peer, this.#context(id)));
    transfer.onOffered();
    this.#events.notify('fileOffered', transfer);
  }

  /** The other end is there under another id, and perhaps as somebody else, whom a later page of ours has to look for. */
  #connect(transfer: AnyTransfer, peer: FilePeer): void {
    const { id } = transfer;
    transfer.connect(peer);
    const record = this.#records.get(id);
    if (record) {
      const changed = { ...record, identity: peer.identity, peerName: peer.name };
      this.#records.set(id, changed);
      void keepSent(changed);
    } else if (transfer instanceof IncomingTransfer) void transfer.keepPeer();
  }

  #dispatch(peer: FilePeer, message: Exclude<FileMessage, { type: 'offer' }>): void {
    const { id } = message;
    const transfer = this.#transfers.get(id);
    if (!transfer) {
      if (message.type === 'end' || message.type === 'done') return;
      // Not while partial files are looked for, which may have it.
      if (message.type === 'request') this.#post(peer.peerId, { type: 'end', id, reason: 'unknown' });
      return;
    }
    if (transfer.isOver && message.type === 'request') {
      // It has missed the end while it was away.
      this.#post(peer.peerId, { type: 'end', id, reason: transfer.state === 'cancelled' ? 'cancelled' : 'unknown' });
      return;
    }
    // Who knows the id is the other end, also after a reload as somebody else, which the server may not have noticed yet.
    if (transfer.peer.peerId !== peer.peerId) {
      if (message.type !== 'request') return;
      this.#connect(transfer, peer);
    }
    if (message.type === 'end') transfer.onEndMessage(message.reason);
    else if (message.type === 'pause') transfer.onPauseMessage(message.paused);
    else if (transfer instanceof OutgoingTransfer) {
      if (message.type === 'request' || message.type === 'ack' || message.type === 'done') transfer.onMessage(message);
    } else if (message.type === 'chunk' || message.type === 'block' || message.type === 'complete') {
      transfer.onMessage(message);
    }
  }

  /** Goes on with what a former page has left. */
  async #restore(): Promise<void> {
    const [partials, records] = await Promise.all([OpfsBlockStore.find(this.#key), findSent(this.#key)]);
    await Promise.all([
      ...partials.map((partial) => this.#restoreIncoming(partial)),
      ...records.map((record) => this.#restoreOutgoing(record)),
    ]);
  }

  async #restoreIncoming({ record, store }: FoundPartial): Promise<void> {
    const { id, identity, peerName } = record;
    if (this.#transfers.has(id)) return;
    const transfer = this.#add(new IncomingTransfer(record, this.#peerOf(identity, peerName), this.#context(id)));
    try {
      await transfer.accept(store);
    } catch {
      transfer.fail('storage');
      await store.discard().catch(() => {});
    }
  }

  async #restoreOutgoing(record: SentRecord): Promise<void> {
    const { id, identity, peerName, handle } = record;
    if (this.#transfers.has(id)) return;
    this.#records.set(id, record);
    this.#add(this.#createOutgoing(record, undefined, this.#peerOf(identity, peerName)));
    try {
      const permission = await handle?.queryPermission?.({ mode: 'read' });
      if (handle && permission === 'granted') await this.provide(id, await handle.getFile());
    } catch {
      // The file was moved or changed: the user is asked for it.
    }
  }

  /** Somebody of that identity; with an empty id if there is none at present. */
  #peerOf(identity: string, name: string): FilePeer {
    return this.#room?.peers().find((one) => one.identity === identity) ?? { peerId: '', identity, name };
  }

  #onChanged(id: string): void {
    const transfer = this.#transfers.get(id);
    if (!transfer) return;
    if (transfer.isOver && this.#records.delete(id)) void removeSent(id);
    this.#events.onChanged(transfer);
  }

  #onProgress(id: string): void {
    const transfer = this.#transfers.get(id);
    if (transfer) this.#events.onProgress(transfer);
  }

  #tick(): void {
    const now = performance.now();
    for (const transfer of this.#transfers.values()) if (!transfer.isOver) transfer.tick(now);
    this.#scheduler?.wake();
  }

  #outgoing(): OutgoingTransfer[] {
    return [...this.#transfers.values()]
      .filter((transfer) => transfer instanceof OutgoingTransfer)
      .filter(({ isOver }) => !isOver);
  }

  #post(peerId: string, message: ControlMessage): void {
    // Whatever is lost is repeated.
    this.#send(peerId, encodeMessage(message)).catch(() => {});
  }

  async #send(peerId: string, data: Uint8Array): Promise<void> {
    await this.#requireRoom().send(peerId, data);
  }

  #requireRoom(): FileRoom {
    if (!this.#room) throw new WeirError('notJoined', 'Join a room first.');
    return this.#room;
  }

  #require(id: string): AnyTransfer {
    const transfer = this.#transfers.get(id);
    if (!transfer) throw new WeirError('notFound', `There is no transfer with the id "${id}".`);
    return transfer;
  }
}

function requirePeer(room: FileRoom, peerId: string): FilePeer {
  const peer = room.peers().find((one) => one.peerId === peerId);
  if (!peer) throw new WeirError('notFound', `There is no peer with the id "${peerId}".`);
  return peer;
}

function requireAllowedSize(size: number, maxBytes: number): void {
  if (maxBytes === 0) throw new WeirError('forbidden', 'This server does not permit files.');
  if (size <= maxBytes) return;
  throw new WeirError(
    'badRequest',
    `The file has ${size} bytes, and this server permits ${maxBytes}. Send a smaller one.`,
  );
}

/** @returns the hash of the first block @throws {WeirError} `badRequest` */
async function readable(file: SentFile): Promise<string> {
  try {
    return (await file.readBlock(0)).sha256;
  } catch (cause) {
    throw new WeirError('badRequest', endTexts.unreadable, { cause });
  }
}
