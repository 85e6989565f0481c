/** The receiver's end of one transfer: requests, checks and stores the blocks of a file, and acknowledges them. */
import type { BlockStore } from './BlockStore.ts';
import { blockHash, FileDigest } from './FileDigest.ts';
import { BLOCK_BYTES, type Chunk, type ControlMessage } from './fileMessages.ts';
import { Transfer } from './Transfer.ts';

/** Bytes after which it acknowledges, besides at the end of each block. */
const ACK_BYTES = 32 * 1024;
/** Blocks that may wait to be checked and stored: beyond, nothing is acknowledged, and the sender stops. */
const MAX_BACKLOG = 3;
/** No sender that keeps to its window makes so many blocks wait; what comes beyond is requested again. */
const MAX_WAITING_BLOCKS = 8;
/** How often one block may arrive damaged. */
const MAX_DAMAGED = 4;

type Control<T extends ControlMessage['type']> = Extract<ControlMessage, { type: T }>;

/** A block that arrives, or waits to be checked and stored. */
interface ReceivedBlock {
  readonly index: number;
  readonly data: Uint8Array<ArrayBuffer>;
  /** The hash of all before it. */
  readonly before: FileDigest;
}

export class IncomingTransfer extends Transfer {
  readonly direction = 'receive';
  /** Its store is being read, or there. */
  #isAccepted = false;
  /** The user has not heard that it is offered, or has been told since that it is over. */
  #isNews = true;
  #store: BlockStore | undefined;
  #digest = new FileDigest();
  #round = 0;
  /** Everything before is here. */
  #position = 0;
  #acknowledged = 0;
  #block: ReceivedBlock | undefined;
  #backlog = 0;
  /** Checks and stores one block after the other. */
  #checking = Promise.resolve();
  #checked = 0;
  #damaged = 0;
  #stall = { at: 0, pause: 0 };
  #requestedAt = Number.NEGATIVE_INFINITY;
  #pausePostedAt = Number.NEGATIVE_INFINITY;
  #blob: Blob | undefined;
  #isCompleting = false;

  get transferred(): number {
    return this.#position;
  }

  protected get flowing() {
    return this.#isAccepted ? ('active' as const) : ('offered' as const);
  }

  protected override get blob(): Blob | undefined {
    return this.#blob;
  }

  protected override get handleFailed(): boolean {
    return this.#blob !== undefined && this.#store?.hasHandle === true;
  }

  get isAccepted(): boolean {
    return this.#isAccepted;
  }

