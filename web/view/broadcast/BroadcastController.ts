/** Owns a broadcast as its pages see it: on air or not, for how long, for how many, and the way onto the stage. */
import type { BroadcastInfo, BroadcastProfile, RaisedHands } from '../../client/index.ts';
import type { CallController } from '../participation/CallController.ts';
import type { Person } from '../participation/Person.ts';

/** What a viewer is shown: a picture, or a card that says why there is none. */
export type Scene = 'connecting' | 'before' | 'live' | 'held' | 'ended';

export class BroadcastController {
  readonly session: CallController;
  /** It is live, and ours to run: a stay that begins anew goes on air again. */
  #onAir = false;

  constructor(session: CallController) {
    this.session = session;
    session.on('phase', (phase) => {
      if (phase === 'in' && this.#onAir && this.info?.state !== 'live') void this.goLive();
    });
    // Another administrator may have gone live, or ended it.
    session.on('changed', () => {
      if (session.phase === 'in' && this.info) this.#onAir = session.isAdmin && this.info.state === 'live';
    });
  }

  get info(): BroadcastInfo | undefined {
    return this.session.client.broadcast.info;
  }

  /** How long it has been live, in seconds. */
  get liveSeconds(): number {
    return this.session.client.broadcast.liveSeconds;
  }

  get hands(): RaisedHands {
    return this.session.client.broadcast.hands;
  }

  /** Those on the stage, ourselves not among them. */
  get stage(): readonly Person[] {
    return this.session.others;
  }

  get scene(): Scene {
    const { info } = this;
    if (this.session.phase === 'joining' || !info) return 'connecting';
    if (info.state !== 'live') return info.state;
    const shows = this.stage.some(({ cameraOn, screenOn, muted, away }) => !away && (cameraOn || screenOn || !muted));
    return shows ? 'live' : 'held';
  }

  /** Lets the viewers in on what the stage publishes. */
  goLive(): Promise<void> {
    this.#onAir = true;
    return this.session.attempt(() => this.session.client.broadcast.goLive());
  }

  end(): Promise<void> {
    this.#onAir = false;
    return this.session.attempt(() => this.session.client.broadcast.end());
  }

  setProfile(profile: BroadcastProfile): Promise<void> {
    return this.session.attempt(() => this.session.client.broadcast.setProfile(profile));
  }

  invite(peerId: string): Promise<void> {
    return this.session.attempt(() => this.session.client.broadcast.invite(peerId));
  }

  /** Answers an invitation; who accepts may publish when this resolves. */
  answer(accept: boolean): Promise<void> {
    return this.session.attempt(async () => {
      await this.session.client.broadcast.answer(accept);
      this.session.forgetHand();
    });
  }

  /** Leaves the stage. */
  stepDown(): Promise<void> {
    return this.session.attempt(() => this.session.client.broadcast.stepDown());
  }

  /** Sends somebody on the stage back among those who watch. */
  sendBack({ peerId }: Person): Promise<void> {
    return this.session.attempt(() => this.session.client.setGrants(peerId, { canPublish: false }));
  }

  /** Removes a viewer altogether. */
  remove(peerId: string): Promise<void> {
    return this.session.attempt(() => this.session.client.kick(peerId));
  }
}
