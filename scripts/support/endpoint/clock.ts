/** The time in members' packets: the wall clock, in milliseconds with fractions. */

const SECONDS_1900_TO_1970 = 2_208_988_800;

/** Milliseconds since 1970. All processes of a machine agree on it, and it does not jump while they run. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Converts to NTP: 32 bits of seconds since 1900, 32 bits of their fraction. */
export function toNtp(time: number): bigint {
  const seconds = Math.floor(time / 1000);
  const fraction = Math.floor((time / 1000 - seconds) * 2 ** 32);
  return (BigInt(seconds + SECONDS_1900_TO_1970) << 32n) | BigInt(fraction);
}

/** Reads an NTP time at `offset`; milliseconds since 1970. */
export function readNtp(packet: Buffer, offset: number): number {
  const seconds = packet.readUInt32BE(offset) - SECONDS_1900_TO_1970;
  return seconds * 1000 + (packet.readUInt32BE(offset + 4) / 2 ** 32) * 1000;
}
