/**
 * Finds the other end of a transfer after one page or both were reloaded: where pages join without tokens, each is a new guest, whom
 * the other one does not know. Whoever looks for the other end asks every peer by a hash that only that understands.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { hex, MAX_SEEK_HASHES, type Seek } from './fileMessages.ts';
import { IncomingTransfer } from './IncomingTransfer.ts';
import type { ReceivedTransfers } from './ReceivedTransfers.ts';
import type { RoomTransfers } from './RoomTransfers.ts';
import type { AnyTransfer } from './TransferEvents.ts';
import type { FilePeer } from './transfers.ts';

/** How often a peer is asked, as it may not have found its transfers yet when it is first asked. */
const MAX_ASKED = 3;
/** Peers that are asked in one session. */
const MAX_PEERS = 100;
/** Questions of one peer that are looked at, answers to ours included: each costs a hash per transfer. */
const MAX_ACCEPTED = 20;

export class PeerSearch {
  readonly #transfers: RoomTransfers;
  readonly #received: Pick<ReceivedTransfers, 'lostOffers'>;
  /** By peer id: how often it was asked, and when it may be asked again. */
  readonly #asked = new Map<string, { count: number; nextAt: number }>();
  readonly #accepted = new Map<string, number>();

  constructor(transfers: RoomTransfers, received: Pick<ReceivedTransfers, 'lostOffers'>) {
    this.#transfers = transfers;
    this.#received = received;
  }

  /** Asks these peers for the other ends of what waits, and for the senders of offers that a former page had. */
  ask(peers: readonly FilePeer[], now = performance.now()): void {
    const sought = [...this.#transfers.all.filter(isSought).map(({ id }) => id), ...this.#received.lostOffers];
    if (sought.length === 0) return;
    for (const { peerId } of peers) {
      const { count } = this.#asked.get(peerId) ?? { count: 0 };
      if (count >= MAX_ASKED || (count === 0 && this.#asked.size >= MAX_PEERS)) continue;
      this.#asked.set(peerId, { count: count + 1, nextAt: now + this.#transfers.delays.repeat * 2 ** count });
      this.#post(peerId, sought);
    }
  }

  /** Asks again who was asked, while something waits. @param now as `performance.now()` */
  tick(now: number): void {
    const peers = this.#transfers.room?.peers() ?? [];
    this.ask(
      peers.filter(({ peerId }) => now >= (this.#asked.get(peerId)?.nextAt ?? Number.POSITIVE_INFINITY)),
      now,
    );
  }

  /**
   * A peer asks. @returns the transfers whose other end it is, and was not known to be; each is answered with a question, as the
   * peer may wait for us as well, and knows us by that
   */
  onSeek({ peerId }: FilePeer, { hashes }: Seek): AnyTransfer[] {
    const accepted = this.#accepted.get(peerId) ?? 0;
    if (accepted >= MAX_ACCEPTED) return [];
    this.#accepted.set(peerId, accepted + 1);
    const wanted = new Set(hashes);
    const found = this.#transfers.all
      .filter((one) => !one.isPresent || one.peer.peerId !== peerId)
      .filter(({ id }) => wanted.has(seekHash(id, peerId)));
    this.#post(
      peerId,
      found.map(({ id }) => id),
    );
    return found;
  }

  onPeerLeft(peerId: string): void {
    this.#accepted.delete(peerId);
  }

  /** The session has ended: everybody may be asked anew in the next one. */
  clear(): void {
    this.#asked.clear();
    this.#accepted.clear();
  }

  #post(peerId: string, ids: readonly string[]): void {
    const self = this.#transfers.room?.peerId;
    if (self === undefined) return;
    const hashes = ids.map((id) => seekHash(id, self));
    for (let start = 0; start < hashes.length; start += MAX_SEEK_HASHES) {
      this.#transfers.post(peerId, { type: 'seek', hashes: hashes.slice(start, start + MAX_SEEK_HASHES) });
    }
  }
}

/** Whether we look for the other end. Whoever has only been offered a file is looked for by its sender. */
function isSought(transfer: AnyTransfer): boolean {
  if (transfer.isEnded || transfer.isPresent) return false;
  return !(transfer instanceof IncomingTransfer) || transfer.isAccepted;
}

/** @param peerId of whoever asks */
export function seekHash(transferId: string, peerId: string): string {
  return hex(sha256(new TextEncoder().encode(`${transferId} ${peerId}`)));
}
