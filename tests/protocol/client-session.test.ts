/** The SDK's own signalling over a network that is cut: soon after the join, with requests that wait, and when the session is over. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NetworkFault } from '../../scripts/support/network/NetworkFault.ts';
import { SignalSession } from '../../web/client/signalling/SignalSession.ts';
import { TestClient } from '../support/client.ts';
import { useServer } from '../support/weir.ts';

const weir = useServer({ WEIR_RESUME_SECONDS: '30' });
let fault: NetworkFault;
beforeEach(async () => {
  fault = await NetworkFault.start(weir.url);
});
afterEach(() => fault[Symbol.asyncDispose]());

/** Joins through the network that can be cut, and does nothing else. */
async function join() {
  const events: string[] = [];
  const { signalling } = await SignalSession.open({
    url: fault.url,
    listeners: {},
    onReconnecting: () => events.push('reconnecting'),
    onResumed: () => events.push('resumed'),
    onClose: (reason) => events.push(`closed: ${reason}`),
  });
  const { peerId } = await signalling.join({
    room: 'room',
    name: 'ann',
    rtpCapabilities: { codecs: [], headerExtensions: [] },
    transports: { send: false, recv: false },
  });
  const participant = async () => (await weir.app.rooms.find('room'))?.participant(peerId);
  return { signalling, events, participant };
}

/** Cuts the network once the server has everything that was sent before. */
async function cut(signalling: SignalSession): Promise<void> {
  // It has that when it answers another client on the same network.
  using other = await TestClient.connect(fault.url);
  await other.request('ping', {});
  fault.cut('reset');
  await expect.poll(() => signalling.reconnecting).toBe(true);
}

describe('a session whose connection is lost', () => {
  test('soon after the join is resumed, and what was asked for meanwhile is answered', async () => {
    const { signalling, events, participant } = await join();
    const before = await participant();
    await cut(signalling);
    const value = 'AB:'.repeat(31).concat('CD');
    const opened = signalling.request('openTransport', {
      direction: 'data',
      dtlsParameters: { role: 'client', fingerprints: [{ algorithm: 'sha-256', value }] },
    });
    await fault.mend();
    expect((await opened).transport).toMatchObject({ sctpParameters: { port: 5000 } });
    expect([events, signalling.reconnecting]).toEqual([['reconnecting', 'resumed'], false]);
    expect(await participant()).toBe(before);
    signalling.leave();
  });

  test('and that has ended meanwhile is over, and not being reconnected', async () => {
    const { signalling, events, participant } = await join();
    await cut(signalling);
    (await participant())?.close('unresponsive');
    await fault.mend();
    await expect.poll(() => events.join()).toBe('reconnecting,closed: disconnected');
    expect(signalling.reconnecting).toBe(false);
  });
});
