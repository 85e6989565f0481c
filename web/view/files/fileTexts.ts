/** What is said of a transfer: its state, and why it has ended. */
import type { FileEndReason, FileTransfer } from '../../client/index.ts';
import { type FilesKey, translateFiles } from '../locales/files.ts';
import { progressText } from './formatFile.ts';

const reasonKeys: Record<Exclude<FileEndReason, 'left'>, FilesKey> = {
  cancelled: 'filesStateCancelled',
  declined: 'filesStateDeclined',
  tooLarge: 'filesErrorTooLarge',
  corrupted: 'filesErrorDamaged',
  storage: 'filesErrorStorage',
  unreadable: 'filesErrorUnreadable',
  forbidden: 'filesErrorForbidden',
  unsupported: 'filesErrorUnsupported',
  unknown: 'filesErrorEnded',
  unanswered: 'filesErrorUnanswered',
};

/** @param isOffStage whether we have left the stage of a broadcast */
export function stateText(transfer: FileTransfer, isOffStage: boolean): string {
  const { state, direction, pausedBy, peer } = transfer;
  const { name } = peer;
  if (state === 'offered') {
    if (direction === 'receive') return '';
    // What it had is lost with its page, or it is about to say how much of it is not.
    return translateFiles(transfer.transferred > 0 ? 'filesStateOfferedAgain' : 'filesStateOffered', { name });
  }
  if (state === 'active') return progressText(transfer);
  if (state === 'paused') {
    return pausedBy === 'self'
      ? translateFiles('filesStatePausedSelf')
      : translateFiles('filesStatePausedPeer', { name });
  }
  // The other end has not left.
  if (isOffStage && (state === 'waiting' || transfer.endReason === 'left')) return translateFiles('filesStateOffStage');
  if (state === 'waiting') return translateFiles('filesStateWaiting', { name });
  if (state === 'needsFile') return translateFiles('filesStateNeedsFile');
  if (state === 'completed') return translateFiles(direction === 'send' ? 'filesStateSent' : 'filesStateCompleted');
  return endText(transfer);
}

/** Why it was declined or cancelled, or has failed. */
export function endText({ state, endReason, direction, isAccepted, peer: { name } }: FileTransfer): string {
  if (endReason === 'left') {
    if (isAccepted) return translateFiles('filesErrorLeft', { name });
    return translateFiles(direction === 'send' ? 'filesErrorLeftOffer' : 'filesErrorLeftOffered', { name });
  }
  if (endReason) return translateFiles(reasonKeys[endReason], { name });
  if (state === 'declined') return translateFiles('filesStateDeclined');
  return translateFiles(state === 'cancelled' ? 'filesStateCancelled' : 'filesStateFailed');
}
