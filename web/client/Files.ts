/** Files between peers, as an application sees them. What they are made of is loaded with the first file. */
import { WeirError } from '../../shared/errors.ts';
import type { FileTransfers } from './files/index.ts';
import type { FilePeer, FileRoom, FileTransfer } from './files/transfers.ts';
import { SEEK_KIND } from './fileTopic.ts';
import { markFilesUsed, removeOldFileUse, wereFilesUsed } from './fileUse.ts';
import { loadFiles } from './loadFiles.ts';

export interface SendFileOptions {
  /**
   * The ids of the peers that it is offered to. Without it, all that are in the room now and whose grants permit data
   * (`canExchangeData`); of a broadcast those on the stage, since viewers cannot be addressed.
   */
  readonly to?: readonly string[];
  /** Of the same file, where the browser gives one: the transfer then goes on by itself after a reload of the page. */
  readonly handle?: FileSystemFileHandle | undefined;
}

/** The members of `Files` that an application uses. */
export type FilesApi = Omit<Files, 'open' | 'end' | 'onData' | 'onPeerJoined' | 'onPeerLeft' | 'syncPeers'>;

/** Messages that may wait until the code is loaded: offers come first, and their senders repeat them. */
const MAX_WAITING = 64;

export class Files {
  #room: FileRoom | undefined;
  #key: string | undefined;
  #loading: Promise<FileTransfers> | undefined;
  #transfers: FileTransfers | undefined;
  #waiting: { peerId: string; data: Uint8Array }[] = [];

  /** Every transfer of this room that was not removed, those of a former session included. */
  get transfers(): readonly FileTransfer[] {
    return this.#transfers?.transfers ?? [];
  }

  /** Maximum size of a file in bytes; 0 where the server does not permit files, and before the join. */
  get maxBytes(): number {
    return this.#room?.maxBytes ?? 0;
  }

  /**
   * Offers a file. Each receiver accepts or declines it for itself, and gets a transfer of its own; receivers, too, need the
   * grant `canPublishData`, to acknowledge what arrives: see `canExchangeData` of a peer. Whoever is hidden, such as a viewer of
   * a broadcast, can do neither.
   * @throws {WeirError} `notJoined`, `forbidden` by our grants or those of a peer in `to`, `badRequest` for a file that is too
   *   large or cannot be read, `notFound` for a peer that is not there or if there is nobody to send it to, `unavailable` if the
   *   code cannot be loaded
   */
  async send(file: File, { to, handle }: SendFileOptions = {}): Promise<FileTransfer[]> {
    const transfers = await this.#load();
    markFilesUsed();
    const able = this.#room?.peers().filter(({ canExchangeData }) => canExchangeData !== false) ?? [];
    return transfers.send(file, to ?? able.map(({ peerId }) => peerId), handle);
  }

  /**
   * Accepts an offered file. It is kept on disk where the browser can, and is then a Blob of the completed transfer.
   * @param options.handle copies it there once it is complete, as `showSaveFilePicker` returns it; where the browser has no room to
   *   keep it until then, it is written there at once, and a reload of the page begins it again
   * @throws {WeirError} `notFound`, `conflict` if it is accepted or over, `badRequest` if there is no room for it
   */
  async accept(id: string, { handle }: { handle?: FileSystemFileHandle } = {}): Promise<void> {
    markFilesUsed();
    await (await this.#load()).accept(id, handle);
  }

  /** Declines an offered file. @throws {WeirError} `notFound` */
  async decline(id: string): Promise<void> {
    (await this.#load()).decline(id);
  }

  /** Pauses a transfer, at either end. @throws {WeirError} `notFound` */
  async pause(id: string): Promise<void> {
    (await this.#load()).setPaused(id, true);
  }

  /** Ends our pause. @throws {WeirError} `notFound` */
  async resume(id: string): Promise<void> {
    (await this.#load()).setPaused(id, false);
  }

  /** Ends a transfer, at either end; what has arrived is deleted. @throws {WeirError} `notFound` */
  async cancel(id: string): Promise<void> {
    (await this.#load()).cancel(id);
  }

  /** Removes a transfer that is over, and its Blob. @throws {WeirError} `notFound`, `conflict` while it goes on */
  async remove(id: string): Promise<void> {
    await (await this.#load()).remove(id);
  }

  /**
   * Gives a transfer that `needsFile`, after a reload of the page, the same file again.
   * @throws {WeirError} `notFound`, `badRequest` if it is another file
   */
  async provide(id: string, file: File): Promise<void> {
    await (await this.#load()).provide(id, file);
  }

  /**
   * Asks the user to permit reading the file of a transfer that `needsFile` again; call it in a click.
   * @returns false where the browser has no handle, the user refuses, or the file was moved or changed: use `provide` then
   */
  async reopen(id: string): Promise<boolean> {
    return (await this.#load()).reopen(id);
  }

  /** We are in a room. @param key server and room */
  open(key: string, room: FileRoom): void {
    this.#key = key;
    this.#room = room;
    if (wereFilesUsed()) void this.#restore();
  }

  /** The session has ended. A later one in the same room goes on with what is unfinished. */
  end(): void {
    const room = this.#room;
    this.#key = undefined;
    this.#room = undefined;
    if (room) this.#transfers?.detach(room);
  }

  /** A message of a peer. */
  onData(peerId: string, data: Uint8Array): void {
    if (this.#transfers) {
      this.#transfers.onData(peerId, data);
      return;
    }
    // A page that never had files has no transfer that anybody could seek; one that had is loading them already.
    if (!this.#loading && data[0] === SEEK_KIND) return;
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push({ peerId, data });
    this.#load().catch(() => {
      this.#waiting = [];
    });
  }

  onPeerJoined(peer: FilePeer): void {
    this.#transfers?.onPeerJoined(peer);
  }

  onPeerLeft(peerId: string): void {
    this.#transfers?.onPeerLeft(peerId);
  }

  /** Our grants have changed, and with them perhaps who can exchange files with us. */
  syncPeers(): void {
    this.#transfers?.syncPeers();
  }

  /** Finds what former pages have left, and deletes what is too old. */
  async #restore(): Promise<void> {
    try {
      await (await this.#load()).restored();
      removeOldFileUse();
    } catch {
      // The next join tries again.
    }
  }

  /** @throws {WeirError} `notJoined`, `unavailable` */
  async #load(): Promise<FileTransfers> {
    if (this.#transfers) return this.#transfers;
    this.#loading ??= this.#open();
    try {
      return await this.#loading;
    } catch (error) {
      this.#loading = undefined;
      throw error;
    }
  }

  async #open(): Promise<FileTransfers> {
    const loaded = await loadFiles().catch((cause: unknown) => {
      throw new WeirError('unavailable', 'File transfers could not be loaded. Try again.', { cause });
    });
    if (this.#key === undefined || !this.#room) throw new WeirError('notJoined', 'Join a room first.');
    const transfers = loaded.transfersOf(this.#key);
    this.#transfers = transfers;
    transfers.attach(this.#room);
    for (const { peerId, data } of this.#waiting.splice(0)) transfers.onData(peerId, data);
    return transfers;
  }
}
