/** What this page sends: offers files, keeps a record of each for a later page, and goes on with those of a former one. */
import { WeirError } from '../../../shared/errors.ts';
import { createTransferId } from './fileMessages.ts';
import { safeFileName } from './fileName.ts';
import './fileSystemAccess.ts';
import { OutgoingTransfer } from './OutgoingTransfer.ts';
import type { RoomTransfers } from './RoomTransfers.ts';
import { requireSameFile } from './requireSameFile.ts';
import { SentFile } from './SentFile.ts';
import { SentRecord } from './SentRecord.ts';
import { TransferRecords } from './TransferRecords.ts';
import { endTexts, type FilePeer, type FileRoom, type FileTransfer } from './transfers.ts';

export class SentTransfers {
  readonly #transfers: RoomTransfers;
  readonly #records = new TransferRecords('sent', SentRecord);

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
      this.#records.keep(record);
      return this.#transfers.add(this.#create(record, sent, peer)).snapshot();
    });
  }

  /** As `FileTransfers.provide`. */
  async provide(id: string, file: File): Promise<void> {
    const transfer = this.#transfers.require(id);
    const record = this.#records.get(id);
    if (!(transfer instanceof OutgoingTransfer) || !record) throw new WeirError('notFound');
    const sent = new SentFile(file);
    await requireSameFile(record, file, sent);
    transfer.provide(sent);
  }

  /** As `FileTransfers.reopen`. */
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

  /** Finds what a former page has left, and no other page works on. @returns the records of these transfers */
  async find(): Promise<SentRecord[]> {
    const records = await this.#records.find(this.#transfers.key);
    for (const record of records) {
      const peer = this.#transfers.peerOf(record.identity, record.peerName);
      this.#transfers.add(this.#create(record, undefined, peer));
    }
    return records;
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
    const record = this.#records.get(id);
    if (record) this.#records.keep({ ...record, identity, peerName: name });
  }

  /** No later page needs a transfer. */
  removeRecord(id: string): void {
    this.#records.remove(id);
  }

  #create({ id, name, size }: SentRecord, sent: SentFile | undefined, peer: FilePeer): OutgoingTransfer {
    return new OutgoingTransfer({ id, name, size }, sent, peer, this.#transfers.context(id));
  }
}

/** @throws {WeirError} `notFound`, `forbidden` */
function requirePeer(room: FileRoom, peerId: string): FilePeer {
  const peer = room.peers().find((one) => one.peerId === peerId);
  if (!peer) throw new WeirError('notFound', `There is no peer with the id "${peerId}".`);
  if (peer.canExchangeData === false) {
    throw new WeirError('forbidden', `The grants of ${peer.name} do not allow them to receive files.`);
  }
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
