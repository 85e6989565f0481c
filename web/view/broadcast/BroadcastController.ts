/** A broadcast as its pages see it: its state, its stage, and the actions of hosts, speakers and viewers. */
import type { BroadcastInfo, BroadcastProfile, RaisedHands } from '../../client/index.ts';
import type { CallController } from '../controller/CallController.ts';
import type { Participant } from '../controller/Participant.ts';

/** What the player shows: the stage while live, else why there is nothing; `interrupted` while nobody on the stage publishes. */
export type PlayerState = 'connecting' | 'before' | 'live' | 'interrupted' | 'ended';

export class BroadcastController {
  readonly call: CallController;
  /** It is live and this user is an administrator: after a rejoin into a room of a new server it goes live again. */
  #onAir = false;

  constructor(call: CallController) {
    this.call = call;
    call.on('phase', (phase) => {
      // One that has ended was ended by somebody else, or had nobody on its stage for too long.
      if (phase === 'joined' && this.#onAir && this.info?.state === 'before') void this.goLive();
    });
    // Another administrator may have gone live, or ended it.
    call.on('changed', () => {
      if (call.phase === 'joined' && this.info) this.#onAir = call.isAdmin && this.info.state === 'live';
    });
  }

  get info(): BroadcastInfo | undefined {
    return this.call.client.broadcast.info;
  }

  /** How long it has been live, in seconds; after the end, how long it was. */
  get liveSeconds(): number {
    return this.call.client.broadcast.liveSeconds;
  }

  get hands(): RaisedHands {
    return this.call.client.broadcast.hands;
  }

  /** The remote participants on the stage. */
  get stageParticipants(): readonly Participant[] {
    return this.call.remoteParticipants;
  }

  get playerState(): PlayerState {
    const { info } = this;
    if (this.call.phase === 'joining' || !info) return 'connecting';
    if (info.state !== 'live') return info.state;
    const isPublishing = this.stageParticipants.some(
      ({ cameraOn, screenOn, muted, away }) => !away && (cameraOn || screenOn || !muted),
    );
    return isPublishing ? 'live' : 'interrupted';
  }

  /** Starts to forward the stage to the viewers. */
  goLive(): Promise<void> {
    this.#onAir = true;
    return this.call.attempt(() => this.call.client.broadcast.goLive());
  }

  end(): Promise<void> {
    this.#onAir = false;
    return this.call.attempt(() => this.call.client.broadcast.end());
  }

  setProfile(profile: BroadcastProfile): Promise<void> {
    return this.call.attempt(() => this.call.client.broadcast.setProfile(profile));
  }

  invite(peerId: string): Promise<void> {
    return this.call.attempt(() => this.call.client.broadcast.invite(peerId));
  }

  /** Answers an invitation onto the stage. After accepting, the grants permit publishing when this resolves. */
  answerInvitation(accept: boolean): Promise<void> {
    return this.call.attempt(async () => {
      await this.call.client.broadcast.answerInvite(accept);
      this.call.hand.lower();
    });
  }

  /** Leaves the stage for the viewers. */
  stepDown(): Promise<void> {
    return this.call.attempt(() => this.call.client.broadcast.stepDown());
  }

  /** Makes a participant on the stage a viewer again. */
  removeFromStage({ peerId }: Participant): Promise<void> {
    return this.call.attempt(() => this.call.client.setGrants(peerId, { canPublish: false }));
  }

  /** Removes a viewer from the room. */
  remove(peerId: string): Promise<void> {
    return this.call.attempt(() => this.call.client.kick(peerId));
  }
}
