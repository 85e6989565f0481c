/** Tests of RoomClient with direct media: what it tells a fake link, in which order, and when it judges its quality. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { DirectPeers } from '../../shared/protocol.ts';
import type { DirectLink } from '../../web/client/DirectLink.ts';
import { FakeMediaLink } from '../support/FakeMediaLink.ts';
import { created, joined, joinReply, peer, settled } from '../support/roomClient.ts';

/** A link without a server, which records what it is told of direct media. */
class FakeDirectLink extends FakeMediaLink implements DirectLink {
  setDirectPeers({ peers }: DirectPeers): void {
    this.calls.push(['setDirectPeers', peers.map(({ peerId }) => peerId)]);
  }
  receiveDirectSignal({ peerId }: { peerId: string }): void {
    this.calls.push(['receiveDirectSignal', peerId]);
  }
  receivesDirectly(): boolean {
    return false;
  }
  peerChanged(): void {}
}

describe('a room without a server for media', () => {
  test('applies the peers of the reply first, then what comes while direct media is still being loaded', async () => {
    const loaded = Promise.withResolvers<void>();
    const links: FakeDirectLink[] = [];
    const make = () => {
      const link = new FakeDirectLink({ reply: joinReply(), signalling: room.signalling(), isExpected: () => true });
      links.push(link);
      return link;
    };
    const room = created(async () => {
      await loaded.promise;
      return { createAutoLink: make, createP2pLink: make };
    });
    const joining = room.client.join({ room: 'here' });
    room.connect();
    room.load();
    await settled();
    const named = (...ids: string[]) => ({
      peers: ids.map((peerId) => ({ peerId, negotiation: 1, canPublishData: true })),
      iceServers: [],
    });
    room
      .signalling()
      .joinReply.resolve(
        joinReply({ policy: 'p2p', directPeers: named('ada'), peers: [peer('ada'), peer('bob'), peer('cleo')] }),
      );
    await settled();
    // Nor is what the page says meanwhile.
    room.client.updateTrackSettings('ada', 'camera', { width: 320, height: 180 });
    const { listeners } = room.signalling().options;
    listeners.directSignal?.({ peerId: 'ada', negotiation: 1, signal: { candidate: null } });
    listeners.directPeers?.(named('ada', 'bob', 'cleo'));
    // Who has left meanwhile is connected with no more.
    listeners.peerClosed?.({ peerId: 'cleo', reason: 'left' });
    loaded.resolve();
    await joining;
    await settled();
    expect(links[0]?.calls.filter(([method]) => method.includes('Direct'))).toEqual([
      ['setDirectPeers', ['ada']],
      ['receiveDirectSignal', 'ada'],
      ['setDirectPeers', ['ada', 'bob']],
    ]);
    expect(links[0]?.calls.filter(([method]) => method === 'updateTrackSettings')).toHaveLength(1);
  });
});

describe('the quality of the connection', () => {
  afterEach(() => void vi.useRealTimers());

  test('is not judged for some seconds after media that went directly has come back to the server', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const joining = joined();
    await vi.advanceTimersByTimeAsync(100);
    const { signalling, link } = await joining;
    await vi.dynamicImportSettled();
    link.connectionState = 'connected';
    // As an estimate is that begins low.
    let isNarrow = false;
    link.getQualityReports = async () => {
      const packetsSent = performance.now() / 10;
      const [outbound, pair] = [
        { type: 'outbound-rtp', packetsSent, bytesSent: packetsSent * 250 },
        { type: 'candidate-pair', availableOutgoingBitrate: isNarrow ? 250_000 : 2_000_000 },
      ];
      const reason = isNarrow ? 'bandwidth' : 'none';
      const send = new Map<string, unknown>([
        ['stream', { ...outbound, qualityLimitationReason: reason }],
        ['pair', pair],
      ]);
      return { reports: { send, recv: undefined }, trackOf: () => undefined };
    };
    const askedIn = async (milliseconds: number) => {
      await vi.advanceTimersByTimeAsync(milliseconds);
      return signalling.requests.some(([method]) => method === 'getConnectionQuality');
    };
    expect(await askedIn(12_000)).toBe(false);
    const { directPeers } = signalling.options.listeners;
    directPeers?.({ peers: [{ peerId: 'ada', negotiation: 1, canPublishData: true }], iceServers: [] });
    expect(await askedIn(12_000)).toBe(false);
    directPeers?.({ peers: [], iceServers: [] });
    isNarrow = true;
    expect(await askedIn(7000)).toBe(false);
    expect(await askedIn(7000)).toBe(true);
  });
});
