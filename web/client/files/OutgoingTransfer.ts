/** The sender's end of one transfer: offers a file, sends what the receiver requests, within a window. */
import { BLOCK_BYTES, CHUNK_BYTES, type Chunk, type ControlMessage } from './fileMessages.ts';
import { SendWindow } from './SendWindow.ts';
import type { SentBlock, SentFile } from './SentFile.ts';
import { Transfer } from './Transfer.ts';
import type { FilePeer, TransferContext } from './transfers.ts';

type Control<T extends ControlMessage['type']> = Extract<ControlMessage, { type: T }>;

/** The offer of a file. */
export type OfferedFile = Omit<Control<'offer'>, 'type'>;

export class OutgoingTransfer extends Transfer {
  readonly direction = 'send';
  readonly #offer: Control<'offer'>;
  readonly #window: SendWindow;
  #file: SentFile | undefined;
  #isAccepted = false;
  #round = 0;
  /** Of the next byte to send. */
  #position = 0;
  #acknowledged = 0;
  /** When what ends at a position was sent, oldest first. */
  #sent: { end: number; at: number }[] = [];
  #blocks = new Map<number, SentBlock>();
  #reading = false;
  /** A block whose chunks are sent, but not its hash. */
  #unconfirmed: SentBlock | undefined;
  #sha256: string | undefined;
  #completedAt: number | undefined;
  #repeat = { at: 0, pause: 0 };

  /** @param file undefined if it has to be chosen again */
  constructor(offer: OfferedFile, file: SentFile | undefined, peer: FilePeer, context: TransferContext) {
    super(offer, peer, context);
    this.#offer = { type: 'offer', ...offer };
    this.#file = file;
    this.#window = new SendWindow(context.hasMedia);
    if (this.isPresent) this.onPeerPresent();
  }

  get transferred(): number {
    return this.#acknowledged;
  }

