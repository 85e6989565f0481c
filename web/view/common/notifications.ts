/** Owns what is said of a stay wherever somebody takes part: what does not work, and that the connection is lost or back. */

import { language, translate } from '../locales/index.ts';
import type { CallController } from '../participation/CallController.ts';
import { deviceErrors, devicesWords, deviceWords, isDeviceProblem, problemWords, refusedWords } from './problems.ts';
import type { Toasts } from './Toasts.ts';

/** "Reconnecting" is said after so long, in milliseconds. */
const QUIET = 1000;

/** Says what goes wrong with what is asked for, and with the devices. @returns a function that ends it */
export function notifyProblems(session: CallController, toasts: Toasts): () => void {
  session.on('problem', (problem) => {
    // Whoever closes the picker of screens needs not be told.
    if (isDeviceProblem(problem) && problem.source === 'screen' && problem.error.problem === 'cancelled') return;
    toasts.warn(isDeviceProblem(problem) ? deviceWords(problem.source, problem.error) : problemWords(problem));
  });
  const unplugged = session.media.on('unplugged', ({ label, replaced }) =>
    toasts.show(
      replaced
        ? translate('unplugged', { device: label, other: replaced })
        : translate('unpluggedNone', { device: label }),
    ),
  );
  const refused = session.media.on('refused', ({ source, error, kept }) =>
    toasts.warn(refusedWords(source, error, kept)),
  );
  const errors = notifyDeviceErrors(session, toasts);
  return () => {
    unplugged();
    refused();
    errors();
  };
}

/** Says which of our own sources we may not use any more, and which we may again. */
export function notifyPermissions(session: CallController, toasts: Toasts): void {
  const names = new Intl.ListFormat(language, { type: 'conjunction' });
  session.on('permitted', ({ lost, gained }) => {
    for (const [key, list] of [
      ['permissionLost', lost],
      ['permissionGained', gained],
    ] as const) {
      if (list.length > 0)
        toasts.show(translate(key, { sources: names.format(list.map((source) => translate(ownNames[source]))) }));
    }
  });
}

const ownNames = { microphone: 'microphone', camera: 'camera', screen: 'screenSharing' } as const;

/** Says why a device did not open, once for each attempt; what the lobby has said already is not said again. */
function notifyDeviceErrors({ media }: CallController, toasts: Toasts): () => void {
  let told = devicesWords(deviceErrors(media));
  return media.on('changed', () => {
    const starting = media.state('camera').status === 'starting' || media.state('microphone').status === 'starting';
    const words = starting ? undefined : devicesWords(deviceErrors(media));
    if (words !== undefined && words !== told) toasts.warn(words);
    told = words;
  });
}

type Connecting = 'connecting' | 'reconnecting' | 'reconnectingMedia';

/** Says "connecting" and "reconnecting" once they have lasted, that media is lost at once, and that all is back. */
export function showPhase(session: CallController, status: HTMLElement, toasts: Toasts, root: HTMLElement): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let said: Connecting | undefined;
  const tell = (words: Connecting) => {
    said = words;
    status.textContent = translate(words);
    status.hidden = false;
    // While only the signalling is cut, sound and picture go on: nothing is dimmed.
    root.classList.toggle('reconnecting', session.phase === 'reconnecting');
  };
  const settled = () => {
    if (said === 'reconnecting') toasts.show(translate('reconnected'));
    if (said === 'reconnectingMedia') toasts.show(translate('mediaBack'));
    said = undefined;
    status.hidden = true;
    root.classList.remove('reconnecting');
  };
  const update = () => {
    if (session.phase === 'ended') return clearTimeout(timer);
    const words = connecting(session);
    clearTimeout(timer);
    if (!words) settled();
    // Media has been silent for a second by then.
    else if (words === 'reconnectingMedia') tell(words);
    else timer = setTimeout(() => tell(words), QUIET);
  };
  for (const event of ['phase', 'reconnecting', 'mediaLost'] as const) session.on(event, update);
  update();
  return () => clearTimeout(timer);
}

function connecting({ phase, client, mediaLost }: CallController): Connecting | undefined {
  if (phase !== 'in') return phase === 'joining' ? 'connecting' : 'reconnecting';
  if (client.reconnecting) return 'reconnecting';
  return mediaLost ? 'reconnectingMedia' : undefined;
}