  /** Accepts, or continues with what the store has from before. */
  async accept(store: BlockStore): Promise<void> {
    if (this.isEnded || this.#isAccepted) return store.discard();
    this.#isAccepted = true;
    const digest = new FileDigest();
    for (let index = 0; index < store.blocks; index += 1) digest.update(await store.read(index));
    if (this.isEnded) return store.discard();
    this.#digest = digest;
    this.#store = store;
    this.#position = this.#digest.bytes;
    this.#checked = store.blocks;
    this.context.onChanged();
    if (this.isPresent) this.#request();
  }

  /** Keeps who the sender is now, for a later page. */
  async keepPeer(): Promise<void> {
    await this.#store?.keepPeer?.(this.peer).catch(() => {});
  }

  /** Deletes what was stored: of an unfinished file, or of one that has been saved elsewhere. */
  async discard(): Promise<void> {
    this.#blob = undefined;
    await this.#checking;
    await this.#store?.discard().catch(() => {});
  }

  /** The sender repeats its offer: it does not know that we have accepted, or whether we are there. */
  onOffered(): void {
    if (this.isOver) this.#answerAfterEnd();
    else if (!this.#store) this.#postAck();
    else if (this.isPausedBySelf) this.postPause();
    else if (performance.now() - this.#requestedAt > this.context.delays.gap) this.#request();
  }

  /** @returns whether the user has to be told of the offer, which is so once */
  takeNews(): boolean {
    const isNews = this.#isNews && !this.isOver && !this.#isAccepted;
    if (isNews) this.#isNews = false;
    return isNews;
  }

  override onPauseMessage(paused: boolean): void {
    super.onPauseMessage(paused);
    // It is repeated, so that the sender learns how it has ended here, or that we are there.
    if (this.isOver) this.#answerAfterEnd();
    else if (this.#store) this.#postAck();
  }

  onMessage(message: Chunk | Control<'block' | 'complete'>): void {
    if (this.isOver) {
      if (message.type === 'complete') this.#answerAfterEnd();
      return;
    }
    if (!this.#store) return;
    this.setPausedByPeer(false);
    if (message.type === 'chunk') this.#onChunk(message);
    else if (message.type === 'block') this.#onBlock(message);
    else this.#onComplete(message.sha256);
  }

  protected onTick(now: number): void {
    if (!this.canFlow || !this.#store || this.#isCompleting || this.#backlog > MAX_BACKLOG || now < this.#stall.at)
      return;
    const pause = Math.min(this.context.delays.longest, 2 * this.#stall.pause);
    this.#request();
    this.#stall = { at: now + pause, pause };
  }

  protected onPeerPresent(): void {
    if (this.#store && !this.isPausedBySelf) this.#request();
  }

  protected override onResumed(): void {
    this.#stall = { at: performance.now() + this.context.delays.stall, pause: this.context.delays.stall };
    super.onResumed();
  }

  protected onEnded(): void {
    this.#isNews = true;
    // It may go on, with what has arrived.
    if (!this.isEnded) return;
    this.#block = undefined;
    if (this.state !== 'completed') void this.discard();
  }

  /** Requests everything from the last good block on; what is on its way belongs to another round, and is ignored. */
  #request(): void {
    const now = performance.now();
    if (this.#block) this.#restartAt(this.#block);
    this.#round = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
    this.#acknowledged = this.#position;
    this.#requestedAt = now;
    this.#stall = { at: now + this.context.delays.stall, pause: this.context.delays.stall };
    this.context.post(this.peer.peerId, {
      type: 'request',
      id: this.id,
      round: this.#round,
      position: this.#position,
    });
  }

  #restartAt({ index, before }: ReceivedBlock): void {
    this.#digest = before;
    this.#position = index * BLOCK_BYTES;
    this.#block = undefined;
  }

  #onChunk({ round, position, data }: Chunk): void {
    if (round !== this.#round) return;
    const now = performance.now();
    // Our pause was lost. What is on its way when it is sent repeats it as well, which does no harm.
    if (this.isPausedBySelf && now - this.#pausePostedAt > this.context.delays.gap) {
      this.#pausePostedAt = now;
      this.postPause();
    }
    this.#stall = { at: now + this.context.delays.stall, pause: this.context.delays.stall };
    const index = Math.floor(this.#position / BLOCK_BYTES);
    const isWithoutHash = this.#block !== undefined && this.#block.index !== index;
    if (position > this.#position || isWithoutHash) {
      const { gap } = this.context.delays;
      if (now - this.#requestedAt > gap) this.#request();
      else this.#stall.at = this.#requestedAt + gap;
      return;
    }
    this.#block ??= {
      index,
      data: new Uint8Array(Math.min(BLOCK_BYTES, Math.max(0, this.size - index * BLOCK_BYTES))),
      before: this.#digest.clone(),
    };
    const block = this.#block;
    const start = position - block.index * BLOCK_BYTES;
    // A repeated chunk, or more than was offered.
    if (position !== this.#position || start + data.length > block.data.length) return;
    block.data.set(data, start);
    this.#digest.update(data);
    this.#position += data.length;
    this.addProgress();
    // In a pause too: what was on its way is kept, so both ends show the same, and nothing is sent twice afterwards.
    if (this.#position - this.#acknowledged >= ACK_BYTES) this.#acknowledge();
  }

  #onBlock({ round, index, sha256 }: Control<'block'>): void {
    const block = this.#block;
    if (round !== this.#round || block?.index !== index) return;
    if (this.#position !== index * BLOCK_BYTES + block.data.length) return;
    if (this.#backlog >= MAX_WAITING_BLOCKS) return;
    this.#block = undefined;
    this.#backlog += 1;
    this.#checking = this.#checking.then(() => this.#check(block, sha256));
    this.#acknowledge();
  }

  async #check(block: ReceivedBlock, sha256: string): Promise<void> {
    try {
      // An earlier block was damaged, so that this one arrives again.
      if (this.isEnded || !this.#store || block.index !== this.#checked) return;
      if ((await blockHash(block.data)) !== sha256) {
        this.#onDamaged(block);
        return;
      }
      await this.#store.write(block.index, block.data);
      this.#checked += 1;
      this.#damaged = 0;
    } catch {
      this.fail('storage');
    } finally {
      this.#backlog -= 1;
      if (!this.isOver && this.#position > this.#acknowledged) this.#acknowledge();
    }
  }

  #onDamaged(block: ReceivedBlock): void {
    if (this.isEnded) return;
    this.#damaged += 1;
    if (this.#damaged >= MAX_DAMAGED) {
      this.fail('corrupted');
      return;
    }
    this.#restartAt(block);
    this.#request();
  }

  #acknowledge(): void {
    if (this.#backlog > MAX_BACKLOG) return;
    this.#acknowledged = this.#position;
    this.#postAck();
  }

  #postAck(): void {
    if (!this.isPresent) return;
    const round = this.#store ? this.#round : 0;
    this.context.post(this.peer.peerId, { type: 'ack', id: this.id, round, position: this.#acknowledged });
  }

  async #onComplete(sha256: string): Promise<void> {
    if (this.#isCompleting) {
      // A large file takes its time.
      this.#postAck();
      return;
    }
    if (this.#position !== this.size || this.#block) return;
    this.#isCompleting = true;
    try {
      await this.#checking;
      if (this.isEnded || this.#position !== this.size) return;
      if (this.#digest.hex() !== sha256) {
        this.fail('corrupted');
        return;
      }
      const blob = await this.#store?.finish();
      if (this.isEnded) return;
      this.#blob = blob;
      this.finish('completed');
      this.#answerAfterEnd();
    } catch {
      this.fail('storage');
    } finally {
      this.#isCompleting = false;
    }
  }

  /** The other end has missed how it ended. */
  #answerAfterEnd(): void {
    if (!this.isPresent) return;
    const { id } = this;
    if (this.state === 'completed') this.context.post(this.peer.peerId, { type: 'done', id });
    else this.context.post(this.peer.peerId, { type: 'end', id, reason: this.toldReason });
  }
}
