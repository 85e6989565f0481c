/** What a page does to publish by WHIP and to play by WHEP, with the browser's own RTCPeerConnection; runs in the page. */

/** A session that the page has opened. */
export interface PageSession {
  readonly location: string;
  /** The browser's description, for a collection of these. */
  readonly sdp: string;
}

/** What has arrived at a player so far. */
export interface Played {
  /** Of all streams of the video m-line together. */
  readonly framesDecoded: number;
  /** Streams of the video m-line that the browser has decoded. */
  readonly videoStreams: number;
  /** Of the picture that is shown, in pixels. */
  readonly width: number;
}

/** What the video of a page plays. */
export interface Watched {
  /** Of the page `/watch/<room>`. */
  readonly state: string;
  /** Of the tracks that play. */
  readonly kinds: readonly string[];
  readonly muted: boolean;
}

declare global {
  interface Window {
    publisher?: { readonly connection: RTCPeerConnection; readonly location: string };
    player?: {
      readonly connection: RTCPeerConnection;
      readonly location: string;
      readonly video: HTMLVideoElement;
      readonly stream: MediaStream;
      /** Frames decoded, by SSRC: browsers keep the counters of the latest stream only. */
      readonly frames: Map<number, number>;
    };
  }
}

/** What a page publishes. */
export interface PagePublication {
  /** The path of the room. */
  readonly endpoint: string;
  /** Whether in two layers. */
  readonly simulcast: boolean;
  /** The only one of video that is offered, such as `AV1`; by default all that the browser has. */
  readonly codec?: string;
  readonly token?: string;
}

/** Publishes the fake camera and microphone. */
export async function publishInPage({ endpoint, simulcast, codec, token }: PagePublication): Promise<PageSession> {
  // Of 640 × 360 pixels Chromium sends no third layer.
  const layers = [{ rid: 'l', scaleResolutionDownBy: 2 }, { rid: 'h' }];
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } });
  const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  for (const track of stream.getTracks()) {
    const sendEncodings = simulcast && track.kind === 'video' ? layers : [];
    const transceiver = connection.addTransceiver(track, { direction: 'sendonly', streams: [stream], sendEncodings });
    if (codec === undefined || track.kind !== 'video') continue;
    const { codecs = [] } = RTCRtpSender.getCapabilities('video') ?? {};
    transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType === `video/${codec}`));
  }
  await connection.setLocalDescription(await connection.createOffer());
  const sdp = connection.localDescription?.sdp ?? '';
  const headers = { 'content-type': 'application/sdp', ...(token && { authorization: `Bearer ${token}` }) };
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
  const location = response.headers.get('location') ?? '';
  window.publisher = { connection, location };
  return { location, sdp };
}

/**
 * Plays a room: the server answers its offer, or makes a counter-offer, which it answers.
 * @param endpoint the path of the room
 */
export async function playInPage(endpoint: string): Promise<PageSession> {
  const headers = { 'content-type': 'application/sdp' };
  const stream = new MediaStream();
  const open = () => {
    const opened = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    opened.ontrack = ({ track }) => stream.addTrack(track);
    return opened;
  };
  let connection = open();
  connection.addTransceiver('audio', { direction: 'recvonly' });
  connection.addTransceiver('video', { direction: 'recvonly' });
  await connection.setLocalDescription(await connection.createOffer());
  const sdp = connection.localDescription?.sdp ?? '';
  const response = await fetch(endpoint, { method: 'POST', body: sdp, headers });
  const reply = await response.text();
  const location = response.headers.get('location') ?? '';
  if (response.status === 201) await connection.setRemoteDescription({ type: 'answer', sdp: reply });
  else if (response.status === 406) {
    connection.close();
    connection = open();
    await connection.setRemoteDescription({ type: 'offer', sdp: reply });
    await connection.setLocalDescription(await connection.createAnswer());
    const answered = await fetch(location, { method: 'PATCH', body: connection.localDescription?.sdp ?? '', headers });
    if (answered.status !== 204) throw new Error(`${answered.status}: ${await answered.text()}`);
  } else throw new Error(`${response.status}: ${reply}`);
  const video = document.createElement('video');
  video.muted = true;
  video.autoplay = true;
  video.srcObject = stream;
  document.body.append(video);
  window.player = { connection, location, video, stream, frames: new Map() };
  return { location, sdp };
}

/** What a page has been answered when it has restarted ICE. */
export interface Restarted {
  /** Statuses of the restart, and of its candidates with the new entity tag. */
  readonly statuses: readonly number[];
  /** Of the browser, from now on. */
  readonly ufrag: string;
}

