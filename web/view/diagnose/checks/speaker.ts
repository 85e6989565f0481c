/** Tests the speaker: plays a tone, and asks whether it was heard. */
import { translateDiagnose } from '../../locales/diagnose.ts';
import type { Check } from '../Check.ts';

export interface SpeakerPorts {
  /** Plays the tone to its end. @returns whether the browser has played it @throws the reason of the signal */
  play(signal: AbortSignal): Promise<boolean>;
}

export function speakerCheck({ play }: SpeakerPorts): Check {
  return {
    name: 'speaker',
    async run(signal) {
      const played = await play(signal);
      const text = translateDiagnose(played ? 'speakerPlayed' : 'speakerBlocked');
      return { grade: 'open', text, question: translateDiagnose('speakerQuestion'), figures: { played } };
    },
    answer(yes) {
      if (yes)
        return { grade: 'good', text: translateDiagnose('speakerHeard'), figures: { played: true, heard: true } };
      const [text, advice] = [translateDiagnose('speakerSilent'), translateDiagnose('speakerSilentAdvice')];
      return { grade: 'bad', text, advice, figures: { played: true, heard: false } };
    },
  };
}
