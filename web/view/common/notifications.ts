/** Notifications that calls and broadcasts share: errors, permissions, and the state of the connection. */
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

/** How long a lost connection lasts before it is shown, in milliseconds. */
const RECONNECTING_DELAY = 1000;

/** Shows errors of actions and of devices. @returns a function that removes its listeners from the devices */
export function notifyErrors(call: CallController, toasts: Toasts): () => void {
  call.on('error', (error) => {
    // The user has closed the picker of screens: no error.
    if (isDeviceErrorReport(error) && error.source === 'screen' && error.error.problem === 'cancelled') return;
    toasts.showError(isDeviceErrorReport(error) ? deviceErrorMessage(error.source, error.error) : errorMessage(error));
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

/** Shows which local sources are not permitted any more, and which are again. */
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

/** Shows why a device did not open, once per attempt; errors that the lobby has already shown are not repeated. */
function notifyDeviceErrors({ media }: CallController, toasts: Toasts): () => void {
  let shown = deviceErrorsMessage(deviceErrors(media));
  return media.on('changed', () => {
    const starting = media.state('camera').status === 'starting' || media.state('microphone').status === 'starting';
    const message = starting ? undefined : deviceErrorsMessage(deviceErrors(media));
    if (message !== undefined && message !== shown) toasts.showError(message);
    shown = message;
  });
}

type ConnectionStatus = 'connecting' | 'reconnecting' | 'connectingMedia' | 'reconnectingMedia';

/**
 * Shows in `status` that the connection or its media is lost, and in a toast that it is restored; a short loss is not shown.
 * @param root gets the class `reconnecting` while a rejoin is in progress
 * @returns a function that ends its timer
 */
export function showConnectionState(
  call: CallController,
  status: HTMLElement,
  toasts: Toasts,
  root: HTMLElement,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let shown: ConnectionStatus | undefined;
  const show = (current: ConnectionStatus) => {
    shown = current;
    status.textContent = translate(current);
    status.hidden = false;
    // While only signalling is lost, media continues: the videos are not dimmed.
    root.classList.toggle('reconnecting', call.phase === 'reconnecting');
  };
  const showRestored = () => {
    if (shown === 'reconnecting') toasts.show(translate('reconnected'));
    if (shown === 'reconnectingMedia') toasts.show(translate('mediaRestored'));
    shown = undefined;
    status.hidden = true;
    root.classList.remove('reconnecting');
  };
  const update = () => {
    if (call.phase === 'ended') return clearTimeout(timer);
    const current = connectionStatus(call);
    clearTimeout(timer);
    if (!current) showRestored();
    // Lost media is reported only after a second without packets, or a failed attempt: no further delay.
    else if (current === 'reconnectingMedia' || current === 'connectingMedia') show(current);
    else timer = setTimeout(() => show(current), RECONNECTING_DELAY);
  };
  for (const event of ['phase', 'reconnecting', 'mediaLost'] as const) call.on(event, update);
  update();
  return () => clearTimeout(timer);
}

function connectionStatus({ phase, client, mediaLost }: CallController): ConnectionStatus | undefined {
  if (phase !== 'joined') return phase === 'joining' ? 'connecting' : 'reconnecting';
  if (client.reconnecting) return 'reconnecting';
  if (!mediaLost) return undefined;
  // Of a direct call, whose first attempts have failed.
  return client.mediaWasConnected ? 'reconnectingMedia' : 'connectingMedia';
}