/** Restarts the ICE of the session that this page has, and trickles the new candidates. */
export async function restartInPage(): Promise<Restarted> {
  const session = window.publisher ?? window.player;
  if (!session) throw new Error('This page has no session.');
  const { connection, location } = session;
  const lines: string[] = [];
  const gathered = new Promise<void>((resolve) => {
    connection.onicecandidate = ({ candidate }) => {
      if (!candidate) resolve();
      else if (candidate.candidate !== '') lines.push(`a=${candidate.candidate}\r\n`);
    };
  });
  await connection.setLocalDescription(await connection.createOffer({ iceRestart: true }));
  const attributeOf = (sdp: string, name: string) => new RegExp(`^a=${name}:(\\S+)`, 'm').exec(sdp)?.[1] ?? '';
  const own = connection.localDescription?.sdp ?? '';
  const ufrag = attributeOf(own, 'ice-ufrag');
  const credentials = `a=ice-ufrag:${ufrag}\r\na=ice-pwd:${attributeOf(own, 'ice-pwd')}\r\n`;
  const fragment = `${credentials}m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:${attributeOf(own, 'mid')}\r\n`;
  const patch = (body: string, tag: string) =>
    fetch(location, {
      method: 'PATCH',
      body,
      headers: { 'content-type': 'application/trickle-ice-sdpfrag', 'if-match': tag },
    });
  const restarted = await patch(fragment, '*');
  const answer = await restarted.text();
  const sdp = ['ice-ufrag', 'ice-pwd'].reduce(
    (text, name) => text.replace(new RegExp(`^a=${name}:\\S+`, 'gm'), `a=${name}:${attributeOf(answer, name)}`),
    connection.currentRemoteDescription?.sdp ?? '',
  );
  await connection.setRemoteDescription({ type: 'answer', sdp });
  await gathered;
  const trickled = await patch(`${fragment}${lines.join('')}`, restarted.headers.get('etag') ?? '');
  return { statuses: [restarted.status, trickled.status], ufrag };
}

/** The ICE user name of the path that the session of this page takes; undefined in Firefox, which does not say it. */
export async function ufragInPage(): Promise<string | undefined> {
  const { connection } = window.publisher ?? window.player ?? {};
  const reports = [...((await connection?.getStats())?.values() ?? [])];
  const idOf = (type: string, id: string): string | undefined => reports.find((report) => report.type === type)?.[id];
  const pair = reports.find(({ id }) => id === idOf('transport', 'selectedCandidatePairId'));
  return reports.find(({ id }) => id === pair?.localCandidateId)?.usernameFragment;
}

/** Closes the connection of the player of this page. */
export function leaveInPage(): void {
  window.player?.connection.close();
}

/** What the player of this page has received. */
export async function playedInPage(): Promise<Played> {
  const { player } = window;
  if (!player) return { framesDecoded: 0, videoStreams: 0, width: 0 };
  const { connection, frames, video } = player;
  for (const report of (await connection.getStats()).values()) {
    if (report.type !== 'inbound-rtp' || report.kind !== 'video' || !report.framesDecoded) continue;
    frames.set(report.ssrc, report.framesDecoded);
  }
  const framesDecoded = [...frames.values()].reduce((sum, count) => sum + count, 0);
  return { framesDecoded, videoStreams: frames.size, width: video.videoWidth };
}

/** The codecs of the video that the player of this page has decoded, such as `video/AV1`. */
export async function codecsInPage(): Promise<string[]> {
  const reports = [...((await window.player?.connection.getStats())?.values() ?? [])];
  const streams = reports.filter(({ type, kind, framesDecoded }) => {
    return type === 'inbound-rtp' && kind === 'video' && framesDecoded > 0;
  });
  return reports.filter(({ id }) => streams.some(({ codecId }) => codecId === id)).map(({ mimeType }) => mimeType);
}

/**
 * Whether half a second of what the player of this page, or else its video, plays is no silence. It is recorded, since
 * Firefox runs no AudioContext on a machine without a sound card.
 */
export async function hearsInPage(): Promise<boolean> {
  const shown = document.querySelector('video')?.srcObject;
  const stream = window.player?.stream ?? (shown instanceof MediaStream ? shown : undefined);
  const tracks = stream?.getAudioTracks() ?? [];
  if (tracks.length === 0) return false;
  const recorder = new MediaRecorder(new MediaStream(tracks));
  const recorded = Promise.withResolvers<Blob>();
  recorder.ondataavailable = ({ data }) => recorded.resolve(data);
  recorder.start(500);
  const blob = await recorded.promise;
  recorder.stop();
  if (blob.size === 0) return false;
  const sound = await new OfflineAudioContext(1, 48_000, 48_000).decodeAudioData(await blob.arrayBuffer());
  const samples = sound.getChannelData(0);
  return samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length > 1e-5;
}

/** What the video of the page plays, after so many further frames. */
export async function watchedInPage(frames: number): Promise<Watched> {
  const video = document.querySelector('video');
  if (!video) throw new Error('The page has no video.');
  for (let seen = 0; seen < frames; seen += 1) {
    await new Promise((resolve, reject) => {
      video.requestVideoFrameCallback(resolve);
      setTimeout(() => reject(new Error(`no further frame after ${seen}; ${document.body.innerText}`)), 20_000);
    });
  }
  const tracks = video.srcObject instanceof MediaStream ? video.srcObject.getTracks() : [];
  const kinds = tracks.filter(({ muted }) => !muted).map(({ kind }) => kind);
  return {
    state: document.body.dataset.state ?? '',
    kinds: kinds.sort(),
    muted: video.muted,
  };
}
