/** The two STUN messages that a client of an ICE-lite server needs (RFC 8445, RFC 8489). */
import { randomBytes } from 'node:crypto';
import { Message } from 'werift';

const BINDING = 1;
const REQUEST = 0;
const BINDING_RESPONSE = 0x0101;
/** Priority of a host candidate (RFC 8445, section 5.1.2.2). */
const PRIORITY = 0x7eff_ffff;
const tieBreaker = randomBytes(8).readBigUInt64BE();

/** A connectivity check that nominates at once: an ICE-lite server accepts its client's choice. */
export function bindingRequest({ username, password }: { username: string; password: string }): Buffer {
  return new Message(BINDING, REQUEST)
    .setAttribute('USERNAME', username)
    .setAttribute('ICE-CONTROLLING', tieBreaker)
    .setAttribute('USE-CANDIDATE', null)
    .setAttribute('PRIORITY', PRIORITY)
    .addMessageIntegrity(Buffer.from(password))
    .addFingerprint().bytes;
}

export function isBindingResponse(data: Buffer): boolean {
  return data.length >= 20 && data.readUInt16BE(0) === BINDING_RESPONSE;
}
