/** What administrators of a room may do to others, and what they have done to us. */
import type { Source } from '../../shared/media.ts';
import type { Grants, JoinReply, RoomAccess, SourceModeration, WaitingPeers } from '../../shared/protocol.ts';
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
export type ModerationApi = Omit<Moderation, 'listeners' | 'closedBy' | 'sync' | 'syncMuted'>;

const NOBODY: WaitingPeers = { total: 0, first: [] };

export class Moderation {
  readonly #options: ModerationOptions;
  #access: RoomAccess = { locked: false, waitingRoom: false };
  #waiting = NOBODY;
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
    roomAccessChanged: (access: RoomAccess) => {
      this.#access = access;
      this.#options.notify('roomAccessChanged', access);
    },
    waitingChanged: (waiting: WaitingPeers) => {
      this.#waiting = waiting;
      this.#options.notify('waitingChanged', waiting);
    },
    waiting: (state: { attended: boolean }) => this.#options.notify('waiting', state),
    closing: ({ by }: { by: string }) => {
      this.#closedBy = by;
    },
  };

  /** Whether nobody else but administrators may join. */
  get locked(): boolean {
    return this.#access.locked;
  }

  /** Whether whoever joins waits until an administrator lets them in. */
  get waitingRoom(): boolean {
    return this.#access.waitingRoom;
  }

  /** Those who wait to be let in; the server sends them to administrators only. */
  get waiting(): WaitingPeers {
    return this.#waiting;
  }

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

  /** What a peer may do, as `setGrants` changes it. @throws {WeirError} `forbidden`, `notFound` */
  async getGrants(peerId: string): Promise<Grants> {
    return (await this.#options.request('getGrants', { peerId })).grants;
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

  /**
   * Locks the room, or lets whoever joins wait until an administrator lets them in; what is missing stays as it is.
   * @throws {WeirError} `forbidden`
   */
  async updateRoom(access: Partial<RoomAccess>): Promise<void> {
    await this.#options.request('updateRoom', access);
  }

  /** Lets somebody in who waits, or everybody. @param id as in `waiting` @throws {WeirError} `forbidden`, `notFound` */
  async admit(id?: string): Promise<void> {
    await this.#options.request('admit', { id });
  }

  /** Does not let somebody in who waits, or nobody. @param id as in `waiting` @throws {WeirError} `forbidden`, `notFound` */
  async deny(id?: string): Promise<void> {
    await this.#options.request('deny', { id });
  }

  /** Ends the room for everyone, us included. @throws {WeirError} `forbidden` */
  async endRoom(): Promise<void> {
    await this.#options.request('endRoom', {});
  }

  /** Sets the state as a join or resume reply has it. */
  sync({ access, waiting = NOBODY }: Pick<JoinReply, 'access' | 'waiting'>): void {
    this.listeners.roomAccessChanged(access);
    this.listeners.waitingChanged(waiting);
  }

  /** What has been muted while our connection was lost, as a resume reply has it. */
  syncMuted(muted: readonly SourceModeration[]): void {
    for (const one of muted) this.#muted(one);
  }

  #muted({ source, by }: SourceModeration): void {
    if (this.#options.mutedByServer(source)) this.#options.notify('moderated', { action: 'muted', source, by });
  }
}
