/** The sound of the remote participants, and the button that unlocks it where the browser blocks autoplay. */
import { translate } from '../locales/index.ts';
import { preferences } from '../storage/preferences.ts';
import { announce, element } from './dom.ts';
import { RemoteAudio } from './RemoteAudio.ts';
import type { Toasts } from './Toasts.ts';

/** Plays through the speaker that was chosen before, where it still exists. */
export function callAudio(toasts: Toasts): { audio: RemoteAudio; unlockButton: HTMLButtonElement } {
  const unlockButton = element(
    'button',
    { type: 'button', className: 'primary audio-unlock', hidden: true },
    translate('turnOnSound'),
  );
  const audio = new RemoteAudio(
    (blocked) => {
      if (blocked && unlockButton.hidden) announce(translate('autoplayBlocked'));
      unlockButton.hidden = !blocked;
    },
    () => toasts.showError(translate('speakerFailed')),
  );
  unlockButton.addEventListener('click', () => void audio.retry());
  const speaker = preferences.speaker.get();
  if (speaker && RemoteAudio.canSelectSpeaker) void audio.selectSpeaker(speaker, { silent: true });
  return { audio, unlockButton };
}
