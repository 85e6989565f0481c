/** What every view of a call shows of its connection and its errors: status line, banner of a busy server, toasts. */
import type { CallController } from '../controller/CallController.ts';
import { translate } from '../locales/index.ts';
import { busyBanner } from './busyBanner.ts';
import { element } from './dom.ts';
import { notifyErrors, showConnectionState } from './notifications.ts';
import { Toasts } from './Toasts.ts';
import { waitingBanner } from './waitingBanner.ts';

export interface CallNotices {
  readonly toasts: Toasts;
  /** To be appended to the view, in this order: the style sheet hides the status line while the banner is shown. */
  readonly elements: readonly HTMLElement[];
  /** Ends its timers and listeners. */
  close(): void;
}

/** @param root the view; it gets the class `reconnecting` while a rejoin is in progress */
export function callNotices(call: CallController, root: HTMLElement): CallNotices {
  const toasts = new Toasts();
  const status = element('p', { className: 'status', role: 'status', hidden: true });
  const busy = busyBanner(call);
  call.on('draining', (seconds) => toasts.show(translate('draining', { seconds: Math.ceil(seconds) })));
  call.on('videoProblem', ({ participant: { name } }) => toasts.showError(translate('bFrames', { name })));
  const undos = [busy.close, notifyErrors(call, toasts), showConnectionState(call, status, toasts, root)];
  const close = () => {
    for (const undo of undos) undo();
  };
  return { toasts, elements: [status, busy.root, waitingBanner(call), toasts.root], close };
}
