/** What administrators of a room may do to others, and what they have done to us. */
import type { Source } from '../../shared/media.ts';
import type { SourceModeration } from '../../shared/protocol.ts';
import type { Notify } from './events.ts';
import type { Request } from './Signalling.ts';

export interface ModerationOptions {
  /** @throws {WeirError} `notJoined` */
  readonly request: Request;
  readonly notify: Notify;
  /** An administrator has muted a source at the server. @returns whether it was unmuted here */
  mutedByServer(source: Source): boolean;
  /** An administrator has stopped a producer of ours at the server. @returns whether it was still published here */
  stoppedByServer(source: Source, producerId: string): boolean;
}

/** The members of `Moderation` that an application uses. */
export type ModerationApi = Omit<Moderation, 'listeners' | 'closedBy' | 'sync'>;

export class Moderation {
  readonly #options: ModerationOptions;
  #closedBy: string | undefined;

  constructor(options: ModerationOptions) {
    this.#options = options;
  }

  /** The listeners of the server's events about moderation. */
  readonly listeners = {
    sourceMuted: (muted: SourceModeration) => this.#muted(muted),
    sourceStopped: ({ source, producerId, by }: SourceModeration & { producerId: string }) => {
      if (!this.#options.stoppedByServer(source, producerId)) return;
      this.#options.notify('moderated', { action: 'stopped', source, by });
    },
    closing: ({ by }: { by: string }) => {
      this.#closedBy = by;
    },
  };

  /** Who is closing this session, once the server has said so. */
  get closedBy(): string | undefined {
    return this.#closedBy;
  }

  /**
   * Mutes a source of a peer, who alone can unmute it; needs the grant `roomAdmin`, as all of these do.
   * @throws {WeirError} `forbidden`, `notFound` if it does not publish that
   */
  async muteSource(peerId: string, source: Source = 'microphone'): Promise<void> {
    await this.#options.request('muteSource', { peerId, source });
  }

  /** Mutes the microphones of all others. @returns how many were not muted before @throws {WeirError} `forbidden` */
  async muteAll(): Promise<number> {
    return (await this.#options.request('muteAll', {})).muted;
  }

  /**
   * Stops a source of a peer, who may publish it again; with a screen its sound stops.
   * @throws {WeirError} `forbidden`, `notFound` if it does not publish that
   */
  async stopSource(peerId: string, source: Source): Promise<void> {
    await this.#options.request('stopSource', { peerId, source });
  }

  /** Ends the room for everyone, us included. @throws {WeirError} `forbidden` */
  async endRoom(): Promise<void> {
    await this.#options.request('endRoom', {});
  }

  /** What has been muted while our connection was lost, as a resume reply has it. */
  sync(muted: readonly SourceModeration[]): void {
    for (const one of muted) this.#muted(one);
  }

  #muted({ source, by }: SourceModeration): void {
    if (this.#options.mutedByServer(source)) this.#options.notify('moderated', { action: 'muted', source, by });
  }
}
