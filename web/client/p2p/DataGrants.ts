/** Lets those data messages through whose sender may send them: where no server forwards data, each receiver has to look. */
import type { DirectPeers } from '../../../shared/protocol.ts';
import type { ReceivedData } from '../MediaLink.ts';

/**
 * What comes directly may arrive before the server's notification of a new grant: the first messages without it are kept for
 * so many milliseconds, and up to so many messages and bytes of a peer.
 */
const HOLD = { time: 2000, messages: 64, bytes: 262_144 };

interface Sender {
  canPublishData: boolean;
  /** Messages without the grant, oldest first. */
  held: { readonly data: ReceivedData; readonly at: number }[];
}

export class DataGrants {
  readonly #onData: (data: ReceivedData) => void;
  readonly #senders = new Map<string, Sender>();

  /** @param onData is called with each message that may have been sent */
  constructor(onData: (data: ReceivedData) => void) {
    this.#onData = onData;
  }

  /** Applies the grants of these peers; those of peers that are not named stay as they are. */
  setPeers(peers: DirectPeers['peers']): void {
    for (const { peerId, canPublishData } of peers) {
      const held = this.#senders.get(peerId)?.held ?? [];
      this.#senders.set(peerId, { canPublishData, held: canPublishData ? [] : held });
      if (!canPublishData) continue;
      const now = performance.now();
      for (const { data, at } of held) if (now - at <= HOLD.time) this.#onData(data);
    }
  }

  has(peerId: string): boolean {
    return this.#senders.get(peerId)?.canPublishData === true;
  }

  receive(data: ReceivedData): void {
    const sender = this.#senders.get(data.peerId ?? '');
    if (!sender) return;
    if (sender.canPublishData) this.#onData(data);
    else if (data.channel !== 'lossy') this.#hold(sender, data);
  }

  /** A peer has left. */
  removePeer(peerId: string): void {
    this.#senders.delete(peerId);
  }

  #hold(sender: Sender, data: ReceivedData): void {
    const now = performance.now();
    sender.held = sender.held.filter(({ at }) => now - at <= HOLD.time);
    const bytes = sender.held.reduce((sum, one) => sum + one.data.data.length, 0);
    const isFull = sender.held.length >= HOLD.messages || bytes + data.data.length > HOLD.bytes;
    if (!isFull) sender.held.push({ data, at: now });
  }
}
