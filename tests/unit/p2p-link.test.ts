/** The link of a room with the policy `p2p`: what its state is while connections are made, lost, and cannot be made. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { P2pLink } from '../../web/client/p2p/P2pLink.ts';
import { FakeConnection, useFakeConnections } from '../support/FakeConnection.ts';

useFakeConnections();
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Ada's link, and its states since the last look. */
function atAda() {
  const requests: string[] = [];
  const link = new P2pLink({
    ...{ peerId: 'ada', kind: 'call', video: { camera: 'VP8', screen: 'VP8' }, received: [] },
    // Requests are never answered.
    request: (method) => {
      requests.push(method);
      return new Promise<never>(() => {});
    },
    peerIds: () => ['bob', 'cleo'],
    maySendData: () => true,
    isPublished: () => false,
    isExpected: () => false,
  });
  const changes: string[] = [];
  link.on('connectionStateChanged', (state) => changes.push(state));
  /** The server asks for these negotiations. */
  const ask = (peers: Record<string, number>) =>
    link.setDirectPeers({
      peers: Object.entries(peers).map(([peerId, negotiation]) => ({ peerId, negotiation, canPublishData: true })),
      iceServers: [],
    });
  const statesAfter = async (time: number) => {
    await vi.advanceTimersByTimeAsync(time);
    return changes.splice(0);
  };
  return { link, ask, statesAfter, requests };
}

function fail(connection: FakeConnection | undefined): void {
  if (!connection) return;
  connection.connectionState = 'failed';
  connection.dispatchEvent(new Event('connectionstatechange'));
}

test('a connection that is lost is so until another one carries media, however many attempts that takes', async () => {
  const { link, ask, statesAfter, requests } = atAda();
  ask({ bob: 1 });
  expect(await statesAfter(0)).toEqual(['connecting']);
  FakeConnection.made[0]?.connect();
  expect(await statesAfter(0)).toEqual(['connected']);
  fail(FakeConnection.made[0]);
  expect(await statesAfter(0)).toEqual(['lost']);
  ask({ bob: 2 });
  expect(await statesAfter(11_000)).toEqual([]);
  ask({ bob: 3 });
  FakeConnection.made[2]?.connect();
  expect(await statesAfter(0)).toEqual(['connected']);
  expect(requests).toEqual(['reportDirectFailure', 'reportDirectFailure']);
  link.close();
});

test('one that cannot be made counts as lost after ten seconds, and never as connected', async () => {
  const { link, ask, statesAfter } = atAda();
  ask({ bob: 1, cleo: 1 });
  expect(await statesAfter(9999)).toEqual(['connecting']);
  expect(await statesAfter(1)).toEqual(['lost']);
  expect(link.wasConnected).toBe(false);
  ask({ bob: 2, cleo: 2 });
  FakeConnection.made[2]?.connect();
  expect(await statesAfter(0)).toEqual([]);
  FakeConnection.made[3]?.connect();
  expect(await statesAfter(0)).toEqual(['connected']);
  link.close();
});

test('nobody waits for one who has left', async () => {
  const { link, ask, statesAfter } = atAda();
  ask({ bob: 1 });
  expect(await statesAfter(5000)).toEqual(['connecting']);
  link.removePeer('bob');
  expect([await statesAfter(100), vi.getTimerCount()]).toEqual([['connected'], 0]);
  link.close();
});
