/** Two ends of file transfers in this process, and between them a link in memory that loses, repeats, reorders and damages. */
import { until } from '../../../scripts/support/until.ts';
import { WeirError } from '../../../shared/errors.ts';
import { FileTransfers } from '../../../web/client/files/FileTransfers.ts';
import { decodeMessage, encodeMessage, type FileMessage } from '../../../web/client/files/fileMessages.ts';
import type {
  FileEvents,
  FilePeer,
  FileRoom,
  FileTransfer,
  FileTransferState,
  RoomPeer,
} from '../../../web/client/files/transfers.ts';

/** Of what tests wait for, in milliseconds. */
const TIMEOUT = 8000;
/** A tenth and less of the usual ones, so that what is repeated is so within a test. */
const DELAYS = { tick: 20, repeat: 100, stall: 200, gap: 50, longest: 500, absence: 60_000, silence: 60_000 };

/** Nothing is repeated because this process was busy for a moment: for tests that count messages. */
export const PATIENT = { ...DELAYS, repeat: 10_000, stall: 10_000, longest: 10_000 };

/** Whoever is gone has left soon. */
export const SHORT_ABSENCE = { ...DELAYS, absence: 150 };

/** Whoever does not answer is given up soon, but not before a few messages were due. */
export const SHORT_SILENCE = { ...DELAYS, longest: 200, silence: 1000 };

/** What becomes of a message: these arrive in its place. */
export type Fault = (message: FileMessage, from: 'a' | 'b') => readonly FileMessage[];

export interface FileEnd {
  readonly transfers: FileTransfers;
  /** Every event so far. */
  readonly events: { event: keyof FileEvents; transfer: FileTransfer }[];
}

export class FilePair {
  readonly a: FileEnd;
  readonly b: FileEnd;
  /** Every message that was sent. */
  readonly sent: { from: 'a' | 'b'; message: FileMessage }[] = [];
  /** Messages that are on their way. */
  pending = 0;
  /** Bytes of chunks that are on their way, and the most that ever were. */
  inFlight = 0;
  mostInFlight = 0;
  fault: Fault = (message) => [message];
  /** Milliseconds for each message. */
  delay = 0;
  /** Whether there is room for the next message only when the last one has arrived. */
  isNarrow = false;
  maxBytes = 1024 ** 3;
  /** Who has the grant to send. */
  readonly maySend = { a: true, b: true };
  /** Whose connection is lost, and whom the server waits for. Nothing that they send arrives. */
  readonly away = { a: false, b: false };
  /** With what chunks are refused, if they are. */
  refusal: WeirError | undefined;
  /** Who else is in the room. */
  others: readonly RoomPeer[] = [];
  readonly peers = {
    a: { peerId: 'peer-a', identity: 'alice', name: 'Alice' },
    b: { peerId: 'peer-b', identity: 'bert', name: 'Bert' },
  };
  readonly #rooms: { a?: FileRoom; b?: FileRoom } = {};
  /** Which end is hidden, as a viewer of a broadcast is. */
  #hidden: 'a' | 'b' | undefined;
  #queue = { a: Promise.resolve(), b: Promise.resolve() };

  constructor(delays = DELAYS) {
    this.a = { transfers: new FileTransfers('room', delays), events: [] };
    this.b = { transfers: new FileTransfers('room', delays), events: [] };
    this.attach('a');
    this.attach('b');
  }

  /** Joins, or rejoins under another peer id. @param transfers of a page that was reloaded */
  attach(side: 'a' | 'b', transfers: FileTransfers = this[side].transfers): void {
    const other = side === 'a' ? 'b' : 'a';
    const room: FileRoom = {
      peerId: this.peers[side].peerId,
      send: (peerId, data) => this.#send(side, peerId, data),
      peers: () =>
        this.#hidden === side
          ? []
          : [{ ...this.peers[other], ...(this.away[other] && { away: true }) }, ...this.others],
      isReconnecting: () => this.away[side],
      maySend: () => this.maySend[side] && this.#hidden !== side,
      maxBytes: this.maxBytes,
      hasMedia: () => false,
      notify: (event, transfer) => this[side].events.push({ event, transfer }),
    };
    this.#rooms[side] = room;
    transfers.attach(room);
  }

  /** The session of one end is over. What was on its way is lost. */
  leave(side: 'a' | 'b'): void {
    const other = side === 'a' ? 'b' : 'a';
    this.#detach(side);
    this[other].transfers.onPeerLeft(this.peers[side].peerId);
  }

  /** One end that has left joins again under a new peer id. */
  comeBack(side: 'a' | 'b'): void {
    const other = side === 'a' ? 'b' : 'a';
    const before = this.peers[side];
    const peer: FilePeer = { ...before, peerId: `${before.peerId}-again` };
    this.peers[side] = peer;
    this.attach(side);
    this[other].transfers.onPeerJoined(peer);
  }

