/** The messages to and from one peer on one data channel: what is not acknowledged, and what is expected next. */
import { type DataChannelLabel, encodeDataFrame } from '../../../shared/dataFrame.ts';
import type { DirectSession } from './DirectSession.ts';

/** Messages are acknowledged after so many, or after so many milliseconds. */
const ACKNOWLEDGE = { messages: 16, delay: 100 };
/** Sequence numbers are unsigned integers of 32 bits. */
const SEQUENCES = 2 ** 32;
/** A lossy message is dropped while more than this waits in the browser, in bytes. */
const MAX_LOSSY = 262_144;
/** In milliseconds: a peer that has acknowledged nothing for so long counts as one that cannot be reached. */
const STALLED = 10_000;

export class DirectFlow {
  readonly #label: DataChannelLabel;
  #session: DirectSession | undefined;
  /** The number of the next message. */
  #next = 0;
  /** Messages that the peer has not acknowledged, oldest first. */
  #unacknowledged: { readonly sequence: number; readonly bytes: Uint8Array<ArrayBuffer> }[] = [];
  #bytes = 0;
  /** Since when the peer has acknowledged nothing of what waits (`performance.now()`). */
  #stalledSince = 0;
  /** The number of the message that is expected next. */
  #expected = 0;
  /** How many have come since the last acknowledgement. */
  #received = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(label: DataChannelLabel) {
    this.#label = label;
  }

  /** Bytes that the peer has not acknowledged. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The session that carries messages to the peer; undefined while it cannot be reached. */
  get session(): DirectSession | undefined {
    return this.#channel && this.#session?.lost === false ? this.#session : undefined;
  }

  /** Whether messages reach the peer, as far as it is known: its page may hang while its browser sends media. */
  get isReached(): boolean {
    if (!this.session) return false;
    return this.#bytes === 0 || performance.now() - this.#stalledSince < STALLED;
  }

  /** Sends over this session from now on, whose channel is open. */
  attach(session: DirectSession): void {
    // The channel of a former negotiation may open last; that one ends soon.
    if (this.#session && session.negotiation < this.#session.negotiation) return;
    this.#session = session;
    this.#stalledSince = performance.now();
    // What was on its way over the former session may be lost; the peer drops what it has.
    for (const { bytes } of this.#unacknowledged) this.#transmit(bytes);
  }

  /** Sends a message, now or as soon as there is a session. */
  send(topic: string, data: Uint8Array): void {
    const sequence = this.#takeSequence();
    const bytes = encodeDataFrame({ sequence, topic, peerIds: [], data });
    if (this.#bytes === 0) this.#stalledSince = performance.now();
    this.#unacknowledged.push({ sequence, bytes });
    this.#bytes += bytes.length;
    this.#transmit(bytes);
  }

  /** Sends a message now or never. */
  sendLossy(topic: string, data: Uint8Array): void {
    const sequence = this.#takeSequence();
    if ((this.#channel?.bufferedAmount ?? 0) >= MAX_LOSSY) return;
    this.#transmit(encodeDataFrame({ sequence, topic, peerIds: [], data }));
  }

  /** The peer has all messages up to this one. */
  acknowledge(sequence: number): void {
    const index = this.#unacknowledged.findIndex((one) => one.sequence === sequence);
    if (index >= 0) this.#stalledSince = performance.now();
    for (const { bytes } of this.#unacknowledged.splice(0, index + 1)) this.#bytes -= bytes.length;
  }

  /** Sends nothing again of what the peer has not acknowledged. */
  drop(): void {
    this.#unacknowledged = [];
    this.#bytes = 0;
  }

  /**
   * Counts a message of the peer, and acknowledges it over the session that it came by.
   * @returns `repeated` if it has come before; `gap` if it is new, but the peer has dropped some before it
   */
  receive(session: DirectSession, label: 'reliable' | 'bulk', sequence: number): 'next' | 'gap' | 'repeated' {
    // Serial number arithmetic (RFC 1982): numbers begin anew after the last one.
    const ahead = (sequence - this.#expected) >>> 0;
    const isRepeated = ahead >= SEQUENCES / 2;
    if (!isRepeated) this.#expected = (sequence + 1) % SEQUENCES;
    this.#received += 1;
    const acknowledge = () => {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#received = 0;
      session.acknowledge(label, (this.#expected + SEQUENCES - 1) % SEQUENCES);
    };
    if (this.#received >= ACKNOWLEDGE.messages) acknowledge();
    else this.#timer ??= setTimeout(acknowledge, ACKNOWLEDGE.delay);
    if (isRepeated) return 'repeated';
    return ahead > 0 ? 'gap' : 'next';
  }

  close(): void {
    clearTimeout(this.#timer);
    this.drop();
  }

  get #channel(): RTCDataChannel | undefined {
    const channel = this.#session?.connection.channel(this.#label);
    return channel?.readyState === 'open' ? channel : undefined;
  }

  /** Sends it if there is a channel. */
  #transmit(bytes: Uint8Array<ArrayBuffer>): void {
    try {
      this.#channel?.send(bytes);
    } catch {
      // The browser's buffer is full, or the peer takes no messages of this size: the peer notices the gap.
    }
  }

  #takeSequence(): number {
    const sequence = this.#next;
    this.#next = (sequence + 1) % SEQUENCES;
    return sequence;
  }
}
