/** The results of a load test: the schema of its JSON, which the summary, the HTML report and the assertions read. */
import type { Distribution } from '../support/statistics/distribution.ts';

/** Media packets, counted at receivers by RTP sequence number. */
export interface Packets {
  /** Sequence numbers between the first and the last one received. */
  readonly expected: number;
  /** Distinct sequence numbers received. */
  readonly distinct: number;
  /** Sequence numbers that were missing when a later one arrived. */
  readonly lost: number;
  /** Those of the lost that arrived afterwards. */
  readonly repaired: number;
  /** Packets received more than once. */
  readonly duplicate: number;
  readonly bytes: number;
}

/** One track, summed over its receivers. */
export interface TrackRow {
  readonly room: string;
  readonly publisher: string;
  readonly source: string;
  readonly codec: string;
  readonly subscribers: number;
  /** Packets sent by its publisher, retransmissions not counted. */
  readonly sent: number;
  readonly packets: Packets;
  readonly latency: Distribution;
  /** Key-frame requests that the publisher received. */
  readonly keyFrameRequests: number;
}

/** One subscriber, summed over its tracks. */
export interface SubscriberRow {
  readonly room: string;
  readonly name: string;
  readonly tracks: number;
  /** Milliseconds since the socket began to open; undefined where it did not happen. */
  readonly join: number | undefined;
  readonly firstPacket: number | undefined;
  readonly firstKeyFrame: number | undefined;
  readonly packets: Packets;
  /** bit/s of RTP while it was in the room, headers included. */
  readonly bitrate: number;
  readonly latency: Distribution;
  /** Interarrival jitter (RFC 3550, 6.4.1) of its worst track at the end, milliseconds. */
  readonly jitter: number;
  /** Pauses of more than 200 ms between packets of a video track, and the longest, milliseconds. */
  readonly gaps: number;
  readonly longestGap: number;
  /** Whether it decrypted every packet instead of reading headers only. */
  readonly sampled: boolean;
  readonly error: string | undefined;
}

/** One second of the test. */
export interface TimelineRow {
  /** Seconds since the start of the test. */
  readonly second: number;
  readonly joined: number;
  readonly failed: number;
  /** All receivers together, in this second. */
  readonly packets: number;
  readonly bytes: number;
  readonly lost: number;
  /** Of the packets of this second, milliseconds; 0 without packets. */
  readonly latencyP50: number;
  readonly latencyP95: number;
  /** The busiest process of the tester, as a share of one core. */
  readonly testerCpu: number;
  /** The server's Node process, and its media workers together; undefined where they run elsewhere. */
  readonly serverCpu: number | undefined;
  readonly workersCpu: number | undefined;
}

/** Resource use of one process during the test. */
export interface ProcessRow {
  readonly role: 'tester' | 'server' | 'worker';
  readonly pid: number;
  /** Share of one core: mean, and busiest second. */
  readonly cpu: number;
  readonly cpuMost: number;
  /** Resident memory at the end, bytes. */
  readonly rss: number;
}

export interface LoadResults {
  readonly version: 1;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Seconds. */
  readonly duration: number;
  /** The command line that repeats the test. */
  readonly command: string;
  readonly url: string;
  readonly seed: number;
  readonly srtp: string;
  readonly members: {
    readonly offered: number;
    readonly joined: number;
    readonly failed: number;
    /** Failures by reason. */
    readonly failures: Readonly<Record<string, number>>;
  };
  /** Since the socket began to open. */
  readonly join: Distribution;
  readonly firstPacket: Distribution;
  /** Time to a whole key frame of video, what users wait for; `ttff` in assertions. */
  readonly firstKeyFrame: Distribution;
  /** One-way latency of single packets, from publisher to receiver. */
  readonly latency: Distribution;
  /** Over subscribers. */
  readonly jitter: Distribution;
  readonly gaps: Distribution;
  readonly packets: Packets;
  /** Packets sent by all publishers. */
  readonly sent: number;
  readonly keyFrameRequests: number;
  /** Packets that sampling receivers could not decrypt. */
  readonly undecryptable: number;
  readonly tracks: readonly TrackRow[];
  readonly subscribers: readonly SubscriberRow[];
  readonly timeline: readonly TimelineRow[];
  readonly processes: readonly ProcessRow[];
  /** Reasons why these figures describe the tester rather than the server; usually empty. */
  readonly warnings: readonly string[];
  readonly assertions: readonly { readonly text: string; readonly value: number | undefined; readonly ok: boolean }[];
}
