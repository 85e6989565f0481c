/** Owns crowds of headless members: they come some at a time, and leave together. */
import { Member, type MemberOptions } from '../../support/endpoint/Member.ts';
import type { Track } from '../../support/endpoint/Track.ts';

/** Handshakes at once: what a process can do without making its members wait for each other. */
const AT_ONCE = 10;

export class Crowd implements Disposable {
  readonly members: Member[] = [];

  /** Lets them in, `atOnce` at a time; it resolves when all are connected. @throws why one of them is not */
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

  /** Every packet that came to somebody, repeats not counted. */
  get received(): number {
    return this.members.reduce((sum, member) => sum + receivedBy(member), 0);
  }

  get srtp(): string {
    return this.members[0]?.media.srtp ?? '';
  }

  /** All leave who are here now. */
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

/** What a member sends as its camera, lowest layer first. */
export function cameraOf({ media }: Member): readonly Track[] {
  return media.tracks.get('camera') ?? [];
}
