/** Owns what is said of a stay wherever somebody takes part: what does not work, and that the connection is lost or back. */
import { deviceErrors, devicesWords, deviceWords, isDeviceProblem, problemWords } from './problems.ts';
import type { Phase, Session } from './Session.ts';
import type { Toasts } from './Toasts.ts';
import { say } from './words/index.ts';

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
  const errors = tellDeviceErrors(session, toasts);
  return () => {
    unplugged();
    errors();
  };
}

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

/** Says "connecting" and "reconnecting" once they have lasted, and that we are back. */
export function showPhase(session: Session, status: HTMLElement, toasts: Toasts, root: HTMLElement): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let said = false;
  const tell = (words: 'connecting' | 'reconnecting') => {
    said = true;
    status.textContent = say(words);
    status.hidden = false;
  };
  const show = (phase: Phase) => {
    clearTimeout(timer);
    if (phase === 'in') {
      if (said && status.textContent === say('reconnecting')) toasts.tell(say('reconnected'));
      said = false;
      status.hidden = true;
      root.classList.remove('reconnecting');
      return;
    }
    if (phase === 'ended') return;
    timer = setTimeout(() => {
      tell(phase === 'joining' ? 'connecting' : 'reconnecting');
      root.classList.toggle('reconnecting', phase === 'reconnecting');
    }, QUIET);
  };
  session.on('phase', show);
  session.on('cut', (cut) => {
    if (session.phase !== 'in') return;
    // Sound and picture go on: nothing is dimmed.
    if (!cut) show('in');
    else timer = setTimeout(() => tell('reconnecting'), QUIET);
  });
  show(session.phase);
  return () => clearTimeout(timer);
}
