/** What both directions of a transfer have in common: who the other end is, pauses, the end, and the rate. */
import { WeirError } from '../../../shared/errors.ts';
import type { EndReason } from './fileMessages.ts';
import { TransferRate } from './TransferRate.ts';
import {
  endTexts,
  type FilePeer,
  type FileTransfer,
  type FileTransferState,
  type TransferContext,
} from './transfers.ts';

type FinalState = 'completed' | 'declined' | 'cancelled' | 'failed';

export abstract class Transfer {
  abstract readonly direction: 'send' | 'receive';
  readonly id: string;
  readonly name: string;
  readonly size: number;
  protected readonly context: TransferContext;
  #peer: FilePeer;
  #isPresent: boolean;
  #pausedBySelf = false;
  #pausedByPeer = false;
  #final: FinalState | undefined;
  #error: WeirError | undefined;
  #endReason: EndReason | undefined;
  readonly #rate = new TransferRate();

  constructor(
    about: { readonly id: string; readonly name: string; readonly size: number },
    peer: FilePeer,
    context: TransferContext,
  ) {
    this.id = about.id;
    this.name = about.name;
    this.size = about.size;
    this.#peer = peer;
    this.#isPresent = peer.peerId !== '';
    this.context = context;
  }

  /** Bytes that the receiver has. */
  abstract get transferred(): number;
  /** The state while both ends are there and nobody has paused. */
  protected abstract get flowing(): 'offered' | 'active' | 'needsFile';
  protected get blob(): Blob | undefined {
    return undefined;
  }
  /** The other end is there: after a join, or when it has come back. */
  protected abstract onPeerPresent(): void;
  /** Time passes. @param now as `performance.now()` */
  abstract tick(now: number): void;
  /** It has ended, in whichever way. */
  protected abstract onEnded(): void;

  get peer(): FilePeer {
    return this.#peer;
  }

  get isOver(): boolean {
    return this.#final !== undefined;
  }

  get isPaused(): boolean {
    return this.#pausedBySelf || this.#pausedByPeer;
  }

  get isPausedBySelf(): boolean {
    return this.#pausedBySelf;
  }

  /** Whether bytes may flow as far as pauses and presence are concerned. */
  get canFlow(): boolean {
    return !this.isOver && this.#isPresent && !this.isPaused;
  }

  get isPresent(): boolean {
    return this.#isPresent;
  }

  get state(): FileTransferState {
    if (this.#final) return this.#final;
    if (this.flowing === 'needsFile') return 'needsFile';
    if (!this.#isPresent) return 'waiting';
    return this.flowing === 'active' && this.isPaused ? 'paused' : this.flowing;
  }

  snapshot(): FileTransfer {
    const now = performance.now();
    const { state, transferred, size } = this;
    const rate = state === 'active' ? this.#rate.at(transferred, now) : 0;
    return {
      id: this.id,
      direction: this.direction,
      peer: this.#peer,
      name: this.name,
      size,
      state,
      transferred,
      rate,
      secondsLeft: rate > 0 ? (size - transferred) / rate : undefined,
      pausedBy: this.#pausedBySelf ? 'self' : this.#pausedByPeer ? 'peer' : undefined,
      error: this.#error,
      endReason: this.#endReason,
      blob: this.blob,
    };
  }

  /** The other end is there, perhaps under another id. */
  connect(peer: FilePeer): void {
    // One that is over still has to tell the other end how it ended.
    this.#peer = peer;
    this.#isPresent = true;
    if (this.isOver) return;
    this.#rate.reset();
    this.context.onChanged();
    this.onPeerPresent();
  }

  /** The other end, or we, have left the room. */
  disconnect(): void {
    if (!this.#isPresent) return;
    this.#isPresent = false;
    if (!this.isOver) this.context.onChanged();
  }

  setPaused(paused: boolean): void {
    if (this.isOver || this.#pausedBySelf === paused) return;
    this.#pausedBySelf = paused;
    this.#rate.reset();
    this.postPause();
    this.context.onChanged();
    if (!paused) this.onResumed();
  }

  onPauseMessage(paused: boolean): void {
    if (this.isOver || this.#pausedByPeer === paused) return;
    this.#pausedByPeer = paused;
    this.#rate.reset();
    this.context.onChanged();
    if (!paused) this.onResumed();
  }

  /** The other end has ended it. */
  onEndMessage(reason: EndReason): void {
    const final = reason === 'cancelled' || reason === 'declined' ? reason : 'failed';
    if (!this.isOver) this.#endReason = reason;
    this.finish(final, new WeirError(codeOf(reason) ?? 'closed', endTexts[reason]));
  }

  /** Ends it and tells the other end. @param error what to say here; nothing where the user has ended it */
  end(reason: EndReason, error?: WeirError): void {
    if (this.isOver) return;
    if (error) this.#endReason = reason;
    if (this.#isPresent) this.context.post(this.#peer.peerId, { type: 'end', id: this.id, reason });
    this.finish(reason === 'cancelled' || reason === 'declined' ? reason : 'failed', error);
  }

  /** It cannot go on. @param text for users instead of the usual one */
  fail(reason: EndReason, text = endTexts[reason]): void {
    this.end(reason, new WeirError(codeOf(reason) ?? 'internal', text));
  }

  protected finish(state: FinalState, error?: WeirError): void {
    if (this.isOver) return;
    this.#final = state;
    this.#error = error;
    this.onEnded();
    this.context.onChanged();
  }

  protected addProgress(): void {
    this.#rate.add(this.transferred, performance.now());
    this.context.onProgress();
  }

  protected onResumed(): void {
    this.context.onReady();
  }

  protected postPause(): void {
    if (!this.#isPresent || this.flowing === 'offered') return;
    const paused = this.#pausedBySelf || this.flowing === 'needsFile';
    this.context.post(this.#peer.peerId, { type: 'pause', id: this.id, paused });
  }
}

/** The error code of the same name, if there is one. */
function codeOf(reason: EndReason): 'forbidden' | 'unsupported' | undefined {
  return reason === 'forbidden' || reason === 'unsupported' ? reason : undefined;
}
