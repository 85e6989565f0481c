/** A group of headless members: they join a few at a time, and leave together. */
import { Member, type MemberOptions } from '../../support/endpoint/Member.ts';
import type { Track } from '../../support/endpoint/Track.ts';

/** Concurrent handshakes: as many as one process handles without delaying its members. */
const AT_ONCE = 10;

export class Crowd implements Disposable {
  readonly members: Member[] = [];

  /** Lets members join, `atOnce` at a time; resolves when all are connected. @throws the first failure */
  async join(options: readonly MemberOptions[], atOnce = AT_ONCE): Promise<readonly Member[]> {
    const joined: Member[] = [];
    for (let from = 0; from < options.length; from += atOnce) {
      const joining = options.slice(from, from + atOnce).map((one) => Member.join(one));
      for (const { member, ready } of await Promise.all(joining)) {
        this.members.push(member);
        joined.push(member);
        await ready;
      }
    }
    return joined;
  }

  /** Packets received by all members, duplicates not counted. */
  get received(): number {
    return this.members.reduce((sum, member) => sum + receivedBy(member), 0);
  }

  get srtp(): string {
    return this.members[0]?.media.srtp ?? '';
  }

  /** All current members leave. */
  leave(): void {
    for (const member of this.members.splice(0)) member.leave();
  }

  [Symbol.dispose](): void {
    this.leave();
  }
}

export function receivedBy({ media }: Member, kind?: 'audio' | 'video'): number {
  const counted = media.all.filter(({ info }) => kind === undefined || info.kind === kind);
  return counted.reduce((sum, { distinct }) => sum + distinct, 0);
}

/** The camera tracks of a member, lowest layer first. */
export function cameraOf({ media }: Member): readonly Track[] {
  return media.tracks.get('camera') ?? [];
}
