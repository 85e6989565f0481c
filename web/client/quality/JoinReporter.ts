/** Reports to the server, once, how a join went: how long it took until a video was there, and how media is connected. */
import type { JoinReport } from '../../../shared/protocol.ts';
import type { QualitySample } from './QualitySample.ts';

type Candidate = NonNullable<JoinReport['candidate']>;

/** How one transport is connected, in the terms of webrtc-stats. */
interface Connection {
  /** Whom it connects to directly; undefined for the server. */
  readonly peerId?: string;
  readonly direction: 'send' | 'receive';
  /** Undefined until ICE has selected one. */
  readonly pair?: {
    readonly local: Candidate & { readonly relayProtocol?: Candidate['protocol'] };
  };
}

export interface JoinReporterOptions {
  /** When the join was wished for (`performance.now()`), and how long it took until we were in the room, in milliseconds. */
  readonly wished: number;
  readonly joinTime: number;
  /** Whether others were publishing a video then, which we want to see. */
  readonly expectsVideo: boolean;
  /** One look at the videos that should arrive. */
  sample(): Promise<Pick<QualitySample, 'received'>>;
  /** How each transport is connected. */
  connections(): Promise<readonly Connection[]>;
  /** Sends the report. It does not matter whether it arrives. */
  report(report: JoinReport): void;
}

/**
 * In milliseconds: the interval of looks, of which each costs a tenth of the time at most; how long a first frame is waited for;
 * and how long a connection is, where there is no video to wait for.
 */
const TIMES = { interval: 100, video: 30_000, connection: 10_000 };

export class JoinReporter {
  readonly #options: JoinReporterOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: JoinReporterOptions) {
    this.#options = options;
    void this.#turn();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #turn(): Promise<void> {
    const begun = performance.now();
    const report = await this.#look(begun - this.#options.wished).catch(() => undefined);
    if (this.#closed) return;
    if (report) {
      this.close();
      this.#options.report(report);
      return;
    }
    const pause = Math.max(TIMES.interval, 9 * (performance.now() - begun));
    this.#timer = setTimeout(() => void this.#turn(), pause);
  }

  /** @param age since the join was wished for, in milliseconds @returns undefined while there is something to wait for */
  async #look(age: number): Promise<JoinReport | undefined> {
    const { wished, joinTime, expectsVideo, sample, connections } = this.#options;
    const firstFrame = expectsVideo ? firstFrameIn(await sample(), wished, age) : 'none';
    if (firstFrame === undefined) return undefined;
    const candidate = candidateOf(await connections());
    if (!candidate && firstFrame === 'none' && age < TIMES.connection) return undefined;
    return { joinSeconds: seconds(joinTime), firstFrame, ...(candidate && { candidate }) };
  }
}

/** @returns undefined while a first frame may still come */
function firstFrameIn(
  { received }: Pick<QualitySample, 'received'>,
  wished: number,
  age: number,
): JoinReport['firstFrame'] | undefined {
  const videos = received.filter(({ frames }) => frames !== undefined);
  if (videos.some(({ frames = 0 }) => frames > 0)) return seconds(performance.now() - wished);
  if (age < TIMES.video) return undefined;
  // Those that are hidden or muted by now are not among them.
  return videos.length > 0 ? 'missing' : 'none';
}

/** Our end of a selected candidate pair with the server: that of the transport for receiving, or else that for sending. */
function candidateOf(connections: readonly Connection[]): Candidate | undefined {
  const pairs = connections.filter(({ peerId, pair }) => peerId === undefined && pair);
  const { pair } = pairs.find(({ direction }) => direction === 'receive') ?? pairs[0] ?? {};
  if (!pair) return undefined;
  const { candidateType, protocol, relayProtocol } = pair.local;
  return { candidateType, protocol: candidateType === 'relay' ? (relayProtocol ?? protocol) : protocol };
}

/** Rounded to a millisecond, and not above what the protocol takes. */
function seconds(milliseconds: number): number {
  return Math.min(600, Math.round(milliseconds) / 1000);
}
