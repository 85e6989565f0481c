/** Keeps the peer connections of a page: the SDK has them to itself, and its statistics are made to be shown. */

declare global {
  interface Window {
    /** Those that were made since `recordConnections`. */
    peerConnections?: RTCPeerConnection[];
  }
}

/** Runs in the page, before what makes connections. */
export function recordConnections(): void {
  const connections: RTCPeerConnection[] = [];
  window.peerConnections = connections;
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      connections.push(this);
    }
  };
}
