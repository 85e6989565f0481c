/** A page of another origin than Weir's, with the npm package whip-whep as it is published. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { WHEPClient } from 'whip-whep/whep.js';
import type { WHIPClient } from 'whip-whep/whip.js';

declare global {
  interface Window {
    packages?: { readonly WHIPClient: new () => WHIPClient; readonly WHEPClient: new () => WHEPClient };
    stopPackage?: () => Promise<void>;
  }
}

const html =
  '<!doctype html><title>whip-whep</title><script type="module">import { WHIPClient } from "/whip.js"; import { WHEPClient } from "/whep.js"; window.packages = { WHIPClient, WHEPClient };</script>';

/** Serves the page. @returns its origin */
export async function startPackagePage(): Promise<{ origin: string } & Disposable> {
  const scripts = new Map<string, Buffer>(
    ['whip.js', 'whep.js'].map((file) => {
      const path = fileURLToPath(import.meta.resolve(`whip-whep/${file}`));
      return [`/${file}`, readFileSync(path)] as const;
    }),
  );
  const server = createServer(({ url = '' }, response) => {
    const script = scripts.get(url);
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html');
    response.end(script ?? html);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('It does not listen on TCP.');
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { origin: `http://127.0.0.1:${address.port}`, [Symbol.dispose]: close };
}

/** In that page: publishes the fake camera and microphone. Resolves once it is connected. */
export async function publishByPackage({ url, token }: { url: string; token: string }): Promise<void> {
  const { packages } = window;
  if (!packages) throw new Error('The package has not been loaded.');
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } });
  const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  for (const track of stream.getTracks()) {
    connection.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
  }
  const client = new packages.WHIPClient();
  await client.publish(connection, url, token);
  window.stopPackage = () => client.stop();
  const connected = Promise.withResolvers<void>();
  const check = () => {
    if (connection.connectionState === 'connected') connected.resolve();
    if (connection.connectionState === 'failed') connected.reject(new Error('not connected'));
  };
  connection.addEventListener('connectionstatechange', check);
  check();
  await connected.promise;
}

/** In that page: plays, as `playInPage` does. */
export async function playByPackage({ url, token }: { url: string; token: string }): Promise<void> {
  const { packages } = window;
  if (!packages) throw new Error('The package has not been loaded.');
  const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const stream = new MediaStream();
  connection.ontrack = ({ track }) => stream.addTrack(track);
  connection.addTransceiver('audio', { direction: 'recvonly' });
  connection.addTransceiver('video', { direction: 'recvonly' });
  const client = new packages.WHEPClient();
  await client.view(connection, url, token);
  const video = document.createElement('video');
  video.muted = true;
  video.autoplay = true;
  video.srcObject = stream;
  document.body.append(video);
  window.player = { connection, location: '', video, stream, frames: new Map() };
  window.stopPackage = () => client.stop();
}

/** In that page: ends the session, and closes the connection. */
export async function stopPackage(): Promise<void> {
  await window.stopPackage?.();
}
