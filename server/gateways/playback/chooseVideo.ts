/** Which video of a room a player with one video m-line is shown. */
import type { Source } from '../../../shared/media.ts';

/** What the choice depends on; a `Publication` has it. */
export interface VideoCandidate {
  readonly track: { readonly peerId: string; readonly source: Source; readonly paused: boolean };
}

/**
 * A shared screen before any camera; then the camera of whoever is heard; then the one that is shown already; then the first.
 * Videos that are muted come last.
 * @param candidates in the order in which they were published
 * @param shown what is shown now
 * @param speaker the peer that is heard
 */
export function chooseVideo<C extends VideoCandidate>(
  candidates: readonly C[],
  shown: C | undefined,
  speaker: string | undefined,
): C | undefined {
  const score = (candidate: C) => {
    const { peerId, source, paused } = candidate.track;
    return (
      (paused ? 0 : 8) + (source === 'screen' ? 4 : 0) + (peerId === speaker ? 2 : 0) + (candidate === shown ? 1 : 0)
    );
  };
  return candidates.toSorted((a, b) => score(b) - score(a))[0];
}
