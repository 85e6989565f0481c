/** Saves the log of this page's connections as a file. */
import { exportLog } from '../../client/index.ts';
import { translate } from '../locales/index.ts';
import { element } from './dom.ts';

/** @param addresses whether the log has IP addresses */
export async function downloadLog(addresses = false): Promise<void> {
  const url = URL.createObjectURL(new Blob([await exportLog({ addresses })], { type: 'application/json' }));
  // Such as 2026-11-28-1634.
  const time = new Date().toISOString().slice(0, 16).replace('T', '-').replace(':', '');
  element('a', { href: url, download: `weir-log-${time}.json` }).click();
  // The browser has begun to read the file by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** @param addresses asked at each press */
export function downloadLogButton(addresses?: () => boolean): HTMLButtonElement {
  const button = element('button', { type: 'button', data: { action: 'download-log' } }, translate('downloadLog'));
  button.addEventListener('click', () => {
    downloadLog(addresses?.()).catch(() => button.replaceChildren(translate('unreachable')));
  });
  return button;
}
