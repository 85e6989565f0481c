/** A session of plain RTP as its URL knows it: it can be looked at and ended, and be asked for a key frame. */
import { randomBytes } from 'node:crypto';
import { WeirError } from '../../../shared/errors.ts';

/** What the session is about: a participant. */
export interface RtpMember {
  readonly id: string;
  close(reason: 'left'): void;
  /** Runs `listener` once it has ended, or at once if it has. */
  onEnd(listener: () => void): void;
}

/** A receiver of plain RTP. */
export interface RtpReceiver {
  requestKeyFrame(): void;
  /** Somebody asks for its session. */
  touch(): void;
}

/** The answer to a request, without the URL of the session. */
export interface RtpSessionDescription {
  readonly [field: string]: unknown;
  readonly sdp: string;
}

export class RtpSession {
  /** In its URL, which whoever knows it may use: 256 bits. */
  readonly id = randomBytes(32).toString('base64url');
  readonly description: RtpSessionDescription;
  readonly #member: RtpMember;
  readonly #receiver: RtpReceiver | undefined;

  /** @param receiver undefined where the client sends */
  constructor(member: RtpMember, description: RtpSessionDescription, receiver?: RtpReceiver) {
    this.#member = member;
    this.description = description;
    this.#receiver = receiver;
  }

  /** Of the participant. */
  get peerId(): string {
    return this.#member.id;
  }

  /** @throws {WeirError} `unsupported` where the client sends */
  requestKeyFrame(): void {
    if (!this.#receiver)
      throw new WeirError('unsupported', 'This session sends; only one that receives needs key frames.');
    this.#receiver.requestKeyFrame();
  }

  touch(): void {
    this.#receiver?.touch();
  }

  close(): void {
    this.#member.close('left');
  }

  onEnd(listener: () => void): void {
    this.#member.onEnd(listener);
  }
}

/** All sessions, by id. */
export class RtpSessions {
  readonly #sessions = new Map<string, RtpSession>();

  /** @throws {WeirError} `notFound` */
  get(id: string): RtpSession {
    const session = this.#sessions.get(id);
    if (!session) throw new WeirError('notFound', 'There is no such session, or it has ended.');
    session.touch();
    return session;
  }

  /** Keeps a session until it ends. */
  add(session: RtpSession): void {
    this.#sessions.set(session.id, session);
    session.onEnd(() => this.#sessions.delete(session.id));
  }
}
