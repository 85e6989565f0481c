/** Owns what is said of a stay wherever somebody takes part: what does not work, and that the connection is lost or back. */
import { deviceErrors, devicesWords, deviceWords, isDeviceProblem, problemWords, refusedWords } from './problems.ts';
import type { Session } from './Session.ts';
import type { Toasts } from './Toasts.ts';
import { language, say } from './words/index.ts';

/** "Reconnecting" is said after so long, in milliseconds. */
const QUIET = 1000;

/** Says what goes wrong with what is asked for, and with the devices. @returns a function that ends it */
export function tellProblems(session: Session, toasts: Toasts): () => void {
  session.on('problem', (problem) => {
    // Whoever closes the picker of screens needs not be told.
    if (isDeviceProblem(problem) && problem.source === 'screen' && problem.error.problem === 'cancelled') return;
    toasts.warn(isDeviceProblem(problem) ? deviceWords(problem.source, problem.error) : problemWords(problem));
  });
  const unplugged = session.media.on('unplugged', ({ label, replaced }) =>
    toasts.tell(
      replaced ? say('unplugged', { device: label, other: replaced }) : say('unpluggedNone', { device: label }),
    ),
  );
  const refused = session.media.on('refused', ({ source, error, kept }) =>
    toasts.warn(refusedWords(source, error, kept)),
  );
  const errors = tellDeviceErrors(session, toasts);
  return () => {
    unplugged();
    refused();
    errors();
  };
}

/** Says which of our own sources we may not use any more, and which we may again. */
export function tellPermissions(session: Session, toasts: Toasts): void {
  const names = new Intl.ListFormat(language, { type: 'conjunction' });
  session.on('permitted', ({ lost, gained }) => {
    for (const [key, list] of [
      ['permissionLost', lost],
      ['permissionGained', gained],
    ] as const) {
      if (list.length > 0)
        toasts.tell(say(key, { sources: names.format(list.map((source) => say(ownNames[source]))) }));
    }
  });
}

const ownNames = { microphone: 'microphone', camera: 'camera', screen: 'screenSharing' } as const;

/** Says why a device did not open, once for each attempt; what the lobby has said already is not said again. */
function tellDeviceErrors({ media }: Session, toasts: Toasts): () => void {
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
export function showPhase(session: Session, status: HTMLElement, toasts: Toasts, root: HTMLElement): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let said: Connecting | undefined;
  const tell = (words: Connecting) => {
    said = words;
    status.textContent = say(words);
    status.hidden = false;
    // While only the signalling is cut, sound and picture go on: nothing is dimmed.
    root.classList.toggle('reconnecting', session.phase === 'reconnecting');
  };
  const settled = () => {
    if (said === 'reconnecting') toasts.tell(say('reconnected'));
    if (said === 'reconnectingMedia') toasts.tell(say('mediaBack'));
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
  for (const event of ['phase', 'cut', 'mediaLost'] as const) session.on(event, update);
  update();
  return () => clearTimeout(timer);
}

function connecting({ phase, client, mediaLost }: Session): Connecting | undefined {
  if (phase !== 'in') return phase === 'joining' ? 'connecting' : 'reconnecting';
  if (client.cut) return 'reconnecting';
  return mediaLost ? 'reconnectingMedia' : undefined;
}
