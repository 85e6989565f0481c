/** What a room is opened with, and what is kept of one that has closed. */
import type { Logger } from 'pino';
import type { IceServer } from '../../shared/media.ts';
import type { RoomKind, RoomPolicy } from '../../shared/protocol.ts';
import type { RoomSettings } from '../../shared/roomSettings.ts';
import type { Moderation } from '../auth/Moderation.ts';
import type { RoomRouters } from '../media/RoomRouters.ts';
import type { BroadcastSnapshot } from './Broadcast.ts';
import type { ChatSettings, ChatSnapshot } from './Chat.ts';
import type { RoomDelays } from './RoomDelays.ts';

export interface RoomOptions {
  readonly name: string;
  readonly kind: RoomKind;
  /** `sfu` by default. */
  readonly policy?: RoomPolicy | undefined;
  /** STUN and TURN servers for an identity, with fresh credentials; none by default. */
  iceServersFor?(identity: string): IceServer[];
  /** Closes with the room. */
  readonly routers: RoomRouters;
  readonly moderation: Moderation;
  /** State of a broadcast of that name that everybody has left. */
  readonly snapshot?: RoomSnapshot | undefined;
  /** `DEFAULT_ROOM_SETTINGS` by default. */
  readonly settings?: RoomSettings | undefined;
  /** Identities that were in the room which this one replaces, whose media was lost. */
  readonly returning?: readonly string[] | undefined;
  readonly chat: ChatSettings;
  /** How many others one hears at once with audio slots. */
  readonly maxAudibleSpeakers: number;
  readonly delays?: RoomDelays | undefined;
  readonly log: Logger;
}

/** What is kept of a broadcast that everybody has left. */
export interface RoomSnapshot {
  readonly broadcast: BroadcastSnapshot;
  /** Unless it has ended. */
  readonly chat: ChatSnapshot | undefined;
}

/** What a room that replaces one whose media was lost goes on with. */
export interface RoomContinuation {
  readonly settings: RoomSettings;
  /** Those who were inside, and may come back even if it is locked. */
  readonly identities: readonly string[];
}
