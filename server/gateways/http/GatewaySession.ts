/** A session of WHIP or WHEP as its URL knows it: it can be ended, and its ICE be restarted. */
import { randomBytes } from 'node:crypto';
import type { CloseReason } from '../../../shared/closeReasons.ts';
import { WeirError } from '../../../shared/errors.ts';
import type { IceParameters } from '../../../shared/media.ts';
import { newEntityTag } from '../../common/entityTag.ts';

/** Whom the lines of a session are about. */
export interface SessionIds {
  readonly room: string;
  readonly identity: string;
  readonly peer: string;
}

/** What the session is about: a participant with a transport. */
export interface SessionMedia {
  /** For the log. */
  readonly ids: SessionIds;
  /**
   * Restarts ICE at the server.
   * @returns an SDP fragment with its new parameters
   * @throws {WeirError} `rateLimited`, `closed`; ICE goes on as before then
   */
  restartIce(): Promise<string>;
  /**
   * Takes the client's answer to a counter-offer; missing where there was none.
   * @returns the client's ICE parameters
   * @throws {WeirError} `badRequest`, `unsupported`: the offer may be answered again; `unauthorized`, `closed`
   */
  answer?(sdp: string): Promise<IceParameters>;
  close(reason: CloseReason): void;
  /** Runs `listener` once it has ended, or at once if it has. */
  onEnd(listener: (reason: CloseReason) => void): void;
}

export class GatewaySession {
  /** In its URL, which whoever knows it may use: 256 bits. */
  readonly id = randomBytes(32).toString('base64url');
  readonly #media: SessionMedia;
  #entityTag = newEntityTag();
  /** The client's user name of the current ICE session: another one asks for a restart. Undefined before its answer. */
  #usernameFragment: string | undefined;
  #answering = false;

  /** @param clientIce of its offer; undefined where it has to answer a counter-offer */
  constructor(media: SessionMedia, clientIce?: IceParameters) {
    this.#media = media;
    this.#usernameFragment = clientIce?.usernameFragment;
  }

  get peerId(): string {
    return this.#media.ids.peer;
  }

  /** For the log. */
  get ids(): SessionIds {
    return this.#media.ids;
  }

  /** Names the current ICE session. */
  get entityTag(): string {
    return this.#entityTag;
  }

  /** Whether the client's ICE parameters are new, which is how it asks for a restart. */
  isRestart({ usernameFragment }: IceParameters): boolean {
    return this.#usernameFragment !== undefined && usernameFragment !== this.#usernameFragment;
  }

  /** Whether there is a counter-offer that has been, or is to be, answered. */
  get takesAnswer(): boolean {
    return this.#media.answer !== undefined;
  }

  /** @throws as `SessionMedia.answer`; {WeirError} `conflict` when it has been answered */
  async answer(sdp: string): Promise<void> {
    if (this.#answering || this.#usernameFragment !== undefined) {
      throw new WeirError('conflict', 'The offer of this session has been answered.');
    }
    this.#answering = true;
    try {
      const ice = await this.#media.answer?.(sdp);
      this.#usernameFragment = ice?.usernameFragment;
    } finally {
      this.#answering = false;
    }
  }

  /** @returns as `SessionMedia.restartIce`. There is a new entity tag then @throws as that */
  async restartIce({ usernameFragment }: IceParameters): Promise<string> {
    const fragment = await this.#media.restartIce();
    this.#usernameFragment = usernameFragment;
    this.#entityTag = newEntityTag();
    return fragment;
  }

  close(): void {
    this.#media.close('left');
  }

  onEnd(listener: () => void): void {
    this.#media.onEnd(listener);
  }
}
