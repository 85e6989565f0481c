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

describe('a client that waits to be let in', () => {
  const { room, ...request } = {
    room: 'waiting',
    ...{ name: 'ann', guest: 'a-secret-of-somebody-who-waits', transports: { send: false, recv: false } },
    rtpCapabilities: { codecs: [], headerExtensions: [] },
  };

  test('keeps its place over lost connections, and is in as soon as somebody lets it in', async () => {
    const host = await weir.join({ room, role: 'host' });
    await host.client.request('updateRoom', { waitingRoom: true });
    const events: string[] = [];
    const { signalling } = await SignalSession.open({
      url: fault.url,
      listeners: { waiting: ({ attended }) => events.push(`waiting: ${attended}`) },
      onReconnecting: () => events.push('reconnecting'),
      onClose: (reason) => events.push(`closed: ${reason}`),
    });
    const joining = signalling.join({ ...request, room });
    await expect.poll(() => events).toEqual(['waiting: true']);
    // Somebody else has come after it.
    const other = await weir.connect();
    void other.join({ room }).catch(() => {});
    await other.event('waiting');
    const found = await weir.app.rooms.find(room);
    const places = () => found?.waitingRoom.list.first.map(({ name }) => name);
    // More often than a request is sent again whose connection ends each time.
    for (let loss = 0; loss < 4; loss += 1) {
      events.length = 0;
      await cut(signalling);
      await fault.mend();
      await expect.poll(() => events, { timeout: 5000 }).toEqual(['reconnecting', 'waiting: true']);
      expect(places()?.[0]).toBe('ann');
    }
    await host.client.request('admit', { id: found?.waitingRoom.list.first[0]?.id });
    expect((await joining).name).toBe('ann');
    signalling.leave();
  });

  test('that is denied is told so, and so is one that leaves: nobody waits any more', async () => {
    const host = await weir.join({ room: 'denying', role: 'host' });
    await host.client.request('updateRoom', { waitingRoom: true });
    const found = await weir.app.rooms.find('denying');
    const knock = async (guest: string) => {
      const { signalling } = await SignalSession.open({ url: fault.url, listeners: {}, onClose: () => {} });
      const joining = signalling.join({ ...request, room: 'denying', guest });
      joining.catch(() => {});
      await expect.poll(() => found?.waitingRoom.size).toBe(1);
      return { signalling, joining };
    };
    const first = await knock('a-secret-of-somebody-denied');
    await host.client.request('deny', {});
    await expect(first.joining).rejects.toMatchObject({ code: 'forbidden', reason: 'denied' });
    const second = await knock('a-secret-of-somebody-leaving');
    second.signalling.leave();
    await expect.poll(() => found?.waitingRoom.size).toBe(0);
    await expect(second.joining).rejects.toMatchObject({ code: 'closed' });
    first.signalling.leave();
  });
});
