/** Owns what a load test finds: the form of its JSON, which the summary, the HTML report and the assertions read. */
import type { Distribution } from '../support/statistics/distribution.ts';

/** Packets of media, counted at receivers by RTP sequence numbers. */
export interface Packets {
  /** Sequence numbers between the first and the last one that came. */
  readonly expected: number;
  /** Different sequence numbers that came, sooner or later. */
  readonly distinct: number;
  /** Sequence numbers that were missing when a later one came. */
  readonly lost: number;
  /** Of those, how many came afterwards. */
  readonly repaired: number;
  /** Packets that had come already. */
  readonly duplicate: number;
  readonly bytes: number;
}

/** One track as it was received by everyone. */
export interface TrackRow {
  readonly room: string;
  readonly publisher: string;
  readonly source: string;
  readonly codec: string;
  readonly subscribers: number;
  /** Packets that its publisher sent, repeats not counted. */
  readonly sent: number;
  readonly packets: Packets;
  readonly latency: Distribution;
  /** Key frames that the server asked the publisher for. */
  readonly keyFrameRequests: number;
}

/** One subscriber with everything that it received. */
export interface SubscriberRow {
  readonly room: string;
  readonly name: string;
  readonly tracks: number;
  /** Milliseconds since the socket began to open; undefined where it never came. */
  readonly join: number | undefined;
  readonly firstPacket: number | undefined;
  readonly firstKeyFrame: number | undefined;
  readonly packets: Packets;
  /** bit/s of RTP over its stay, headers included. */
  readonly bitrate: number;
  readonly latency: Distribution;
  /** Interarrival jitter (RFC 3550, 6.4.1) of its worst track at the end, milliseconds. */
  readonly jitter: number;
  /** Pauses of more than 200 ms between packets of a video track, and the longest, milliseconds. */
  readonly gaps: number;
  readonly longestGap: number;
  /** Whether it decrypted everything, rather than reading headers only. */
  readonly sampled: boolean;
  readonly error: string | undefined;
}

/** One second of the test. */
export interface TimelineRow {
  /** Seconds since the test began. */
  readonly second: number;
  readonly joined: number;
  readonly failed: number;
  /** Of all receivers together, in this second. */
  readonly packets: number;
  readonly bytes: number;
  readonly lost: number;
  /** Of the packets of this second, milliseconds; 0 where none came. */
  readonly latencyP50: number;
  readonly latencyP95: number;
  /** Share of one core, 1 being all of it: the busiest process of the tester. */
  readonly testerCpu: number;
  /** The server's Node process, and its media workers together; undefined where they run elsewhere. */
  readonly serverCpu: number | undefined;
  readonly workersCpu: number | undefined;
}

/** A process while the test ran. */
export interface ProcessRow {
  readonly role: 'tester' | 'server' | 'worker';
  readonly pid: number;
  /** Share of one core, mean and busiest second. */
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
  /** The command line that does it again. */
  readonly command: string;
  readonly url: string;
  readonly seed: number;
  readonly srtp: string;
  readonly members: {
    readonly offered: number;
    readonly joined: number;
    readonly failed: number;
    /** How often each reason for failing occurred. */
    readonly failures: Readonly<Record<string, number>>;
  };
  /** From the moment that a socket began to open. */
  readonly join: Distribution;
  readonly firstPacket: Distribution;
  /** A whole key frame of video: what users wait for. Called `ttff` in assertions. */
  readonly firstKeyFrame: Distribution;
  /** Of single packets, from publisher to receiver. */
  readonly latency: Distribution;
  /** Over subscribers. */
  readonly jitter: Distribution;
  readonly gaps: Distribution;
  readonly packets: Packets;
  /** Packets that all publishers sent. */
  readonly sent: number;
  readonly keyFrameRequests: number;
  /** Packets that sampling receivers could not decrypt. */
  readonly undecryptable: number;
  readonly tracks: readonly TrackRow[];
  readonly subscribers: readonly SubscriberRow[];
  readonly timeline: readonly TimelineRow[];
  readonly processes: readonly ProcessRow[];
  /** Why these figures say more of the tester than of the server; empty where they do not. */
  readonly warnings: readonly string[];
  readonly assertions: readonly { readonly text: string; readonly value: number | undefined; readonly ok: boolean }[];
}
