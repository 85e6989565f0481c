/** An `RTCPeerConnection` without a network: a test says when it connects, and what it receives. */
import { afterEach, beforeEach, vi } from 'vitest';

/** In each test of the file that calls it, `RTCPeerConnection` is this class, and no connection is known from before. */
export function useFakeConnections(connection: typeof FakeConnection = FakeConnection): void {
  beforeEach(() => {
    // Files share processes, and so this list.
    FakeConnection.made.splice(0);
    vi.stubGlobal('RTCPeerConnection', connection);
    vi.stubGlobal('MediaStream', class {});
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });
}

/** A data channel that keeps what is sent. */
export class FakeChannel extends EventTarget {
  readonly label: string;
  readyState: RTCDataChannelState = 'connecting';
  readonly bufferedAmount = 0;
  readonly sent: unknown[] = [];

  constructor(label: string) {
    super();
    this.label = label;
  }

  send(data: unknown): void {
    this.sent.push(data);
  }
}

export class FakeConnection extends EventTarget {
  /** All that were made in this test, oldest first. */
  static readonly made: FakeConnection[] = [];
  readonly signalingState = 'stable';
  readonly iceConnectionState = 'connected';
  localDescription: RTCSessionDescriptionInit | null = null;
  readonly channels: FakeChannel[] = [];
  connectionState: RTCPeerConnectionState = 'new';
  /** The track that it receives as the m-line with the mid 0. */
  track: MediaStreamTrack | undefined;

  constructor() {
    super();
    FakeConnection.made.push(this);
  }

  createDataChannel(label: string): FakeChannel {
    const channel = new FakeChannel(label);
    this.channels.push(channel);
    return channel;
  }

  getTransceivers() {
    const receiver = { track: this.track, getSynchronizationSources: () => [] };
    return this.track ? [{ mid: '0', currentDirection: 'recvonly', receiver }] : [];
  }

  async setRemoteDescription(): Promise<void> {}

  async setLocalDescription(): Promise<void> {}

  async createOffer() {
    return { type: 'offer', sdp: '' };
  }

  async getStats() {
    return new Map();
  }

  /** It connects, with its channels. */
  connect(): void {
    this.connectionState = 'connected';
    this.dispatchEvent(new Event('connectionstatechange'));
    for (const channel of this.channels) {
      channel.readyState = 'open';
      channel.dispatchEvent(new Event('open'));
    }
  }

  close(): void {
    this.connectionState = 'closed';
    for (const channel of this.channels) channel.readyState = 'closed';
  }
}
