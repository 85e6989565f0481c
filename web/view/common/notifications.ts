/** Owns what is said of a stay wherever somebody takes part: what does not work, and that the connection is lost or back. */

import type { CallController } from '../controller/CallController.ts';
import { language, translate } from '../locales/index.ts';
import {
  deviceErrorMessage,
  deviceErrors,
  deviceErrorsMessage,
  deviceRefusedMessage,
  errorMessage,
  isDeviceErrorReport,
} from './errorMessages.ts';
import type { Toasts } from './Toasts.ts';

/** "Reconnecting" is said after so long, in milliseconds. */
const RECONNECTING_DELAY = 1000;

/** Says what goes wrong with what is asked for, and with the devices. @returns a function that ends it */
export function notifyErrors(call: CallController, toasts: Toasts): () => void {
  call.on('error', (problem) => {
    // Whoever closes the picker of screens needs not be told.
    if (isDeviceErrorReport(problem) && problem.source === 'screen' && problem.error.problem === 'cancelled') return;
    toasts.showError(
      isDeviceErrorReport(problem) ? deviceErrorMessage(problem.source, problem.error) : errorMessage(problem),
    );
  });
  const unplugged = call.media.on('unplugged', ({ label, replaced }) =>
    toasts.show(
      replaced
        ? translate('unplugged', { device: label, other: replaced })
        : translate('unpluggedNone', { device: label }),
    ),
  );
  const refused = call.media.on('refused', ({ source, error, kept }) =>
    toasts.showError(deviceRefusedMessage(source, error, kept)),
  );
  const errors = notifyDeviceErrors(call, toasts);
  return () => {
    unplugged();
    refused();
    errors();
  };
}

/** Says which of our own sources we may not use any more, and which we may again. */
export function notifyPermissions(call: CallController, toasts: Toasts): void {
  const names = new Intl.ListFormat(language, { type: 'conjunction' });
  call.on('permissionsChanged', ({ lost, gained }) => {
    for (const [key, list] of [
      ['permissionLost', lost],
      ['permissionGained', gained],
    ] as const) {
      if (list.length > 0)
        toasts.show(translate(key, { sources: names.format(list.map((source) => translate(sourceNames[source]))) }));
    }
  });
}

const sourceNames = { microphone: 'microphone', camera: 'camera', screen: 'screenSharing' } as const;

/** Says why a device did not open, once for each attempt; what the lobby has said already is not said again. */
function notifyDeviceErrors({ media }: CallController, toasts: Toasts): () => void {
  let told = deviceErrorsMessage(deviceErrors(media));
  return media.on('changed', () => {
    const starting = media.state('camera').status === 'starting' || media.state('microphone').status === 'starting';
    const words = starting ? undefined : deviceErrorsMessage(deviceErrors(media));
    if (words !== undefined && words !== told) toasts.showError(words);
    told = words;
  });
}

type ConnectionStatus = 'connecting' | 'reconnecting' | 'reconnectingMedia';

/** Says "connecting" and "reconnecting" once they have lasted, that media is lost at once, and that all is back. */
export function showConnectionState(
  call: CallController,
  status: HTMLElement,
  toasts: Toasts,
  root: HTMLElement,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let said: ConnectionStatus | undefined;
  const tell = (words: ConnectionStatus) => {
    said = words;
    status.textContent = translate(words);
    status.hidden = false;
    // While only the signalling is cut, sound and picture go on: nothing is dimmed.
    root.classList.toggle('reconnecting', call.phase === 'reconnecting');
  };
  const settled = () => {
    if (said === 'reconnecting') toasts.show(translate('reconnected'));
    if (said === 'reconnectingMedia') toasts.show(translate('mediaRestored'));
    said = undefined;
    status.hidden = true;
    root.classList.remove('reconnecting');
  };
  const update = () => {
    if (call.phase === 'ended') return clearTimeout(timer);
    const words = connectionStatus(call);
    clearTimeout(timer);
    if (!words) settled();
    // Media has been silent for a second by then.
    else if (words === 'reconnectingMedia') tell(words);
    else timer = setTimeout(() => tell(words), RECONNECTING_DELAY);
  };
  for (const event of ['phase', 'reconnecting', 'mediaLost'] as const) call.on(event, update);
  update();
  return () => clearTimeout(timer);
}

function connectionStatus({ phase, client, mediaLost }: CallController): ConnectionStatus | undefined {
  if (phase !== 'joined') return phase === 'joining' ? 'connecting' : 'reconnecting';
  if (client.reconnecting) return 'reconnecting';
  return mediaLost ? 'reconnectingMedia' : undefined;
}
