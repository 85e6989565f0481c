/** Somebody in a room by way of a gateway: who it is, what it may do, and its end, with that of its transports. */
import { randomUUID } from 'node:crypto';
import type { CloseReason } from '../../shared/closeReasons.ts';
import type { Grants, PeerInfo } from '../../shared/protocol.ts';
import { Lifetime } from '../common/Lifetime.ts';
import type { Gateway, InfoChange, Participant } from '../room/Participant.ts';
import type { ParticipantOptions } from './participantOptions.ts';

export interface Closable {
  /** Closes all of them; idempotent. */
  closeAll(): void;
}

/** One half of it is `GatewayPublisher`, the other `GatewayViewer`. */
export abstract class GatewayParticipant implements Participant {
  readonly id = randomUUID();
  abstract readonly gateway: Gateway;
  /** Ends with the participant; its transports close before its placement is given back. */
  protected readonly lifetime = new Lifetime<CloseReason>();
  readonly #options: ParticipantOptions;
  readonly #transports: Closable;
  #grants: Grants;
  #name: string;
  #metadata: string | undefined;
  #everConnected = false;

  /** @param transports closed with the participant, or when its grants leave it no use for them */
  constructor(options: ParticipantOptions, transports: Closable) {
    const { placement, grants } = options;
    this.#options = options;
    this.#transports = transports;
    this.#grants = grants;
    this.#name = options.name;
    this.#metadata = options.metadata;
    this.lifetime.defer(() => placement[Symbol.dispose]());
    this.lifetime.defer(() => transports.closeAll());
    placement.onLost(() => this.close('mediaLost'));
  }

  get closed(): boolean {
    return this.lifetime.closed;
  }

  get identity(): string {
    return this.#options.identity;
  }

  get info(): PeerInfo {
    const { identity } = this.#options;
    const [name, metadata] = [this.#name, this.#metadata];
    return { peerId: this.id, identity, name, metadata, sources: {}, hand: false, away: false, canExchangeData: false };
  }

  setInfo({ name, metadata }: InfoChange): void {
    if (name !== undefined) this.#name = name;
    if (metadata !== undefined) this.#metadata = metadata || undefined;
  }

  get grants(): Grants {
    return this.#grants;
  }

  get everConnected(): boolean {
    return this.#everConnected;
  }

  /** One whose grants leave it no use for the room leaves. */
  setGrants(grants: Grants): void {
    this.#grants = grants;
    if (this.hasUse(grants)) return;
    this.#transports.closeAll();
    // Those who have changed the grants hear of that first.
    setImmediate(() => this.close('left'));
  }

  close(reason: CloseReason): void {
    this.lifetime.end(reason);
  }

  onEnd(listener: (reason: CloseReason) => void): void {
    this.lifetime.defer(listener);
  }

  /** Media can pass between it and its client from now on, or has passed. */
  protected setConnected(): void {
    this.#everConnected = true;
  }

  /** Whether these grants allow what it is in the room for. */
  protected abstract hasUse(grants: Grants): boolean;
}
