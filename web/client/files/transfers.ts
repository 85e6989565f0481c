/** What applications and the two kinds of transfers share: a transfer as others see it, and what it needs of the room. */
import type { WeirError } from '../../../shared/errors.ts';
import type { ControlMessage, EndReason } from './fileMessages.ts';

/**
 * - `offered`: the receiver has not decided
 * - `active`: bytes flow
 * - `paused`: by `pausedBy`
 * - `waiting`: the other end is not in the room; after a few seconds it is taken to have left
 * - `needsFile`: sent before this page was reloaded; choose the same file again with `provide`
 * - `completed`: the receiver has the whole file, and its hash matches
 * - `failed`: for `endReason`; where that is `left`, it goes on if the other end comes back before it is removed
 */
export type FileTransferState =
  | 'offered'
  | 'active'
  | 'paused'
  | 'waiting'
  | 'needsFile'
  | 'completed'
  | 'declined'
  | 'cancelled'
  | 'failed';

/** One file on its way from one peer to another, at one moment. */
export interface FileTransfer {
  readonly id: string;
  readonly direction: 'send' | 'receive';
  /** The other end; its `peerId` is another one after it has rejoined. */
  readonly peer: FilePeer;
  /** Safe to show and to save. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly state: FileTransferState;
  /** Bytes that the receiver has. */
  readonly transferred: number;
  /** Bytes per second, over the last seconds. */
  readonly rate: number;
  /** Undefined while nobody can tell. */
  readonly secondsLeft: number | undefined;
  readonly pausedBy: 'self' | 'peer' | undefined;
  /** Whether the receiver has accepted it; no longer where its page was reloaded, and could not keep what had arrived. */
  readonly isAccepted: boolean;
  /** Why it failed, or was declined or cancelled by the other end; its `message` is a text for users. */
  readonly error: WeirError | undefined;
  /** The same, for programs. */
  readonly endReason: TransferEndReason | undefined;
  /** The file could not be written to the handle that was given to `accept`: save `blob` elsewhere. */
  readonly handleFailed: boolean;
  /**
   * Of a completed transfer to us, unless it was saved to a handle. On disk where the browser can; its type is always
   * `application/octet-stream`, so that no browser runs it as a page of this origin.
   */
  readonly blob: Blob | undefined;
}

/** The other end of a transfer. */
export interface FilePeer {
  readonly peerId: string;
  readonly identity: string;
  readonly name: string;
}

/** Events of transfers. */
export interface FileEvents {
  /** A peer offers a file: accept or decline it. */
  fileOffered: FileTransfer;
  /** More of a file has arrived, or its rate has changed; a few times a second. */
  fileProgress: FileTransfer;
  /** The `state` of a transfer has changed, or a transfer is new. */
  fileStateChanged: FileTransfer;
  /** The receiver has the whole file; also emitted by the sender. */
  fileCompleted: FileTransfer;
  /** A transfer has failed, or was declined or cancelled; one whose other end has `left` may go on. */
  fileFailed: FileTransfer;
}

/** A peer that is in the room now. */
export interface RoomPeer extends FilePeer {
  /** Its connection is lost, and the server waits for it. */
  readonly away?: boolean;
  /** As in `RemotePeer`: with false it can take no file. */
  readonly canExchangeData?: boolean;
}

/** What transfers need of a room. */
export interface FileRoom {
  /** Our own id in it. */
  readonly peerId: string;
  /** Resolves when there is room for more. @throws {WeirError} */
  send(peerId: string, data: Uint8Array): Promise<void>;
  /** Who is there for us: nobody while we are hidden. */
  peers(): readonly RoomPeer[];
  /** Whether our own connection is lost, and the server waits for us. */
  isReconnecting(): boolean;
  /** Whether we may send data at all. */
  maySend(): boolean;
  /** Maximum size of a file in bytes; 0 where files are off. */
  readonly maxBytes: number;
  /** Whether media is sent or received, which has priority. */
  hasMedia(): boolean;
  notify<E extends keyof FileEvents>(event: E, data: FileEvents[E]): void;
}

/** Milliseconds; tests shorten them. */
export interface TransferDelays {
  /** How often is looked whether something has to be repeated. */
  readonly tick: number;
  /** The first pause between offers, or ends of files, that nobody has answered; it doubles up to `longest`. */
  readonly repeat: number;
  /** Without a chunk for so long, the receiver requests the rest again; it doubles up to `longest` while that does not help. */
  readonly stall: number;
  /** A gap between chunks means that some are lost: the rest is requested at once, but not more often than this. */
  readonly gap: number;
  readonly longest: number;
  /** For how long the other end may be gone from the room before it has left: a reload takes less. */
  readonly absence: number;
  /** For how long the other end may be there without a message, several times as long as the pauses between its messages. */
  readonly silence: number;
}

export const transferDelays: TransferDelays = {
  tick: 1000,
  repeat: 2000,
  stall: 4000,
  gap: 500,
  longest: 30_000,
  absence: 15_000,
  silence: 120_000,
};

/** What a transfer needs of those who keep it. */
export interface TransferContext {
  readonly delays: TransferDelays;
  /** Sends a control message, and forgets it: whatever is lost is repeated. */
  post(peerId: string, message: ControlMessage): void;
  /** The state has changed. */
  onChanged(): void;
  /** More bytes have arrived. */
  onProgress(): void;
  /** It may have become possible to send. */
  onReady(): void;
  /** Whether media is sent or received, which has priority. */
  hasMedia(): boolean;
}

/** Why a transfer has ended: what one end has told the other, or what only one end has noticed. */
export type TransferEndReason = EndReason | 'left' | 'unanswered';

/** Texts for users, by reason. */
export const endTexts: Record<TransferEndReason, string> = {
  cancelled: 'The other side has cancelled the transfer.',
  declined: 'The other side has declined the file.',
  tooLarge: 'The file is larger than this server allows. Send a smaller one.',
  corrupted: 'The file arrived damaged: its hash does not match. Send it again.',
  storage: 'There is no room to store the file. Free some space, then send it again.',
  unreadable: 'The file cannot be read any more: it was changed, moved or deleted. Send it again.',
  forbidden: 'Sending files is not permitted here.',
  unsupported: 'The file cannot be sent here: the server or the browser of the sender does not support it.',
  unknown: 'The other side does not have this transfer any more. Send the file again.',
  left: 'The other side has left. The transfer goes on if it comes back.',
  unanswered: 'The other side does not answer any more. Send the file again.',
};
