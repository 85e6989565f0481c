/** Connectivity checks of a client of an ICE-lite server (RFC 8445, RFC 8489). */
import { randomBytes } from 'node:crypto';
import { Message } from 'werift';
import type { IceParameters } from '../../../shared/media.ts';

const BINDING = 1;
const REQUEST = 0;
const BINDING_RESPONSE = 0x0101;
const BINDING_ERROR = 0x0111;
/** The transaction id in a message. */
const TRANSACTION = { from: 8, to: 20 } as const;
/** Priority of a host candidate (RFC 8445, section 5.1.2.2). */
const PRIORITY = 0x7eff_ffff;
/** Milliseconds: first and maximum interval of unanswered checks, and interval of consent checks (RFC 7675). */
const INTERVAL = { first: 50, most: 500, consent: 5000 };
const tieBreaker = randomBytes(8).readBigUInt64BE();

/** Sends checks to one candidate, each of which nominates it: an ICE-lite server accepts its client's choice. */
export class ConnectivityChecks {
  readonly #send: (packet: Buffer) => void;
  readonly #username: string;
  readonly #password: Buffer;
  /** When each unanswered check was sent, by its transaction id. */
  readonly #sentAt = new Map<string, number>();
  readonly #answered = Promise.withResolvers<number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (packet: Buffer) => void, { usernameFragment, password }: IceParameters, ownFragment: string) {
    this.#send = send;
    this.#username = `${usernameFragment}:${ownFragment}`;
    this.#password = Buffer.from(password);
    this.#answered.promise.catch(() => {});
  }

  /**
   * Checks until the first answer, or until `fail`.
   * @returns the round-trip time in milliseconds
   * @throws {Error} when the answer is an error
   */
  async run(): Promise<number> {
    let pause = INTERVAL.first;
    const check = () => {
      this.#check();
      this.#timer = setTimeout(check, pause);
      pause = Math.min(INTERVAL.most, pause * 2);
    };
    check();
    try {
      return await this.#answered.promise;
    } finally {
      this.close();
      this.#sentAt.clear();
    }
  }

  /** Keeps the consent fresh until `close`. */
  keepConsent(): void {
    this.#timer = setInterval(() => this.#send(this.#request()), INTERVAL.consent);
  }

  /** Takes a packet that begins like a STUN message. */
  receive(data: Buffer): void {
    if (data.length < TRANSACTION.to) return;
    const sentAt = this.#sentAt.get(transactionOf(data));
    if (sentAt === undefined) return;
    const type = data.readUInt16BE(0);
    if (type === BINDING_RESPONSE) this.#answered.resolve(performance.now() - sentAt);
    else if (type === BINDING_ERROR) this.fail(new Error('ICE: the server refuses the check.'));
  }

  /** Ends the checks with an error, if none has been answered. */
  fail(error: Error): void {
    this.#answered.reject(error);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #check(): void {
    const request = this.#request();
    this.#sentAt.set(transactionOf(request), performance.now());
    this.#send(request);
  }

  #request(): Buffer {
    return new Message(BINDING, REQUEST)
      .setAttribute('USERNAME', this.#username)
      .setAttribute('ICE-CONTROLLING', tieBreaker)
      .setAttribute('USE-CANDIDATE', null)
      .setAttribute('PRIORITY', PRIORITY)
      .addMessageIntegrity(this.#password)
      .addFingerprint().bytes;
  }
}

function transactionOf(message: Buffer): string {
  return message.toString('latin1', TRANSACTION.from, TRANSACTION.to);
}
