/** Joins a room of the kind `diagnosis`, which needs no token and is for one client. */
import { WeirError } from '../../../shared/errors.ts';
import type { MediaLoader } from '../MediaLink.ts';
import { RoomClient } from '../RoomClient.ts';
import { SfuMediaLoader } from '../sfu/SfuMediaLoader.ts';
import { connect } from '../signalling/connect.ts';
import { wait } from './abortable.ts';

/** How often a join is tried that the server is too busy for. */
const ATTEMPTS = 2;
/** The longest wait between two attempts, in milliseconds. */
const MAX_PAUSE = 10_000;

/** A name that nobody guesses: 128 random bits. `crypto.randomUUID` exists in secure contexts only. */
export function newDiagnosisRoom(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export interface DiagnosisJoinOptions {
  /** The URL of the server. */
  readonly url: string;
  readonly room: string;
  readonly signal: AbortSignal;
  /** Makes the media of the client, for instance restricted to some candidates. */
  loadMedia?(): MediaLoader;
}

export interface JoinedDiagnosis {
  readonly client: RoomClient;
  /** Leaves the room; the client also leaves when the signal is aborted. */
  leave(): void;
}

/**
 * Joins.
 * @throws {WeirError} as `RoomClient.join`; the reason of the signal
 */
export async function joinDiagnosis(options: DiagnosisJoinOptions): Promise<JoinedDiagnosis> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await joinOnce(options);
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof WeirError) || error.code !== 'busy' || attempt === ATTEMPTS) throw error;
      await wait(Math.min(MAX_PAUSE, 1000 * (error.retryAfter ?? 1)), options.signal);
    }
  }
}

async function joinOnce({
  url,
  room,
  signal,
  loadMedia = () => new SfuMediaLoader(),
}: DiagnosisJoinOptions): Promise<JoinedDiagnosis> {
  signal.throwIfAborted();
  const client = new RoomClient({ url }, { connect, loadMedia });
  const leave = () => {
    signal.removeEventListener('abort', leave);
    client.leave();
  };
  signal.addEventListener('abort', leave);
  try {
    await client.join({ room, kind: 'diagnosis' });
    return { client, leave };
  } catch (error) {
    leave();
    throw error;
  }
}
