/** Makes ids that sort as they were made: UUIDv7 (RFC 9562) with a counter, since Node's own do not within a millisecond. */
import { randomBytes } from 'node:crypto';

/** The 12 bits after the version are a counter (section 6.2, method 1). It begins low, so that there is room above it. */
const COUNTER_SIZE = 0x1000;
const COUNTER_START = 0x100;

export class EventIds {
  #time = 0;
  #counter = 0;

  /**
   * @param now Unix milliseconds. A clock that is set back is not followed until it has caught up
   * @returns an id above all those before
   */
  next(now: number): string {
    if (now > this.#time) {
      this.#time = now;
      this.#counter = randomBytes(1).readUInt8() % COUNTER_START;
    } else {
      this.#counter += 1;
      if (this.#counter === COUNTER_SIZE) {
        this.#time += 1;
        this.#counter = 0;
      }
    }
    const bytes = randomBytes(8);
    // The variant, 0b10.
    bytes.writeUInt8((bytes.readUInt8() & 0x3f) | 0x80);
    const time = this.#time.toString(16).padStart(12, '0');
    const counter = this.#counter.toString(16).padStart(3, '0');
    const random = bytes.toString('hex');
    return `${time.slice(0, 8)}-${time.slice(8)}-7${counter}-${random.slice(0, 4)}-${random.slice(4)}`;
  }
}
