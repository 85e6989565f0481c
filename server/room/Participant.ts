/** The role of somebody who is in a room: has an identity, holds grants, may publish, and is seen by the others. */
import type { CloseReason } from '../../shared/closeReasons.ts';
import type { Grants, PeerInfo } from '../../shared/protocol.ts';
import type { DataPort } from './data/DataPort.ts';
import type { EventSink } from './EventSink.ts';
import type { UplinkReport } from './LinkQuality.ts';
import type { PeerProducers } from './PeerProducers.ts';
import type { Subscriber } from './Subscriber.ts';

/** The ways into a room beside the client protocol. */
export const gateways = ['whip', 'whep', 'rtp', 'rtmp'] as const;
export type Gateway = (typeof gateways)[number];

/**
 * Implemented by a browser's peer, together with `Subscriber` and `EventSink`; a WHIP publisher needs no other role.
 * Whoever is only a participant publishes, and receives neither media nor events.
 */
export interface Participant {
  /** Unique to one stay in the room. */
  readonly id: string;
  /** Of the person or device: a room holds one participant per identity. */
  readonly identity: string;
  /** What it may do. With `hidden` the others are not notified of it; with `roomAdmin` it may change others' grants. */
  readonly grants: Grants;
  /** The gateway by which it is in the room; missing for a client of the protocol. */
  readonly gateway?: Gateway;
  /** How the others see it now. */
  readonly info: PeerInfo;
  /** Gives it another name, or other metadata (none if empty); missing for one of which others see neither. */
  setInfo?(change: InfoChange): void;
  /** How good its uplink is, for others; missing where that cannot be measured. @throws {WeirError} `closed` */
  getUplinkReport?(): Promise<UplinkReport>;
  /** What it publishes, as administrators may mute and stop it; missing for one that never publishes. */
  readonly producers?: ModeratedProducers;
  /**
   * Changes what it may do. Whatever the new grants do not allow has ended when this returns.
   * @param by the name of the administrator who changes it, for its client
   */
  setGrants(grants: Grants, by?: string): void;
  /**
   * Whether its client has been connected since it joined: has sent a message after the reply to `join`, or has sent or
   * can receive media. Missing where that cannot be known.
   */
  readonly everConnected?: boolean;
  /** Ends its stay in the room; idempotent. @param by the name of the administrator who ends it, for its client */
  close(reason: CloseReason, by?: string): void;
  /** Runs `listener` once it has ended, or at once if it has. */
  onEnd(listener: (reason: CloseReason) => void): void;
}

/** The producers of a participant, as administrators may mute and stop them. */
export type ModeratedProducers = Pick<PeerProducers, 'sources' | 'unmutes' | 'muteByAdmin' | 'stopByAdmin'>;

/** What is changed of how others see a participant; missing fields stay as they are. */
export interface InfoChange {
  readonly name?: string | undefined;
  readonly metadata?: string | undefined;
}

/** What a participant has beside its place in the room; both end when it does. */
export interface JoinRoles {
  /** Receives what others publish; missing for one that only publishes. */
  readonly subscriber?: Subscriber;
  /** Is sent events; missing for one that needs none. */
  readonly sink?: EventSink;
  /** Sends and receives data messages; missing for one that has no data channels. */
  readonly data?: DataPort;
}
