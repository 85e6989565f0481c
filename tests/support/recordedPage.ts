/** What a page does whose frames are counted: it publishes by WHIP, and sends from one moment to another; runs in the page. */

declare global {
  interface Window {
    recorded?: { readonly connection: RTCPeerConnection; readonly track: MediaStreamTrack | undefined };
  }
}

/** Publishes a video, of which nothing is sent yet. @param endpoint the path of the room @returns the path of the session */
export async function connectInPage(endpoint: string): Promise<string> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 360 } });
  const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  connection.addTransceiver('video', { direction: 'sendonly', streams: [stream] });
  window.recorded = { connection, track: stream.getVideoTracks()[0] };
  await connection.setLocalDescription(await connection.createOffer());
  const response = await fetch(endpoint, {
    method: 'POST',
    body: connection.localDescription?.sdp ?? '',
    headers: { 'content-type': 'application/sdp' },
  });
  const answer = await response.text();
  if (response.status !== 201) throw new Error(`${response.status}: ${answer}`);
  await connection.setRemoteDescription({ type: 'answer', sdp: answer });
  await new Promise<void>((resolve, reject) => {
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === 'connected') resolve();
    };
    setTimeout(() => reject(new Error(`not connected: ${connection.connectionState}`)), 15_000);
  });
  return response.headers.get('location') ?? '';
}

/** Begins or ends sending. @returns how many frames have been sent so far */
export async function setSendingInPage(sends: boolean): Promise<number> {
  const { connection, track = null } = window.recorded ?? {};
  await connection?.getSenders()[0]?.replaceTrack(sends ? track : null);
  const reports = (await connection?.getStats()) ?? new Map();
  let frames = 0;
  for (const report of reports.values()) if (report.type === 'outbound-rtp') frames += report.framesSent ?? 0;
  return frames;
}
