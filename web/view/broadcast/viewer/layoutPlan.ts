/** Owns who is shown where in the player: who is large, who is in the corner, who is in the strip. */
import type { Participant } from '../../controller/Participant.ts';

type Shown = Pick<Participant, 'id' | 'cameraOn' | 'screenOn' | 'away'>;

/** Somebody's camera (or initials), or somebody's screen. */
export interface Picture {
  readonly id: string;
  readonly source: 'camera' | 'screen';
}

export interface LayoutPlan {
  readonly main: Picture | undefined;
  /** The camera of the one whose screen is large. */
  readonly corner: string | undefined;
  /** The others, in the order in which they came. */
  readonly strip: readonly string[];
}

/**
 * A screen is large; else the first of the stage, who is the host, if there is a picture of them; else the one who speaks.
 * @param speaker who has spoken last
 */
export function layoutPlan(stage: readonly Shown[], speaker: string | undefined): LayoutPlan {
  const sharer = stage.find(({ screenOn, away }) => screenOn && !away) ?? stage.find(({ screenOn }) => screenOn);
  const main = sharer ?? largest(stage, speaker);
  return {
    main: main && { id: main.id, source: sharer ? 'screen' : 'camera' },
    corner: sharer?.cameraOn ? sharer.id : undefined,
    strip: stage.filter(({ id }) => id !== main?.id).map(({ id }) => id),
  };
}

function largest(stage: readonly Shown[], speaker: string | undefined): Shown | undefined {
  const present = stage.filter(({ away }) => !away);
  const films = present.filter(({ cameraOn }) => cameraOn);
  if (present[0]?.cameraOn) return present[0];
  const speaks = ({ id }: Shown) => id === speaker;
  return films.find(speaks) ?? films[0] ?? present.find(speaks) ?? present[0] ?? stage[0];
}
