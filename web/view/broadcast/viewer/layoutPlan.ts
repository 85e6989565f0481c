/** Where the player shows whom: in the main tile, in its corner, or in the strip. */
import type { Participant } from '../../controller/Participant.ts';

type StageParticipant = Pick<Participant, 'id' | 'cameraOn' | 'screenOn' | 'away'>;

/** The camera (or avatar) or the screen of a participant. */
export interface Picture {
  readonly id: string;
  readonly source: 'camera' | 'screen';
}

export interface LayoutPlan {
  readonly main: Picture | undefined;
  /** The id of the participant whose screen is in the main tile, and whose camera is in its corner. */
  readonly corner: string | undefined;
  /** The ids of the others, in the order of their joins. */
  readonly strip: readonly string[];
}

/**
 * The main tile shows a shared screen; else the first participant, who is the host, where their camera is on; else the
 * active speaker.
 * @param speaker the id of the active speaker
 */
export function layoutPlan(stage: readonly StageParticipant[], speaker: string | undefined): LayoutPlan {
  const sharer = stage.find(({ screenOn, away }) => screenOn && !away) ?? stage.find(({ screenOn }) => screenOn);
  const main = sharer ?? mainParticipant(stage, speaker);
  return {
    main: main && { id: main.id, source: sharer ? 'screen' : 'camera' },
    corner: sharer?.cameraOn ? sharer.id : undefined,
    strip: stage.filter(({ id }) => id !== main?.id).map(({ id }) => id),
  };
}

function mainParticipant(
  stage: readonly StageParticipant[],
  speaker: string | undefined,
): StageParticipant | undefined {
  const present = stage.filter(({ away }) => !away);
  const withCamera = present.filter(({ cameraOn }) => cameraOn);
  if (present[0]?.cameraOn) return present[0];
  const isSpeaker = ({ id }: StageParticipant) => id === speaker;
  return withCamera.find(isSpeaker) ?? withCamera[0] ?? present.find(isSpeaker) ?? present[0] ?? stage[0];
}
