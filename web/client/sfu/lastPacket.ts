/** What the last packet of a receiver says: its audio level, and how old it is. */

/** The audio level of an older packet does not count, in milliseconds. */
const MAX_LEVEL_AGE = 500;

/** The last packet that was played: its audio level, and its age in milliseconds. */
export function lastPacketOf(receiver: RTCRtpReceiver | undefined): { level: number; age: number } | undefined {
  const [last] = receiver?.getSynchronizationSources() ?? [];
  if (!last) return undefined;
  // The origin of this time is 1970 in some browsers, and the start of the page in others.
  const now = performance.now() + (last.timestamp > performance.timeOrigin ? performance.timeOrigin : 0);
  return { level: last.audioLevel ?? 0, age: now - last.timestamp };
}

/** The audio level, 0 to 1, from the header of the last packet (RFC 6464). */
export function levelOf(receiver: RTCRtpReceiver | undefined): number {
  const last = lastPacketOf(receiver);
  // A muted peer sends nothing, so that the last level would stay.
  return last && last.age < MAX_LEVEL_AGE ? last.level : 0;
}
