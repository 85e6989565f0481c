/** When a page replaces its lobby by the call. */
import type { CallController } from '../controller/CallController.ts';

/** Runs `action` once, when the call has joined its room or waits for a busy server, which the view of the call shows. */
export function onceJoined(call: CallController, action: () => void): void {
  const offs = [
    call.on('phase', (phase) => phase === 'joined' && run()),
    call.on('serverBusy', (retryAt) => retryAt !== undefined && run()),
  ];
  const run = () => {
    for (const off of offs) off();
    action();
  };
}
