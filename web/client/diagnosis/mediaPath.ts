/** Tests whether media reaches the server over one kind of network path: a real ICE and DTLS connection over it alone. */
import type { RoomClient } from '../RoomClient.ts';
import { SfuMediaLoader } from '../sfu/SfuMediaLoader.ts';
import { becomes, wait } from './abortable.ts';
import { joinDiagnosis, newDiagnosisRoom } from './diagnosisRoom.ts';
import { isPrivateAddress } from './privateAddress.ts';
import { type MediaOffer, type MediaRestriction, restrictMedia } from './restrictMedia.ts';

/** Directly to the server over UDP or TCP, or to a TURN server over UDP, TCP or TLS and from there over UDP. */
export const mediaPaths = ['udp', 'tcp', 'turnUdp', 'turnTcp', 'turnTls'] as const;
export type MediaPath = (typeof mediaPaths)[number];

/** How long a connection may take, in milliseconds. */
const TIMEOUT = 8000;

export interface MediaPathResult {
  /** `notOffered`: the server has no such candidate or TURN server. */
  readonly state: 'connected' | 'failed' | 'notOffered';
  /** From the first packet to the DTLS connection, in milliseconds. */
  readonly connectTime: number | undefined;
  /** Of the selected candidate pair, in milliseconds. */
  readonly roundTripTime: number | undefined;
  /** Whether every address that the server announces for it is private: unreachable from the Internet. */
  readonly privateAddresses: boolean;
}

export interface MediaPathOptions {
  /** The URL of the server. */
  readonly url: string;
  /** A video to send. It belongs to the caller. */
  readonly video: MediaStreamTrack;
  readonly signal: AbortSignal;
  /** In milliseconds. */
  readonly timeout?: number;
}

/**
 * @returns a path over which nothing gets through is a result, not an error
 * @throws {WeirError} if the server cannot be joined; the reason of the signal
 */
export async function testMediaPath(path: MediaPath, options: MediaPathOptions): Promise<MediaPathResult> {
  const { url, video, signal, timeout = TIMEOUT } = options;
  let offer: MediaOffer = { candidates: [], iceServerUrls: [] };
  const restriction: MediaRestriction = {
    ...restrictionTo(path),
    onOffer: (offered) => {
      offer = offered;
    },
  };
  const loadMedia = () => restrictMedia(new SfuMediaLoader(), restriction);
  const { client, leave } = await joinDiagnosis({ url, room: newDiagnosisRoom(), signal, loadMedia });
  try {
    const isOffered =
      offer.candidates.length > 0 && (restriction.iceTransportPolicy !== 'relay' || offer.iceServerUrls.length > 0);
    const privateAddresses = isOffered && offer.candidates.every(({ address }) => isPrivateAddress(address));
    if (!isOffered) return { state: 'notOffered', connectTime: undefined, roundTripTime: undefined, privateAddresses };
    const startedAt = performance.now();
    const connected = await connects(client, video, timeout, signal);
    const connectTime = connected ? performance.now() - startedAt : undefined;
    const roundTripTime = connected ? await roundTripTimeOf(client, signal) : undefined;
    return { state: connected ? 'connected' : 'failed', connectTime, roundTripTime, privateAddresses };
  } finally {
    leave();
  }
}

/** What belongs to a path. A TURN server reaches the SFU over UDP only (RFC 8656 relays nothing else). */
export function restrictionTo(path: MediaPath): MediaRestriction {
  if (path === 'udp' || path === 'tcp') {
    return { candidates: ({ protocol }) => protocol === path, iceServerUrls: () => false };
  }
  return {
    candidates: ({ protocol }) => protocol === 'udp',
    iceServerUrls: (url) => turnTransportOf(url) === path,
    iceTransportPolicy: 'relay',
  };
}

/** How a client reaches the server of a TURN URL (RFC 7065); undefined for other URLs. */
function turnTransportOf(url: string): MediaPath | undefined {
  if (/^turns:/i.test(url)) return 'turnTls';
  if (!/^turn:/i.test(url)) return undefined;
  return /\?transport=tcp$/i.test(url) ? 'turnTcp' : 'turnUdp';
}

async function connects(
  client: RoomClient,
  video: MediaStreamTrack,
  timeout: number,
  signal: AbortSignal,
): Promise<boolean> {
  const track = video.clone();
  try {
    // A failure to publish shows in the connection.
    client.publish('camera', track, { codec: 'VP8' }).catch(() => {});
    await becomes(() => client.mediaWasConnected || client.state !== 'joined', timeout, signal);
    return client.mediaWasConnected;
  } finally {
    track.stop();
  }
}

/** In milliseconds. Browsers measure it with the first connectivity checks, and may report it a moment later. */
async function roundTripTimeOf(client: RoomClient, signal: AbortSignal): Promise<number | undefined> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const stats = await client.getConnectionStats();
    const time = stats.find(({ direction }) => direction === 'send')?.pair?.currentRoundTripTime;
    if (time !== undefined) return time * 1000;
    await wait(100, signal);
  }
  return undefined;
}