  protected get flowing() {
    if (!this.#file) return 'needsFile';
    // Only who has accepted can have paused it.
    return this.#isAccepted || this.isPausedByPeer ? 'active' : 'offered';
  }

  get isAccepted(): boolean {
    return this.#isAccepted;
  }

  /** Without its file it has nothing to ask. */
  protected override get expectsAnswer(): boolean {
    return this.#file !== undefined;
  }

  /** Whether there is a message to send now. */
  get isReady(): boolean {
    if (!this.canFlow || !this.#isAccepted) return false;
    if (this.#unconfirmed) return true;
    if (this.#position >= this.size) return false;
    const isLoaded = this.#blocks.has(Math.floor(this.#position / BLOCK_BYTES));
    return isLoaded && this.#position - this.#acknowledged < this.#window.size;
  }

  /** The file, chosen again after a reload of the page. */
  provide(file: SentFile): void {
    if (this.#file || this.isEnded) return;
    this.#file = file;
    this.resetSilence();
    this.context.onChanged();
    if (!this.isPresent) return;
    this.#offerAgain();
    this.postPause();
  }

  /** The next message of the file; undefined if it is not ready. */
  take(): Chunk | Control<'block'> | undefined {
    if (!this.isReady) return undefined;
    const { id } = this;
    const round = this.#round;
    const finished = this.#unconfirmed;
    if (finished) {
      this.#unconfirmed = undefined;
      this.#blocks.delete(finished.index);
      this.#read();
      if (this.#position >= this.size) void this.#complete();
      return { type: 'block', id, round, index: finished.index, sha256: finished.sha256 };
    }
    const position = this.#position;
    const index = Math.floor(position / BLOCK_BYTES);
    const block = this.#blocks.get(index);
    if (!block) return undefined;
    const start = position - index * BLOCK_BYTES;
    const data = block.data.subarray(start, start + CHUNK_BYTES);
    this.#file?.hashPiece(position, data);
    this.#position += data.length;
    this.#sent.push({ end: this.#position, at: performance.now() });
    if (start + data.length === block.data.length) this.#unconfirmed = block;
    return { type: 'chunk', id, round, position, data };
  }

  /** A message that `take` returned could not be sent. */
  giveBack(message: Chunk | Control<'block'>): void {
    if (this.isOver || message.round !== this.#round) return;
    const index = message.type === 'block' ? message.index : Math.floor(message.position / BLOCK_BYTES);
    this.#rewind(index * BLOCK_BYTES);
  }

  onMessage(message: Control<'request' | 'ack' | 'done'>): void {
    if (this.isOver) return;
    if (message.type === 'done') {
      // Perhaps to a former page.
      this.#acknowledged = this.size;
      this.finish('completed');
    } else if (message.type === 'request') this.#onRequest(message);
    else this.#onAck(message);
  }

  protected onTick(now: number): void {
    if (now < this.#repeat.at) return;
    this.#repeat = {
      at: now + this.#repeat.pause,
      pause: Math.min(this.context.delays.longest, 2 * this.#repeat.pause),
    };
    if (!this.#file) this.postPause();
    else if (!this.#isAccepted) this.context.post(this.peer.peerId, this.#offer);
    else if (this.#completedAt !== undefined && this.#sha256 !== undefined) this.#postComplete(this.#sha256);
    else if (now - this.silentSince > this.context.delays.longest) this.#probe();
  }

  /** The end of the receiver may be lost, or ours: whoever has ended it says so, and whoever has not answers. */
  #probe(): void {
    if (this.isPausedBySelf) this.postPause();
    else this.context.post(this.peer.peerId, this.#offer);
  }

  protected onPeerPresent(): void {
    // A receiver that has some of it already requests the rest.
    this.#isAccepted = false;
    this.#offerAgain();
  }

  protected onEnded(): void {
    this.#blocks.clear();
    this.#sent = [];
    this.#unconfirmed = undefined;
  }

  protected override onResumed(): void {
    this.#sent = [];
    super.onResumed();
  }

  #offerAgain(): void {
    this.#repeat = { at: 0, pause: this.context.delays.repeat };
    this.onTick(performance.now());
  }

  #onRequest({ round, position }: Control<'request'>): void {
    if (!this.#file) {
      this.postPause();
      return;
    }
    const isBlockStart = position % BLOCK_BYTES === 0 || position === this.size;
    if (position > this.size || !isBlockStart) return;
    this.#round = round;
    this.#isAccepted = true;
    this.#window.reset();
    this.#acknowledged = position;
    this.#completedAt = undefined;
    this.#rewind(position);
    this.setPausedByPeer(false);
    // It hears from us at once, however long the hash of the whole takes.
    if (this.isPausedBySelf || position === this.size) this.postPause();
    this.context.onChanged();
    this.addProgress();
    if (position === this.size) void this.#complete();
  }

  #onAck({ round, position }: Control<'ack'>): void {
    if (!this.#isAccepted) {
      // It has seen the offer, and takes its time.
      if (round === 0)
        this.#repeat = { at: performance.now() + this.context.delays.longest, pause: this.context.delays.longest };
      return;
    }
    if (round !== this.#round || position <= this.#acknowledged || position > this.#position) return;
    const now = performance.now();
    let sentAt: number | undefined;
    while (this.#sent[0] && this.#sent[0].end <= position) {
      const first = this.#sent.shift();
      if (first?.end === position) sentAt = first.at;
    }
    if (sentAt !== undefined) this.#window.acknowledge(position - this.#acknowledged, now - sentAt, now);
    this.#acknowledged = position;
    this.addProgress();
    this.context.onReady();
  }

  #rewind(position: number): void {
    this.#position = position;
    this.#acknowledged = Math.min(this.#acknowledged, position);
    this.#sent = [];
    this.#unconfirmed = undefined;
    const needed = Math.floor(position / BLOCK_BYTES);
    for (const index of this.#blocks.keys()) if (index < needed || index > needed + 1) this.#blocks.delete(index);
    this.#read();
    this.context.onReady();
  }

  /** Reads the block that is sent, and the next one. */
  async #read(): Promise<void> {
    if (this.#reading || !this.#file) return;
    this.#reading = true;
    try {
      for (let index = this.#nextUnread(); index !== undefined; index = this.#nextUnread()) {
        const block = await this.#file.readBlock(index);
        if (this.isOver) return;
        this.#blocks.set(index, block);
        this.context.onReady();
      }
    } catch {
      this.fail('unreadable');
    } finally {
      this.#reading = false;
    }
  }

  #nextUnread(): number | undefined {
    const current = Math.floor(this.#position / BLOCK_BYTES);
    const wanted = [current, current + 1].filter((index) => index < (this.#file?.blocks ?? 0));
    return wanted.find((index) => !this.#blocks.has(index) && this.#unconfirmed?.index !== index);
  }

  async #complete(): Promise<void> {
    const round = this.#round;
    try {
      const sha256 = await this.#file?.sha256();
      if (sha256 === undefined || this.isOver || round !== this.#round || this.#position < this.size) return;
      this.#sha256 = sha256;
      this.#completedAt = performance.now();
      this.#repeat = { at: this.#completedAt + this.context.delays.repeat, pause: this.context.delays.repeat };
      this.#postComplete(sha256);
    } catch {
      this.fail('unreadable');
    }
  }

  #postComplete(sha256: string): void {
    if (this.isPresent) this.context.post(this.peer.peerId, { type: 'complete', id: this.id, sha256 });
  }
}
