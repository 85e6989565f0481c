/** The rules of direct media: which pairs of a room's participants exchange it, without clock and events. */
import type { Grants, RoomPolicy } from '../../shared/protocol.ts';

/** A participant, as the rules see it. */
export interface DirectCandidate {
  readonly id: string;
  readonly grants: Pick<Grants, 'canPublish' | 'canSubscribe' | 'hidden'>;
  /** Its client can exchange media directly, and nothing keeps it from that. */
  readonly isDirect: boolean;
}

export type DirectPair = readonly [string, string];

export interface DirectDecision {
  /** Who is to exchange media directly, as pairs of ids; each pair once. */
  readonly pairs: readonly DirectPair[];
  /** Somebody else receives, or more than two may publish: media has to go through the server. */
  readonly isCrowded: boolean;
}

/**
 * Under `auto` two exchange media directly who alone may publish while nobody else receives. A hidden viewer receives, and
 * so does a subscriber that is no participant, such as a recorder. Under `p2p` all do that can.
 * @param hasOtherSubscribers whether somebody receives who is no participant
 */
export function decideDirect(
  policy: RoomPolicy,
  candidates: readonly DirectCandidate[],
  hasOtherSubscribers: boolean,
): DirectDecision {
  if (policy === 'sfu') return { pairs: [], isCrowded: true };
  const able = candidates.filter(({ isDirect, grants }) => isDirect && grants.canSubscribe && !grants.hidden);
  if (policy === 'p2p') return { pairs: pairsOf(able), isCrowded: false };
  const publishers = candidates.filter(({ grants }) => grants.canPublish);
  const onlyReceive = candidates.some(({ grants }) => grants.canSubscribe && !grants.canPublish);
  const isCrowded = publishers.length > 2 || onlyReceive || hasOtherSubscribers;
  const isPair = !isCrowded && publishers.length === 2 && publishers.every((one) => able.includes(one));
  return { pairs: isPair ? pairsOf(publishers) : [], isCrowded };
}

function pairsOf(candidates: readonly DirectCandidate[]): DirectPair[] {
  return candidates.flatMap(({ id }, index) => candidates.slice(index + 1).map((other): DirectPair => [id, other.id]));
}
