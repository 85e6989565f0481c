/** Owns what is shown while the server is full: that we wait, for how long still, and the way out. */

import type { CallController } from '../controller/CallController.ts';
import { translate } from '../locales/index.ts';
import { element } from './dom.ts';

/** How often the seconds are counted, in milliseconds. */
const TICK = 250;

/** The banner, and what ends its timer. */
export function busyBanner(call: CallController): { root: HTMLElement; close(): void } {
  const words = element('span', { role: 'status' });
  // Whoever listens to the page is told once, not every second.
  const seconds = element('span', { className: 'seconds', ariaLive: 'off' });
  const cancel = element('button', { type: 'button' }, translate('cancel'));
  cancel.addEventListener('click', () => call.cancelRetry());
  const root = element('div', { className: 'status server-busy', hidden: true }, words, seconds, cancel);
  let timer: ReturnType<typeof setInterval> | undefined;
  const close = () => clearInterval(timer);
  call.on('serverBusy', (until) => {
    close();
    root.hidden = until === undefined;
    words.textContent = until === undefined ? '' : translate('serverBusy');
    if (until === undefined) return;
    const count = () => {
      const left = Math.max(0, Math.ceil((until - performance.now()) / 1000));
      const text = translate('retryIn', { seconds: left });
      if (seconds.textContent !== text) seconds.textContent = text;
    };
    count();
    timer = setInterval(count, TICK);
  });
  return { root, close };
}
