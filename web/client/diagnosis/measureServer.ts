/** Measures the round trips to a server, over its signalling and over HTTP, and how its clock differs from this device's. */
import { WeirError } from '../../../shared/errors.ts';
import { signallingUrl } from '../base.ts';
import type { SignallingKind } from '../Signalling.ts';
import { connectFailure } from '../signalling/connectFailure.ts';
import { type AttemptOutcome, type OpenConnection, openConnection } from '../signalling/openConnection.ts';
import { wait } from './abortable.ts';
import { median } from './median.ts';

/** How many round trips are measured of each kind, and the pause between two, in milliseconds. */
const PINGS = { signalling: 15, http: 3, pause: 60 };
/** How long one round trip may take, in milliseconds. */
const TIMEOUT = 5000;

/** In milliseconds. */
export interface ServerTimes {
  /** What carries the signalling here: anything but a WebSocket means that those are blocked. */
  readonly kind: SignallingKind;
  /** The kinds that were tried besides. */
  readonly others: ReadonlyMap<SignallingKind, AttemptOutcome>;
  /** From the request for a connection to the first message of the server. */
  readonly connectTime: number;
  /** The median of the round trips over the signalling. */
  readonly signallingRoundTripTime: number;
  /** The median over HTTP; undefined where no request succeeded. */
  readonly httpRoundTripTime: number | undefined;
  /**
   * How far the clock of this device is ahead of the server's, within a second, which is the resolution of the header
   * `Date`; undefined where the header is missing.
   */
  readonly clockOffset: number | undefined;
}

/**
 * @param options.url the URL of the server
 * @throws {WeirError} `unavailable`, with one of `connectReasons`, where no connection opens; the reason of the signal
 */
export async function measureServer({ url, signal }: { url: string; signal: AbortSignal }): Promise<ServerTimes> {
  const [signalling, http] = await Promise.all([measureSignalling(url, signal), measureHttp(url, signal)]);
  return { ...signalling, ...http };
}

async function measureSignalling(url: string, signal: AbortSignal) {
  const startedAt = performance.now();
  const { socket, others } = await open(url, signal);
  const connectTime = performance.now() - startedAt;
  const times: number[] = [];
  try {
    while (times.length < PINGS.signalling) {
      const sentAt = performance.now();
      await socket.channel.request('ping', {}, TIMEOUT);
      times.push(performance.now() - sentAt);
      await wait(PINGS.pause, signal);
    }
  } finally {
    socket.leave();
  }
  return { kind: socket.kind, others, connectTime, signallingRoundTripTime: median(times) ?? Number.NaN };
}

async function open(url: string, signal: AbortSignal): Promise<OpenConnection> {
  try {
    return await openConnection({ url, listeners: {}, onClose() {}, signal });
  } catch (error) {
    signal.throwIfAborted();
    // A server that has answered has given its reason.
    if (WeirError.from(error).code !== 'unavailable') throw error;
    throw await connectFailure(signallingUrl(url), error);
  }
}

async function measureHttp(url: string, signal: AbortSignal) {
  const samples: { time: number; offset: number | undefined }[] = [];
  for (let count = 0; count < PINGS.http; count += 1) {
    const sample = await requestHealth(url, signal).catch(() => undefined);
    signal.throwIfAborted();
    if (sample) samples.push(sample);
  }
  const best = samples.sort((a, b) => a.time - b.time)[0];
  return { httpRoundTripTime: median(samples.map(({ time }) => time)), clockOffset: best?.offset };
}

async function requestHealth(url: string, signal: AbortSignal) {
  const sentAt = performance.now();
  const response = await fetch(new URL('health', url), {
    cache: 'no-store',
    credentials: 'omit',
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]),
  });
  const time = performance.now() - sentAt;
  const now = Date.now();
  await response.text();
  const date = Date.parse(response.headers.get('date') ?? '');
  // The header has no fractions of a second: on average the server's clock is half a second later.
  return { time, offset: Number.isNaN(date) ? undefined : now - time / 2 - (date + 500) };
}
