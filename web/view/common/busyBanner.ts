/** The banner while the server is busy: the time to the next attempt, and a button that cancels. */
import type { CallController } from '../controller/CallController.ts';
import { translate } from '../locales/index.ts';
import { element, setText } from './dom.ts';

/** How often the countdown is updated, in milliseconds. */
const UPDATE_INTERVAL = 250;

/** Creates the banner; `close()` ends its timer. */
export function busyBanner(call: CallController): { root: HTMLElement; close(): void } {
  const text = element('span', { role: 'status' });
  // Outside of the live region: screen readers do not read every second.
  const seconds = element('span', { className: 'seconds', ariaLive: 'off' });
  const cancel = element('button', { type: 'button' }, translate('cancel'));
  cancel.addEventListener('click', () => call.cancelRetry());
  const root = element('div', { className: 'status server-busy', hidden: true }, text, seconds, cancel);
  let timer: ReturnType<typeof setInterval> | undefined;
  const close = () => clearInterval(timer);
  call.on('serverBusy', (retryAt) => {
    close();
    root.hidden = retryAt === undefined;
    text.textContent = retryAt === undefined ? '' : translate('busy');
    if (retryAt === undefined) return;
    const update = () => {
      const left = Math.max(0, Math.ceil((retryAt - performance.now()) / 1000));
      setText(seconds, translate('retryIn', { seconds: left }));
    };
    update();
    timer = setInterval(update, UPDATE_INTERVAL);
  });
  return { root, close };
}
