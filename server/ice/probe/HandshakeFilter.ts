/** Takes messages that were received before out of a DTLS handshake. */

/** Of a record (RFC 6347, section 4.1): its header, and what is read of it. */
const RECORD = { header: 13, handshake: 22, epoch: 3, length: 11 } as const;
/** Of a handshake message (section 4.2.2): the place of its number and of its fragment's offset. */
const MESSAGE = { header: 12, number: 4, offset: 6 } as const;

/**
 * A server whose client takes longer than its timer repeats its flight. werift answers that with its own flight, anew, although
 * the server has it meanwhile; OpenSSL takes the second one for an error and ends the connection. What is lost is repeated by
 * werift's own timer.
 */
export class HandshakeFilter {
  /** Number and offset of each fragment that was received. */
  readonly #received = new Set<string>();

  /** @returns the datagram without fragments that were in an earlier one; undefined if nothing is left */
  filter(datagram: Buffer): Buffer | undefined {
    const kept: Buffer[] = [];
    for (let at = 0; at < datagram.length; ) {
      const end =
        at + RECORD.header + (at + RECORD.header <= datagram.length ? datagram.readUInt16BE(at + RECORD.length) : 0);
      const record = datagram.subarray(at, end);
      if (this.#isNew(record)) kept.push(record);
      at = end;
    }
    return kept.length > 0 ? Buffer.concat(kept) : undefined;
  }

  #isNew(record: Buffer): boolean {
    const isPlain = record[0] === RECORD.handshake && record.length >= RECORD.header + MESSAGE.header;
    // From epoch 1 on it is encrypted.
    if (!isPlain || record.readUInt16BE(RECORD.epoch) !== 0) return true;
    const number = record.readUInt16BE(RECORD.header + MESSAGE.number);
    const offset = record.readUIntBE(RECORD.header + MESSAGE.offset, 3);
    const fragment = `${number}:${offset}`;
    if (this.#received.has(fragment)) return false;
    this.#received.add(fragment);
    return true;
  }
}
