/** A page of another origin than Weir's, with the npm package whip-whep as it is published. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { WHIPClient } from 'whip-whep/whip.js';

declare global {
  interface Window {
    WHIPClient?: new () => WHIPClient;
    whip?: { readonly client: WHIPClient; readonly connection: RTCPeerConnection };
  }
}

const html =
  '<!doctype html><title>whip-whep</title><script type="module">import { WHIPClient } from "/whip.js"; window.WHIPClient = WHIPClient;</script>';

/** Serves the page. @returns its origin */
export async function startPackagePage(): Promise<{ origin: string } & Disposable> {
  const script = readFileSync(fileURLToPath(import.meta.resolve('whip-whep/whip.js')));
  const server = createServer(({ url }, response) => {
    const isScript = url === '/whip.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : html);
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
  const { WHIPClient } = window;
  if (!WHIPClient) throw new Error('The package has not been loaded.');
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } });
  const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  for (const track of stream.getTracks()) {
    connection.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
  }
  const client = new WHIPClient();
  await client.publish(connection, url, token);
  window.whip = { client, connection };
  const connected = Promise.withResolvers<void>();
  const check = () => {
    if (connection.connectionState === 'connected') connected.resolve();
    if (connection.connectionState === 'failed') connected.reject(new Error('not connected'));
  };
  connection.addEventListener('connectionstatechange', check);
  check();
  await connected.promise;
}

/** In that page: ends the session, and closes the connection. */
export async function stopPackage(): Promise<void> {
  await window.whip?.client.stop();
}
