/** Sums over members: a row per subscriber, a row per published track, and the receivers of each track. */
import type { Member } from '../support/endpoint/Member.ts';
import type { Receiver } from '../support/endpoint/Receiver.ts';
import { Histogram } from '../support/statistics/Histogram.ts';
import type { Published, Received as ReceivedRow } from './messages.ts';
import type { MemberPlan } from './plan.ts';
import type { Packets, SubscriberRow } from './results.ts';

export const noPackets: Packets = { expected: 0, distinct: 0, lost: 0, repaired: 0, duplicate: 0, bytes: 0 };

export function addPackets(a: Packets, b: Packets): Packets {
  return {
    expected: a.expected + b.expected,
    distinct: a.distinct + b.distinct,
    lost: a.lost + b.lost,
    repaired: a.repaired + b.repaired,
    duplicate: a.duplicate + b.duplicate,
    bytes: a.bytes + b.bytes,
  };
}

/** The totals of one subscriber. @param until the end of the test, in milliseconds since 1970 */
export function subscriberRow(
  { room, name, sampled }: MemberPlan,
  member: Member | undefined,
  until: number,
  error?: string,
): SubscriberRow {
  const receivers = member?.media.all ?? [];
  const latency = new Histogram();
  for (const receiver of receivers) latency.merge(receiver.latency);
  const packets = receivers.reduce(addPackets, noPackets);
  const began = member?.moments.began ?? until;
  const since = (moments: readonly number[]) => {
    const came = moments.filter((moment) => moment > 0);
    return came.length > 0 ? Math.min(...came) - began : undefined;
  };
  const { audio = false, video = false } = member?.metMedia ?? {};
  return {
    room,
    name,
    tracks: receivers.length,
    join: since([member?.moments.joined ?? 0]),
    firstPacket: audio || video ? since(receivers.map(({ firstAt }) => firstAt)) : undefined,
    firstKeyFrame: video ? since(receivers.map(({ firstFrameAt }) => firstFrameAt)) : undefined,
    packets,
    bitrate: until > began ? (packets.bytes * 8000) / (until - began) : 0,
    latency: latency.distribution(),
    jitter: Math.max(0, ...receivers.map(({ jitter, clockRate }) => (jitter / clockRate) * 1000)),
    gaps: receivers.reduce((sum, { gaps }) => sum + gaps, 0),
    longestGap: Math.max(0, ...receivers.map(({ longestGap }) => longestGap)),
    sampled,
    error,
  };
}

export function publishedBy({ room, name }: MemberPlan, member: Member): Published[] {
  return [...member.media.tracks].map(([source, layers]) => ({
    key: `${member.peerId}/${source}`,
    room,
    publisher: name,
    source,
    codec: layers[0]?.stream.mimeType.split('/')[1] ?? '',
    sent: layers.reduce((sum, { packets }) => sum + packets, 0),
    keyFrameRequests: layers.reduce((sum, { keyFrameRequests }) => sum + keyFrameRequests, 0),
  }));
}

/** The streams of one track at all its receivers. */
export class Received {
  readonly #tracks = new Map<string, { subscribers: number; packets: Packets; latency: Histogram }>();

  add(member: Member): void {
    for (const receiver of member.media.all) this.#addStream(receiver);
  }

  rows(): ReceivedRow[] {
    return [...this.#tracks].map(([key, { latency, ...rest }]) => ({ key, ...rest, latency: latency.toJSON() }));
  }

  #addStream(receiver: Receiver): void {
    const key = `${receiver.info.peerId}/${receiver.info.source}`;
    const track = this.#tracks.get(key) ?? { subscribers: 0, packets: noPackets, latency: new Histogram() };
    this.#tracks.set(key, track);
    track.subscribers += 1;
    track.packets = addPackets(track.packets, receiver);
    track.latency.merge(receiver.latency);
  }
}
