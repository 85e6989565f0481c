/** What a page does to show a publisher's video by WHEP, with the SDK, or from Janus; all of it runs in the page. */
import type { readJanusReply } from './janusReply.ts';

declare global {
  interface Window {
    /** Installed by `installPlayback`. */
    playback?: Playback;
    /** Installed by `ViewerPages`. */
    readJanusReply?: typeof readJanusReply;
  }
}

/** What is shown in the page, and since when. Times are those of `performance.now()`. */
export interface Playback {
  /** When frames were presented. */
  readonly times: readonly number[];
  show(track: MediaStreamTrack): void;
  /** Resolves once so many frames have been presented. */
  presented(count: number): Promise<void>;
  /** Ends it at the server, too; set by whoever plays. */
  leave(): Promise<unknown>;
}

export interface JanusMountpoint {
  /** URL of Janus's API. */
  readonly url: string;
  readonly mountpoint: number;
}

/** @param timeout of a frame, in milliseconds */
export function installPlayback(timeout: number): void {
  const times: number[] = [];
  const waiting = new Set<() => void>();
  window.playback = {
    times,
    show(track) {
      const video = document.createElement('video');
      video.muted = true;
      video.srcObject = new MediaStream([track]);
      document.body.append(video);
      const onFrame = (time: number) => {
        times.push(time);
        for (const listener of waiting) listener();
        video.requestVideoFrameCallback(onFrame);
      };
      video.requestVideoFrameCallback(onFrame);
      void video.play();
    },
    async presented(count) {
      const done = Promise.withResolvers<void>();
      const listener = () => times.length >= count && done.resolve();
      waiting.add(listener);
      listener();
      const late = () => done.reject(new Error(`${times.length} frames of ${count} came.`));
      const timer = setTimeout(late, timeout);
      await done.promise.finally(() => clearTimeout(timer));
      waiting.delete(listener);
    },
    leave: async () => {},
  };
}

/** Plays by WHEP: an answer (201) is taken, and a counter-offer (406) answered. @returns when it began */
export async function playByWhep(endpoint: string): Promise<number> {
  const { playback } = window;
  if (!playback) throw new Error('Nothing can be shown here.');
  const headers = { 'content-type': 'application/sdp' };
  const began = performance.now();
  const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  connection.addEventListener('track', ({ track }) => {
    if (track.kind === 'video') playback.show(track);
  });
  connection.addTransceiver('audio', { direction: 'recvonly' });
  connection.addTransceiver('video', { direction: 'recvonly' });
  await connection.setLocalDescription();
  const offer = connection.localDescription?.sdp ?? '';
  const response = await fetch(endpoint, { method: 'POST', headers, body: offer });
  const sdp = await response.text();
  const location = response.headers.get('location') ?? '';
  playback.leave = () => {
    connection.close();
    return fetch(location, { method: 'DELETE' });
  };
  if (response.status === 201) {
    await connection.setRemoteDescription({ type: 'answer', sdp });
  } else if (response.status === 406) {
    // It takes the place of the player's own offer, which is rolled back.
    await connection.setRemoteDescription({ type: 'offer', sdp });
    await connection.setLocalDescription();
    const answer = connection.localDescription?.sdp ?? '';
    const accepted = await fetch(location, { method: 'PATCH', headers, body: answer });
    if (accepted.status !== 204) throw new Error(`${accepted.status}: ${await accepted.text()}`);
  } else throw new Error(`${response.status}: ${sdp}`);
  return began;
}

/** Joins a room with the SDK, which the page has loaded. @returns when it began */
export async function joinBySdk({ url, room }: { url: string; room: string }): Promise<number> {
  const { playback, sdk } = window;
  if (!playback || !sdk) throw new Error('The SDK has not been loaded.');
  const client = new sdk.RoomClient({ url });
  client.on('trackAdded', ({ source, track }) => {
    if (source === 'camera') playback.show(track);
  });
  playback.leave = async () => client.leave();
  const began = performance.now();
  await client.join({ room, name: 'Viewer' });
  return began;
}

/**
 * Watches a stream of Janus by its REST API. The long poll is open before the offer is made, and the answer carries the
 * first candidate, so that nothing waits for another request.
 * @returns when it began
 */
export async function watchJanus({ url, mountpoint }: JanusMountpoint): Promise<number> {
  const { playback, readJanusReply } = window;
  if (!playback || !readJanusReply) throw new Error('Nothing can be shown here.');
  const polling = new AbortController();
  const began = performance.now();
  const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  connection.addEventListener('track', ({ track }) => {
    if (track.kind === 'video') playback.show(track);
  });
  const gathered = new Promise<void>((resolve) => {
    connection.addEventListener('icecandidate', () => resolve());
  });
  let sent = 0;
  const post = async (path: string, message: object) => {
    sent += 1;
    const body = JSON.stringify({ ...message, transaction: String(sent) });
    const response = await fetch(`${url}${path}`, { method: 'POST', body });
    return readJanusReply(await response.json());
  };
  const offered = async (session: string): Promise<string> => {
    for (;;) {
      const response = await fetch(`${url}${session}?maxev=10`, { signal: polling.signal });
      const events: unknown = await response.json();
      const offers = [events].flat().flatMap((event) => readJanusReply(event).offer ?? []);
      if (offers[0] !== undefined) return offers[0];
    }
  };
  const session = `/${(await post('', { janus: 'create' })).id}`;
  playback.leave = () => {
    polling.abort();
    connection.close();
    return post(session, { janus: 'destroy' });
  };
  // In this order: the first request takes the connection that is open.
  const attached = post(session, { janus: 'attach', plugin: 'janus.plugin.streaming' });
  const offer = offered(session);
  const handle = `${session}/${(await attached).id}`;
  const [sdp] = await Promise.all([
    offer,
    post(handle, { janus: 'message', body: { request: 'watch', id: mountpoint } }),
  ]);
  await connection.setRemoteDescription({ type: 'offer', sdp });
  await connection.setLocalDescription();
  await gathered;
  const jsep = { type: 'answer', sdp: connection.localDescription?.sdp, trickle: false };
  await post(handle, { janus: 'message', body: { request: 'start' }, jsep });
  return began;
}
