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
  type TransferEndReason,
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
  #endReason: TransferEndReason | undefined;
  /** Since when the other end has sent nothing, as `performance.now()`. */
  #silentSince = performance.now();
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
  /** Whether the receiver has accepted it. */
  abstract get isAccepted(): boolean;
  protected get blob(): Blob | undefined {
    return undefined;
  }
  protected get handleFailed(): boolean {
    return false;
  }
  /** The other end is there: after a join, or when it has come back. */
  protected abstract onPeerPresent(): void;
  /** Repeats what is due, while the other end is there. @param now as `performance.now()` */
  protected abstract onTick(now: number): void;
  /** It is over, in whichever way. */
  protected abstract onEnded(): void;

  get peer(): FilePeer {
    return this.#peer;
  }

  /** In a final state, which it leaves only if the other end has `left` and comes back. */
  get isOver(): boolean {
    return this.#final !== undefined;
  }

  /** Over for good. */
  get isEnded(): boolean {
    return this.isOver && this.#endReason !== 'left';
  }

  get isPaused(): boolean {
    return this.#pausedBySelf || this.#pausedByPeer;
  }

  get isPausedBySelf(): boolean {
    return this.#pausedBySelf;
  }

  protected get isPausedByPeer(): boolean {
    return this.#pausedByPeer;
  }

  /** Whether bytes may flow as far as pauses and presence are concerned. */
  get canFlow(): boolean {
    return !this.isOver && this.#isPresent && !this.isPaused;
  }

  get isPresent(): boolean {
    return this.#isPresent;
  }

  /** Since when the other end has sent nothing, as `performance.now()`. */
  protected get silentSince(): number {
    return this.#silentSince;
  }

  /** Whether the other end would have sent something by now, if it were there. */
  protected get expectsAnswer(): boolean {
    return true;
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
      isAccepted: this.isAccepted,
      handleFailed: this.handleFailed,
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
    this.resetSilence();
    if (this.isEnded) return;
    this.#final = undefined;
    this.#error = undefined;
    this.#endReason = undefined;
    // Whoever has paused it says so again.
    this.#pausedByPeer = false;
    this.#rate.reset();
    this.context.onChanged();
    this.onPeerPresent();
  }

  /** The other end, or we, have left the room. */
  disconnect(): void {
    if (!this.#isPresent) return;
    this.#isPresent = false;
    this.resetSilence();
    if (!this.isOver) this.context.onChanged();
  }

  /**
   * The other end has sent something, or cannot be expected to: it has as long as ever from now on.
   * @param now as `performance.now()`
   */
  resetSilence(now = performance.now()): void {
    this.#silentSince = now;
  }

  /** Time passes. @param now as `performance.now()` */
  tick(now: number): void {
    if (this.isOver) return;
    const { absence, silence } = this.context.delays;
    const quiet = now - this.#silentSince;
    if (this.#isPresent) {
      if (quiet > silence && this.expectsAnswer) this.fail('unanswered');
      else this.onTick(now);
    } else if (quiet > absence) this.finish('failed', new WeirError('closed', endTexts.left), 'left');
  }

  setPaused(paused: boolean): void {
    if (this.isOver || this.#pausedBySelf === paused) return;
    this.#pausedBySelf = paused;
    this.#rate.reset();
    this.postPause();
    this.context.onChanged();
    if (!paused) this.onResumed();
  }

  /** The other end has paused it, or goes on. */
  onPauseMessage(paused: boolean): void {
    this.setPausedByPeer(paused);
  }

  protected setPausedByPeer(paused: boolean): void {
    if (this.isOver || this.#pausedByPeer === paused) return;
    this.#pausedByPeer = paused;
    this.#rate.reset();
    this.context.onChanged();
    if (!paused) this.onResumed();
  }

  /** The other end has ended it. */
  onEndMessage(reason: EndReason): void {
    const final = reason === 'cancelled' || reason === 'declined' ? reason : 'failed';
    this.finish(final, new WeirError(codeOf(reason) ?? 'closed', endTexts[reason]), reason);
  }

  /** Why it has ended, for the other end, if that has missed it. */
  get toldReason(): EndReason {
    if (this.#final === 'cancelled' || this.#final === 'declined') return this.#final;
    return wireReason(this.#endReason);
  }

  /** Ends it and tells the other end. @param error what to say here; nothing where the user has ended it */
  end(reason: EndReason | 'unanswered', error?: WeirError): void {
    if (this.isEnded) return;
    if (this.#isPresent) this.context.post(this.#peer.peerId, { type: 'end', id: this.id, reason: wireReason(reason) });
    const state = reason === 'cancelled' || reason === 'declined' ? reason : 'failed';
    this.finish(state, error, error && reason);
  }

  /** It cannot go on. @param text for users instead of the usual one */
  fail(reason: EndReason | 'unanswered', text = endTexts[reason]): void {
    this.end(reason, new WeirError(codeOf(reason) ?? 'internal', text));
  }

  protected finish(state: FinalState, error?: WeirError, reason?: TransferEndReason): void {
    if (this.isEnded) return;
    this.#final = state;
    this.#error = error;
    this.#endReason = reason;
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

/** What only one end has noticed is `unknown` to the other one. */
function wireReason(reason: TransferEndReason | undefined): EndReason {
  return reason === undefined || reason === 'left' || reason === 'unanswered' ? 'unknown' : reason;
}

/** The error code of the same name, if there is one. */
function codeOf(reason: TransferEndReason): 'forbidden' | 'unsupported' | undefined {
  return reason === 'forbidden' || reason === 'unsupported' ? reason : undefined;
}
