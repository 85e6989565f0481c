/** A headless member of a trial: records when it was cut and resumed, how its session ended, and what it received. */
import type { CloseReason } from '../../../shared/closeReasons.ts';
import { Member } from '../../support/endpoint/Member.ts';
import { steady } from '../../support/media/material.ts';
import { steadyVideo } from '../../support/media/steady.ts';
import { until } from '../../support/until.ts';

export class Guest implements Disposable {
  readonly name: string;
  /** Moments (`performance.now()`). */
  readonly cuts: number[] = [];
  readonly resumes: number[] = [];
  readonly ends: CloseReason[] = [];
  /** Since when the server has reported that others are away. */
  readonly awaySince = new Map<string, number>();
  #member: Member | undefined;

  private constructor(name: string) {
    this.name = name;
  }

  /** @param publishes whether it publishes a synthetic video of 1.58 Mbit/s */
  static async enter(url: string, room: string, name: string, publishes = false): Promise<Guest> {
    const guest = new Guest(name);
    const { member, ready } = await Member.join({
      url,
      room,
      name,
      tracks: publishes ? { camera: [steadyVideo(steady)] } : {},
      onReconnecting: () => guest.cuts.push(performance.now()),
      onResumed: () => guest.resumes.push(performance.now()),
      onEnd: (reason) => guest.ends.push(reason),
      onAway: (peerId, away) => {
        if (away) guest.awaySince.set(peerId, performance.now());
        else guest.awaySince.delete(peerId);
      },
    });
    guest.#member = member;
    await ready;
    return guest;
  }

  get member(): Member {
    if (!this.#member) throw new Error(`${this.name} is not in.`);
    return this.#member;
  }

  /** Distinct packets received. */
  get packets(): number {
    return this.member.media.all.reduce((sum, { distinct }) => sum + distinct, 0);
  }

  /** Gaps of more than 200 ms in what was received. */
  get gaps(): number {
    return this.member.media.all.reduce((sum, { gaps }) => sum + gaps, 0);
  }

  /** The longest gap, in milliseconds. */
  get longestGap(): number {
    return Math.max(0, ...this.member.media.all.map(({ longestGap }) => longestGap));
  }

  /** The ids of its consumers, which a resume must not change. */
  get consumerIds(): string {
    return this.member.media.all
      .map(({ info }) => info.consumerId)
      .sort()
      .join();
  }

  /** Waits until it receives media from now on. */
  async flows(): Promise<void> {
    const { packets } = this;
    await until(`media to ${this.name}`, 10_000, () => this.packets > packets + 30);
  }

  [Symbol.dispose](): void {
    this.#member?.leave();
  }
}
