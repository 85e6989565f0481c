/** What a page does to publish by WHIP and to play by WHEP, with the browser's own RTCPeerConnection; runs in the page. */

/** A session that the page has opened. */
export interface PageSession {
  readonly location: string;
  /** The browser's description, for a collection of these. */
  readonly sdp: string;
}

/** What has arrived at a player so far. */
export interface Played {
  readonly framesDecoded: number;
  readonly samplesReceived: number;
  /** Streams of the video m-line that the browser has seen. */
  readonly videoStreams: number;
  readonly tracks: number;
  readonly width: number;
}

declare global {
  interface Window {
    player?: { readonly connection: RTCPeerConnection; readonly video: HTMLVideoElement };
  }
}

/** Publishes the fake camera and microphone. @param endpoint the path of the room */
export async function publishInPage(endpoint: string): Promise<PageSession> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } });
  const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  for (const track of stream.getTracks()) {
    connection.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
  }
  await connection.setLocalDescription(await connection.createOffer());
  const sdp = connection.localDescription?.sdp ?? '';
  const headers = { 'content-type': 'application/sdp' };
  const response = await fetch(endpoint, { method: 'POST', body: sdp, headers });
  const answer = await response.text();
  if (response.status !== 201) throw new Error(`${response.status}: ${answer}`);
  await connection.setRemoteDescription({ type: 'answer', sdp: answer });
  await new Promise<void>((resolve, reject) => {
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === 'connected') resolve();
      if (connection.connectionState === 'failed') reject(new Error('not connected'));
    };
    setTimeout(() => reject(new Error(`not connected: ${connection.connectionState}`)), 15_000);
  });
  return { location: response.headers.get('location') ?? '', sdp };
}

/** Plays a room: its offer is answered by a counter-offer, which it answers. @param endpoint the path of the room */
export async function playInPage(endpoint: string): Promise<PageSession> {
  const headers = { 'content-type': 'application/sdp' };
  const first = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  first.addTransceiver('audio', { direction: 'recvonly' });
  first.addTransceiver('video', { direction: 'recvonly' });
  const { sdp = '' } = await first.createOffer();
  first.close();
  const response = await fetch(endpoint, { method: 'POST', body: sdp, headers });
  const offer = await response.text();
  if (response.status !== 406) throw new Error(`${response.status}: ${offer}`);
  const location = response.headers.get('location') ?? '';
  const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const stream = new MediaStream();
  connection.ontrack = ({ track }) => stream.addTrack(track);
  await connection.setRemoteDescription({ type: 'offer', sdp: offer });
  await connection.setLocalDescription(await connection.createAnswer());
  const answered = await fetch(location, { method: 'PATCH', body: connection.localDescription?.sdp ?? '', headers });
  if (answered.status !== 204) throw new Error(`${answered.status}: ${await answered.text()}`);
  const video = document.createElement('video');
  video.muted = true;
  video.autoplay = true;
  video.srcObject = stream;
  document.body.append(video);
  window.player = { connection, video };
  return { location, sdp };
}

/** What the player of this page has received. */
export async function playedInPage(): Promise<Played> {
  const played = { framesDecoded: 0, samplesReceived: 0, videoStreams: 0, tracks: 0, width: 0 };
  const { player } = window;
  if (!player) return played;
  for (const report of (await player.connection.getStats()).values()) {
    if (report.type !== 'inbound-rtp') continue;
    if (report.kind === 'video') {
      played.videoStreams += 1;
      played.framesDecoded += report.framesDecoded ?? 0;
    } else played.samplesReceived += report.totalSamplesReceived ?? report.packetsReceived ?? 0;
  }
  played.tracks = player.connection.getReceivers().filter(({ track }) => !track.muted).length;
  played.width = player.video.videoWidth;
  return played;
}
