/** Owns a broadcast as its pages see it: on air or not, for how long, for how many, and the way onto the stage. */
import type { BroadcastInfo, BroadcastProfile, RaisedHands } from '../../client/index.ts';
import type { CallController } from '../controller/CallController.ts';
import type { Participant } from '../controller/Participant.ts';

/** What a viewer is shown: a picture, or a card that says why there is none. */
export type PlayerState = 'connecting' | 'before' | 'live' | 'interrupted' | 'ended';

export class BroadcastController {
  readonly call: CallController;
  /** It is live, and ours to run: a stay that begins anew goes on air again. */
  #onAir = false;

  constructor(call: CallController) {
    this.call = call;
    call.on('phase', (phase) => {
      if (phase === 'joined' && this.#onAir && this.info?.state !== 'live') void this.goLive();
    });
    // Another administrator may have gone live, or ended it.
    call.on('changed', () => {
      if (call.phase === 'joined' && this.info) this.#onAir = call.isAdmin && this.info.state === 'live';
    });
  }

  get info(): BroadcastInfo | undefined {
    return this.call.client.broadcast.info;
  }

  /** How long it has been live, in seconds. */
  get liveSeconds(): number {
    return this.call.client.broadcast.liveSeconds;
  }

  get hands(): RaisedHands {
    return this.call.client.broadcast.hands;
  }

  /** Those on the stage, ourselves not among them. */
  get stageParticipants(): readonly Participant[] {
    return this.call.remoteParticipants;
  }

  get playerState(): PlayerState {
    const { info } = this;
    if (this.call.phase === 'joining' || !info) return 'connecting';
    if (info.state !== 'live') return info.state;
    const shows = this.stageParticipants.some(
      ({ cameraOn, screenOn, muted, away }) => !away && (cameraOn || screenOn || !muted),
    );
    return shows ? 'live' : 'interrupted';
  }

  /** Lets the viewers in on what the stage publishes. */
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

  /** Answers an invitation; who accepts may publish when this resolves. */
  answerInvitation(accept: boolean): Promise<void> {
    return this.call.attempt(async () => {
      await this.call.client.broadcast.answerInvite(accept);
      this.call.forgetHand();
    });
  }

  /** Leaves the stage. */
  stepDown(): Promise<void> {
    return this.call.attempt(() => this.call.client.broadcast.stepDown());
  }

  /** Sends somebody on the stage back among those who watch. */
  removeFromStage({ peerId }: Participant): Promise<void> {
    return this.call.attempt(() => this.call.client.setGrants(peerId, { canPublish: false }));
  }

  /** Removes a viewer altogether. */
  remove(peerId: string): Promise<void> {
    return this.call.attempt(() => this.call.client.kick(peerId));
  }
}
