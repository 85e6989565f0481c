/**
 * A WHEP player of nothing but RTCPeerConnection and fetch, which begins again whenever its session ends. It needs no other file:
 * copy it, or import it from the `/whep.js` of any Weir.
 *
 * @typedef {object} PlayerState
 * @property {'connected' | 'notLive' | 'busy' | 'lost' | 'blocked' | 'refused'} name all but `refused` go on by themselves; `blocked`:
 *   the server answers, and media does not get through
 * @property {RTCPeerConnection} [connection] of `connected`
 * @property {number} [status] of `refused`: the HTTP status, with the server's words as `detail`
 * @property {string} [detail]
 * @property {number} [retryAfter] seconds until the next attempt, where the server says it
 */

/**
 * @param {HTMLVideoElement} video is given the stream; browsers play it at once where it is `autoplay` and `muted`
 * @param {string} endpoint such as `https://weir.example/whep/lobby`
 * @param {{ token?: string, onState?: (state: PlayerState) => void }} [options]
 */
export async function playWhep(video, endpoint, { token, onState = () => {} } = {}) {
  const headers = { 'content-type': 'application/sdp', ...(token && { authorization: `Bearer ${token}` }) };
  let failures = 0;
  let close = () => {};
  addEventListener('pagehide', () => close());

  /** @param {RTCIceServer[]} iceServers */
  const connect = (iceServers) => {
    const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers });
    const stream = new MediaStream();
    connection.ontrack = ({ track }) => {
      // Muted until its first packet: where nobody sends a picture, the element does not wait for one.
      track.onunmute = () => {
        stream.addTrack(track);
        if (video.srcObject !== stream) video.srcObject = stream;
      };
    };
    return connection;
  };

  /** One session. @returns {Promise<PlayerState>} how it ended */
  const playOnce = async () => {
    let connection = connect([]);
    close = () => connection.close();
    for (const kind of ['audio', 'video']) connection.addTransceiver(kind, { direction: 'recvonly' });
    const offer = await connection.createOffer();
    const response = await fetch(endpoint, { method: 'POST', headers, body: offer.sdp });
    const location = response.headers.get('location');
    if (location === null) return refusal(response);
    const session = new URL(location, endpoint);
    close = () => {
      connection.close();
      fetch(session, { method: 'DELETE', headers, keepalive: true }).catch(() => {});
    };
    const iceServers = linkedIceServers(response.headers.get('link') ?? '');
    const sdp = await response.text();
    if (response.status === 406) {
      // The server would rather offer itself.
      connection.close();
      connection = connect(iceServers);
      await connection.setRemoteDescription({ type: 'offer', sdp });
      await connection.setLocalDescription();
      const { sdp: body = '' } = connection.localDescription ?? {};
      const { status } = await fetch(session, { method: 'PATCH', headers, body });
      if (status !== 204) throw new Error(`The answer was refused: ${status}.`);
    } else {
      connection.setConfiguration({ bundlePolicy: 'max-bundle', iceServers });
      await connection.setLocalDescription(offer);
      await connection.setRemoteDescription({ type: 'answer', sdp });
    }
    const name = await untilEnded(connection, () => {
      failures = 0;
      onState({ name: 'connected', connection });
    });
    return { name };
  };

  for (;;) {
    /** @type {PlayerState} */
    const ended = await playOnce().catch(() => ({ name: 'lost' }));
    onState(ended);
    close();
    if (ended.name === 'refused') return;
    // Spread, so that an audience does not come back all at once.
    const seconds = (ended.retryAfter ?? Math.min(10, 0.5 * 2 ** failures)) * (1 + Math.random() / 4);
    failures += 1;
    const signal = AbortSignal.timeout(seconds * 1000);
    await new Promise((resolve) => {
      signal.onabort = resolve;
      addEventListener('online', resolve, { signal });
    });
  }
}

/**
 * Waits until the server has ended the session or its network is lost; 15 s where it does not connect at all.
 * @param {RTCPeerConnection} connection
 * @param {() => void} onConnected
 * @returns {Promise<'lost' | 'blocked'>}
 */
function untilEnded(connection, onConnected) {
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve('blocked'), 15_000);
    const onChange = () => {
      if (/disconnected|failed/.test(connection.connectionState)) resolve('lost');
      if (connection.connectionState !== 'connected') return;
      clearTimeout(late);
      onConnected();
    };
    connection.onconnectionstatechange = onChange;
    // It may have connected before the response to PATCH was there.
    onChange();
    // Of a session that the server ends, browsers say so at the DTLS transport at once, and in the state above much later.
    const transport = connection.getReceivers()[0]?.transport;
    if (transport) transport.onstatechange = () => transport.state === 'closed' && resolve('lost');
  });
}

/** What a response without a session means. @param {Response} response @returns {Promise<PlayerState>} */
async function refusal(response) {
  const { status, headers } = response;
  const after = headers.get('retry-after');
  if (after !== null) return { name: status === 409 ? 'notLive' : 'busy', retryAfter: Number(after) || 5 };
  if (status >= 500) return { name: 'busy' };
  const { detail = '' } = headers.get('content-type')?.includes('json') ? await response.json() : {};
  return { name: 'refused', status, detail };
}

/** STUN and TURN servers of `Link` headers (RFC 9725, section 4.6). @param {string} link @returns {RTCIceServer[]} */
function linkedIceServers(link) {
  const links = [...link.matchAll(/<([^>]*)>([^<]*)/g)].filter(([, , rest = '']) => rest.includes('"ice-server"'));
  return links.map(([, urls = '', rest = '']) => ({
    urls,
    username: /username="([^"]*)"/.exec(rest)?.[1],
    credential: /credential="([^"]*)"/.exec(rest)?.[1],
  }));
}
