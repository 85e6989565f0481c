/** Events, options and phases of a CallController. */
import type {
  ChatMessage,
  ChatState,
  CloseReason,
  FileTransfer,
  Moderated,
  Reaction,
  Role,
  RoomAccess,
  RoomKind,
  RoomPolicy,
  VideoProblem,
  WaitingPeers,
} from '../../client/index.ts';
import type { Participant } from './Participant.ts';

/** Why a call ended: `expired` and `refused` where a rejoin was not admitted. */
export type EndReason = CloseReason | 'expired' | 'refused';

/** The local sources that have a toggle button. */
export const toggleSources = ['microphone', 'camera', 'screen'] as const;
export type ToggleSource = (typeof toggleSources)[number];

/** The state of a toggle button. */
export interface SourceToggleState {
  /** The user wants the source on and the grants permit it: it is on, or starting. */
  readonly on: boolean;
  readonly allowed: boolean;
}

export type SourceToggles = Readonly<Record<ToggleSource, SourceToggleState>>;

export interface CallEvents {
  /** The state of any participant, or of the broadcast, has changed. */
  changed: undefined;
  phase: Phase;
  /** Signalling is lost while media continues (true), or restored (false). */
  reconnecting: boolean;
  /** Media is lost while signalling works (true), or restored (false). */
  mediaLost: boolean;
  /** The server is busy: the time of the next attempt (`performance.now()`); undefined when the wait is over. */
  serverBusy: number | undefined;
  /** The server stops in this many seconds. */
  draining: number;
  /** The connection is closed and its tracks are about to end: the last moment to keep their pictures. */
  tracksEnding: undefined;
  participantJoined: Participant;
  participantLeft: Participant;
  handRaised: Participant;
  /** The display name of a participant whom the local one has removed. */
  participantRemoved: string;
  screenShared: Participant;
  /** Others do not see the video of a participant as they should; once for each. */
  videoProblem: { participant: Participant; problem: VideoProblem };
  reaction: { participant: Participant; reaction: Reaction };
  /** A participant offers a file. */
  fileOffered: FileTransfer;
  /** A file is sent or received: its state or its progress has changed. */
  fileChanged: FileTransfer;
  /** A message of the chat has come, or we have begun to send one. `isHistory`: it was written before we joined. */
  chatMessage: { message: ChatMessage; isHistory: boolean };
  /** A message of the chat was edited or deleted, or the state of one that we send has changed. */
  chatChanged: ChatMessage;
  /** What the local participant may do in the chat has changed. */
  chatStateChanged: ChatState;
  /** The display name of the host who invites the local participant onto the stage of a broadcast. */
  invited: string;
  /** A viewer has answered a host's invitation onto the stage. */
  inviteAnswered: { name: string; accepted: boolean };
  /** The grants have changed: the sources that were switched off, and those that can be switched on again. */
  permissionsChanged: { lost: readonly ToggleSource[]; gained: readonly ToggleSource[] };
  /** An administrator has muted or stopped a source of the local participant, or changed their grants. */
  moderated: Moderated;
  /** The local participant waits until an administrator lets them in; undefined when that is over. */
  waiting: { readonly attended: boolean } | undefined;
  /** Who waits to be let in; for administrators. */
  waitingChanged: WaitingPeers;
  /** The room was locked or opened, or its waiting room. */
  roomAccessChanged: RoomAccess;
  /** An action failed: a WeirError, a DeviceErrorReport, or anything else that was thrown. */
  error: unknown;
  /** The call is over; no rejoin follows. */
  ended: EndReason;
}

export type Phase = 'joining' | 'joined' | 'reconnecting' | 'ended';

export interface CallOptions {
  readonly room: string;
  readonly name: string;
  readonly token?: string;
  /** By default a call. */
  readonly kind?: RoomKind;
  /** The role to ask for where the server needs no token. */
  readonly role?: Role;
  /** `relay`: over TURN servers only. */
  readonly iceTransportPolicy?: RTCIceTransportPolicy | undefined;
  /** How media is to travel, where the server lets a client choose. */
  readonly policy?: RoomPolicy | undefined;
  /** How many videos a join may subscribe to at once: as many as the page can show, 0 while it is hidden. */
  initialVideoLimit(): number;
}
