/** Owns what a Session tells, and what it is made from. */
import type { CloseReason, Reaction, Role, RoomKind } from '../../client/index.ts';
import type { Participant } from './Participant.ts';

/** Why a call is over: `expired` and `refused` are said of those who came back after a break and were not let in. */
export type EndReason = CloseReason | 'expired' | 'refused';

/** What has a button of its own. */
export const toggleSources = ['microphone', 'camera', 'screen'] as const;
export type ToggleSource = (typeof toggleSources)[number];

/** What the button of a source shows. */
export interface SourceToggleState {
  /** Its owner wants it on, and may: it runs, or is about to. */
  readonly on: boolean;
  readonly allowed: boolean;
}

export type SourceToggles = Readonly<Record<ToggleSource, SourceToggleState>>;

export interface CallEvents {
  /** Something about the people or about ourselves is different. */
  changed: undefined;
  phase: Phase;
  /** Signalling is cut while media flows on, or there again. */
  reconnecting: boolean;
  /** Media does not get through while the signalling does, or does again. */
  mediaLost: boolean;
  /** The server is full: we try again at this moment (`performance.now()`); undefined when we wait no longer. */
  serverBusy: number | undefined;
  /** The server ends in so many seconds. */
  draining: number;
  /** The connection is about to be lost: tracks that still have a picture will have none. */
  tracksEnding: undefined;
  participantJoined: Participant;
  participantLeft: Participant;
  handRaised: Participant;
  /** We removed somebody of that name. */
  participantRemoved: string;
  screenShared: Participant;
  reaction: { person: Participant; reaction: Reaction };
  /** Somebody asks us onto the stage of a broadcast. */
  invited: string;
  /** A viewer whom a host asked onto the stage has answered. */
  inviteAnswered: { name: string; accepted: boolean };
  /** What we may publish has changed: what was on and is off therefore, and what may be switched on again. */
  permissionsChanged: { lost: readonly ToggleSource[]; gained: readonly ToggleSource[] };
  /** Something did not work, or needs to be said. */
  error: unknown;
  /** The call is over and we do not come back by ourselves. */
  ended: EndReason;
}

export type Phase = 'joining' | 'joined' | 'reconnecting' | 'ended';

export interface CallOptions {
  readonly room: string;
  readonly name: string;
  readonly token?: string;
  /** A call unless told. */
  readonly kind?: RoomKind;
  /** What we want to be where nobody needs a token. */
  readonly role?: Role;
}