  /** One end becomes hidden: the others see it leave, and it sees them all the same. */
  hide(side: 'a' | 'b'): void {
    this.#hidden = side;
    this[side].transfers.syncPeers();
    this[side === 'a' ? 'b' : 'a'].transfers.onPeerLeft(this.peers[side].peerId);
  }

  /** It is hidden no more. */
  unhide(side: 'a' | 'b'): void {
    this.#hidden = undefined;
    this[side === 'a' ? 'b' : 'a'].transfers.onPeerJoined(this.peers[side]);
    this[side].transfers.syncPeers();
  }

  /** The session of one end is over, and it joins again under a new peer id. What was on its way is lost. */
  rejoin(side: 'a' | 'b'): void {
    this.leave(side);
    this.comeBack(side);
  }

  /** Both ends leave at once and come back as somebody else, as pages that join without a token are after a reload. */
  comeBackAsOthers(): void {
    this.leave('a');
    this.leave('b');
    this.peers.a = { peerId: 'peer-c', identity: 'guest-c', name: 'Alice' };
    this.peers.b = { peerId: 'peer-d', identity: 'guest-d', name: 'Bert' };
    this.attach('a');
    this.attach('b');
  }

  /** The transfer that one end has, if it is the only one. */
  transfer(side: 'a' | 'b'): FileTransfer {
    const [transfer, ...others] = this[side].transfers.transfers;
    if (!transfer || others.length > 0) throw new Error(`${side} has not one transfer.`);
    return transfer;
  }

  /** Waits until a transfer of one end, its only one, has a state. */
  async reaches(side: 'a' | 'b', state: FileTransferState): Promise<void> {
    await until(`${state} at ${side}`, TIMEOUT, () => this.transfer(side).state === state);
  }

  /** Offers a file of A to B, and waits until B has the offer. @returns its id */
  async offer(file: File): Promise<string> {
    const [{ id } = { id: '' }] = await this.a.transfers.send(file, ['peer-b']);
    await until('the offer', TIMEOUT, () => this.b.transfers.transfers.some((one) => one.id === id));
    return id;
  }

  /** Waits until both ends have completed a transfer. @returns the bytes that B has received */
  async received(): Promise<Uint8Array> {
    await Promise.all([this.reaches('a', 'completed'), this.reaches('b', 'completed')]);
    return new Uint8Array((await this.transfer('b').blob?.arrayBuffer()) ?? []);
  }

  /** How many bytes of chunks were sent. */
  get sentBytes(): number {
    return this.sent.reduce((sum, { message }) => sum + (message.type === 'chunk' ? message.data.length : 0), 0);
  }

  close(): void {
    for (const side of ['a', 'b'] as const) this.#detach(side);
  }

  #detach(side: 'a' | 'b'): void {
    const room = this.#rooms[side];
    if (room) this[side].transfers.detach(room);
    delete this.#rooms[side];
  }

  async #send(from: 'a' | 'b', to: string, data: Uint8Array): Promise<void> {
    const other = from === 'a' ? 'b' : 'a';
    const message = decodeMessage(data);
    if (!this.maySend[from]) throw new WeirError('forbidden');
    if (this.refusal && message.type === 'chunk') throw this.refusal;
    this.sent.push({ from, message });
    const size = message.type === 'chunk' ? message.data.length : 0;
    this.pending += 1;
    this.inFlight += size;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    const sender = this.peers[from].peerId;
    const arriving = this.fault(message, from).map((one) => encodeMessage(one));
    const { delay } = this;
    this.#queue[from] = this.#queue[from].then(async () => {
      await new Promise((resolve) => (delay > 0 ? setTimeout(resolve, delay) : setImmediate(resolve)));
      this.pending -= 1;
      this.inFlight -= size;
      if (this.peers[other].peerId !== to || this.peers[from].peerId !== sender) return;
      if (this.away.a || this.away.b || !this.#rooms.a || !this.#rooms.b) return;
      // The server does not name whoever is hidden.
      if (this.#hidden === from) return;
      for (const one of arriving) this[other].transfers.onData(sender, one);
    });
    if (this.isNarrow) await this.#queue[from];
  }
}

/** A file of random bytes. */
export function randomFile(size: number, name = 'photo.jpg'): File {
  const data = new Uint8Array(size);
  for (let start = 0; start < size; start += 65_536) crypto.getRandomValues(data.subarray(start, start + 65_536));
  return new File([data], name, { type: 'image/jpeg', lastModified: 1_700_000_000_000 });
}
