/** What this page sends: offers files, keeps a record of each for a later page, and goes on with those of a former one. */
import { WeirError } from '../../../shared/errors.ts';
import { createTransferId } from './fileMessages.ts';
import { safeFileName } from './fileName.ts';
import './fileSystemAccess.ts';
import { OutgoingTransfer } from './OutgoingTransfer.ts';
import type { RoomTransfers } from './RoomTransfers.ts';
import { requireSameFile } from './requireSameFile.ts';
import { SentFile } from './SentFile.ts';
import { findSent, keepSent, removeSent, type SentRecord } from './SentRecords.ts';
import { lockTransfer } from './transferLock.ts';
import { endTexts, type FilePeer, type FileRoom, type FileTransfer } from './transfers.ts';

/** A record, and how to let another page have it. */
interface KeptRecord {
  readonly record: SentRecord;
  unlock(): void;
}

export class SentTransfers {
  readonly #transfers: RoomTransfers;
  readonly #records = new Map<string, KeptRecord>();

  constructor(transfers: RoomTransfers) {
    this.#transfers = transfers;
  }

  /** As `FileTransfers.send`. */
  async send(file: File, peerIds: readonly string[], handle?: FileSystemFileHandle): Promise<FileTransfer[]> {
    const room = this.#transfers.requireRoom();
    if (!room.maySend()) throw new WeirError('forbidden', 'Your grants do not allow you to send files: see `grants`.');
    requireAllowedSize(file.size, room.maxBytes);
    if (peerIds.length === 0) throw new WeirError('notFound', 'There is nobody to send the file to.');
    const peers = peerIds.map((peerId) => requirePeer(room, peerId));
    const sent = new SentFile(file);
    const first = file.size === 0 ? '' : await readable(sent);
    if (this.#transfers.room !== room) throw new WeirError('closed', 'The session ended before the file was offered.');
    const about = { name: safeFileName(file.name), size: file.size };
    return peers.map((peer) => {
      const id = createTransferId();
      const record = {
        ...about,
        ...{ id, room: this.#transfers.key, identity: peer.identity, peerName: peer.name, firstBlock: first },
        ...{ lastModified: file.lastModified, startedAt: Date.now(), ...(handle && { handle }) },
      };
      void this.#keepNew(record);
      return this.#transfers.add(this.#create(record, sent, peer)).snapshot();
    });
  }

  /** As `FileTransfers.provide`. */
  async provide(id: string, file: File): Promise<void> {
    const transfer = this.#transfers.require(id);
    const record = this.#records.get(id)?.record;
    if (!(transfer instanceof OutgoingTransfer) || !record) throw new WeirError('notFound');
    const sent = new SentFile(file);
    await requireSameFile(record, file, sent);
    transfer.provide(sent);
  }

  /** As `FileTransfers.reopen`. */
  async reopen(id: string): Promise<boolean> {
    const handle = this.#records.get(id)?.record.handle;
    if (!handle?.requestPermission || (await handle.requestPermission({ mode: 'read' })) !== 'granted') return false;
    try {
      await this.provide(id, await handle.getFile());
      return true;
    } catch {
      return false;
    }
  }

  /** Finds what a former page has left, and no other page works on. @returns the records of these transfers */
  async find(): Promise<SentRecord[]> {
    const records = await findSent(this.#transfers.key);
    const found = await Promise.all(records.map((record) => this.#findOne(record)));
    return found.flatMap((record) => record ?? []);
  }

  /** Goes on with one of `find`, if its file can be read without asking. */
  async restore({ id, handle }: SentRecord): Promise<void> {
    try {
      const permission = await handle?.queryPermission?.({ mode: 'read' });
      if (handle && permission === 'granted') await this.provide(id, await handle.getFile());
    } catch {
      // The file was moved or changed: the user is asked for it.
    }
  }

  /** The receiver is somebody else now, whom a later page has to look for. */
  keepPeer(id: string, { identity, name }: FilePeer): void {
    const kept = this.#records.get(id);
    if (!kept) return;
    const record = { ...kept.record, identity, peerName: name };
    this.#records.set(id, { ...kept, record });
    void keepSent(record);
  }

  /** A transfer is over: no later page needs its record. */
  removeRecord(id: string): void {
    const kept = this.#records.get(id);
    if (!kept) return;
    this.#records.delete(id);
    void removeSent(id);
    kept.unlock();
  }

  async #keepNew(record: SentRecord): Promise<void> {
    const { id } = record;
    const lock = lockTransfer(`sent-${id}`);
    this.#records.set(id, { record, unlock: () => void lock.then((unlock) => unlock?.()) });
    await lock;
    // It is stored only once it is locked, so that no other page takes it over. Until then the transfer may have ended, or have
    // another receiver.
    const kept = this.#records.get(id);
    if (kept) await keepSent(kept.record);
  }

  async #findOne(record: SentRecord): Promise<SentRecord | undefined> {
    const { id, identity, peerName } = record;
    if (this.#transfers.get(id)) return undefined;
    const unlock = await lockTransfer(`sent-${id}`);
    if (!unlock) return undefined;
    this.#records.set(id, { record, unlock });
    this.#transfers.add(this.#create(record, undefined, this.#transfers.peerOf(identity, peerName)));
    return record;
  }

  #create({ id, name, size }: SentRecord, sent: SentFile | undefined, peer: FilePeer): OutgoingTransfer {
    return new OutgoingTransfer({ id, name, size }, sent, peer, this.#transfers.context(id));
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
