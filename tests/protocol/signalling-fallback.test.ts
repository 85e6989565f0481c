/** Covers the SDK's signalling behind proxies that block WebSockets or hold responses back, and that change their mind. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { capabilities } from '../../scripts/support/media/clientParameters.ts';
import { NetworkFault } from '../../scripts/support/network/NetworkFault.ts';
import { ObstructingProxy, type Obstruction } from '../../scripts/support/network/ObstructingProxy.ts';
import { httpSignallingPaths } from '../../shared/httpSignalling.ts';
import type { ResumeReply } from '../../shared/protocol.ts';
import type { SignallingKind } from '../../web/client/Signalling.ts';
import { connect } from '../../web/client/signalling/connect.ts';
import { openConnection } from '../../web/client/signalling/openConnection.ts';
import { SignalSession } from '../../web/client/signalling/SignalSession.ts';
import { hasProxy, TestProxy } from '../support/proxies.ts';
import { failure, useServer } from '../support/weir.ts';

const weir = useServer({ WEIR_RESUME_SECONDS: '10', WEIR_PING_SECONDS: '0.5' });
let proxy: ObstructingProxy;
const sessions: Guest[] = [];

beforeEach(async () => {
  proxy = await ObstructingProxy.start(weir.url);
});
afterEach(async () => {
  for (const guest of sessions.splice(0)) guest.signalling.leave();
  await proxy[Symbol.asyncDispose]();
});

interface Guest {
  readonly signalling: SignalSession;
  readonly peerId: string;
  readonly resumed: ResumeReply[];
  readonly hands: boolean[];
  end: string | undefined;
  /** From the beginning until it was in the room, in milliseconds. */
  readonly time: number;
}

async function join(url: string, kinds?: readonly SignallingKind[]): Promise<Guest> {
  const startedAt = performance.now();
  const log = { resumed: [] as ResumeReply[], hands: [] as boolean[] };
  let guest: Guest | undefined;
  const { signalling } = await SignalSession.open({
    url,
    kinds,
    listeners: { peerHand: ({ raised }) => void log.hands.push(raised) },
    onResumed: (snapshot) => log.resumed.push(snapshot),
    onClose: (reason) => {
      if (guest) guest.end = reason;
    },
  });
  const { peerId } = await signalling.join({
    room: 'room',
    rtpCapabilities: capabilities,
    transports: { send: false, recv: false },
  });
  guest = { ...log, signalling, peerId, end: undefined, time: performance.now() - startedAt };
  sessions.push(guest);
  await signalling.request('ping', {});
  return guest;
}

describe('in one attempt', () => {
  test.each<[string, Partial<Obstruction>, SignallingKind]>([
    ['nothing is in the way', {}, 'webSocket'],
    ['WebSockets are refused', { webSockets: 'refused' }, 'sse'],
    ['WebSockets are reset', { webSockets: 'reset' }, 'sse'],
    ['WebSockets are never answered', { webSockets: 'silent' }, 'sse'],
    ['streams are held back', { webSockets: 'refused', responses: 'whole' }, 'polling'],
    ['what follows the first message is held back', { webSockets: 'refused', responses: 'beginning' }, 'polling'],
    ['both are silent', { webSockets: 'silent', responses: 'blocks' }, 'polling'],
  ])('a client is in the room where %s', async (what, obstruction, kind) => {
    proxy.obstruct(obstruction);
    // On a busy machine, streams take so long to open that polling would be preferred.
    if (kind === 'sse') proxy.lose(httpSignallingPaths.poll, 1000);
    const watcher = await weir.join({ room: 'room' });
    const guest = await join(proxy.url);
    // `npm run bench -- blocked` has the times on a machine that does nothing else.
    console.info(`in the room over ${kind} where ${what}: ${Math.round(guest.time)} ms`);
    expect(guest.signalling.kind).toBe(kind);
    await guest.signalling.request('setHand', { raised: true });
    expect(await watcher.client.event('peerHand')).toEqual({ peerId: guest.peerId, raised: true });
    await watcher.client.request('setHand', { raised: true });
    await expect.poll(() => guest.hands).toEqual([true]);
    guest.signalling.leave();
    expect(await watcher.client.event('peerClosed')).toEqual({ peerId: guest.peerId, reason: 'left' });
    // Only one connection is left while it is in: what was tried besides has been closed.
    expect(proxy.paths.filter((path) => path === '/ws').length).toBe(1);
  });

  test('there is none where everything is blocked, and the reason is found', async () => {
    proxy.obstruct({ webSockets: 'reset' });
    for (const path of Object.values(httpSignallingPaths)) proxy.lose(path, 100);
    const joining = connect({ url: proxy.url, listeners: {}, onClose: () => {} }, new AbortController().signal);
    await expect(joining).rejects.toMatchObject({ ...failure('unavailable'), reason: 'webSocketBlocked' });
  });

  test('a server that refuses is not asked in another way', async () => {
    const joining = SignalSession.open({ url: `${weir.url}/nothing`, listeners: {}, onClose: () => {} });
    await expect(joining).rejects.toMatchObject(failure('unavailable'));
    await expect(SignalSession.open({ url: 'ftp://x', listeners: {}, onClose: () => {} })).rejects.toMatchObject(
      failure('badRequest'),
    );
  });
});

describe.runIf(hasProxy('nginx'))('behind a real proxy', () => {
  const meet = useServer({ WEIR_BASE_PATH: '/meet', WEIR_TRUST_PROXY: '1' });

  test.each([
    // nginx holds responses back by default, but not where Weir says so.
    ['nginx', 'does not pass upgrades on', 'sse'],
    ['nginx', 'holds responses back', 'polling'],
    ['caddy', 'does not pass upgrades on', 'sse'],
  ] as const)('%s that %s, a client is in the room over %s', async (name, manner, kind) => {
    await using real = await TestProxy.start(name, meet.url, manner);
    const watcher = await meet.join({ room: 'room' });
    const guest = await join(`${real.url}/meet`);
    expect(guest.signalling.kind).toBe(kind);
    await watcher.client.request('setHand', { raised: true });
    await expect.poll(() => guest.hands).toEqual([true]);
    guest.signalling.leave();
    expect(await watcher.client.event('peerClosed')).toEqual({ peerId: guest.peerId, reason: 'left' });
  });
});

test('what became of the other kinds is known', async () => {
  proxy.obstruct({ webSockets: 'refused', responses: 'blocks' });
  const { socket, others } = await openConnection({ url: proxy.url, listeners: {}, onClose() {} });
  socket.leave();
  expect([...others]).toEqual([
    ['webSocket', 'failed'],
    ['sse', 'unanswered'],
  ]);
});

describe('a session', () => {
  test('goes from one kind of connection to another, as networks let it, without a gap', async () => {
    const watcher = await weir.join({ room: 'room' });
    const guest = await join(proxy.url);
    expect(guest.signalling.kind).toBe('webSocket');
    const steps: [Partial<Obstruction>, SignallingKind[]][] = [
      [{ webSockets: 'refused' }, ['sse', 'polling']],
      [{ webSockets: 'refused', responses: 'blocks' }, ['polling']],
      // Polling itself survives the cut.
      [{}, ['polling']],
    ];
    for (const [index, [obstruction, possible]] of steps.entries()) {
      const raised = index % 2 === 0;
      proxy.obstruct(obstruction);
      proxy.cut();
      // What happens meanwhile is in the snapshot, or comes after it.
      await watcher.client.request('setHand', { raised });
      await guest.signalling.request('setHand', { raised });
      expect(await watcher.client.event('peerHand')).toEqual({ peerId: guest.peerId, raised });
      await expect.poll(() => guest.hands.at(-1) ?? guest.resumed.at(-1)?.peers[0]?.hand).toBe(raised);
      guest.hands.length = 0;
      expect(possible).toContain(guest.signalling.kind);
    }
    expect(guest.resumed.length).toBeGreaterThan(0);
    expect(watcher.client.unreadEvents('peerClosed')).toEqual([]);
    expect(guest.end).toBeUndefined();
  });

  test.each(['sse', 'polling'] as const)(
    'over %s sends each request once although responses are lost',
    async (kind) => {
      const watcher = await weir.join({ room: 'room' });
      const guest = await join(proxy.url, [kind]);
      proxy.lose(httpSignallingPaths.send, 2);
      const sent = Array.from({ length: 8 }, () => guest.signalling.request('react', { reaction: 'heart' }));
      await Promise.all(sent);
      for (let count = 0; count < 8; count += 1) await watcher.client.event('reaction');
      await watcher.client.request('ping', {});
      expect(watcher.client.unreadEvents('reaction')).toEqual([]);
      expect(guest.resumed).toEqual([]);
    },
  );

  test.each(['sse', 'polling'] as const)('over %s that ends has sent what came before', async (kind) => {
    const watcher = await weir.join({ room: 'room' });
    for (const isOnItsWay of [false, true]) {
      const guest = await join(proxy.url, [kind]);
      const sent = proxy.paths.length;
      guest.signalling.request('react', { reaction: 'heart' }).catch(() => {});
      if (isOnItsWay) {
        proxy.drop(httpSignallingPaths.send, 1);
        await vi.waitUntil(() => proxy.paths.slice(sent).includes(httpSignallingPaths.send));
      }
      guest.signalling.leave();
      expect(await watcher.client.event('reaction')).toEqual({ peerId: guest.peerId, reaction: 'heart' });
      expect(await watcher.client.event('peerClosed')).toEqual({ peerId: guest.peerId, reason: 'left' });
    }
  });

  test('whose stream has just been lost still says that its page is closed', async () => {
    const watcher = await weir.join({ room: 'room' });
    const { signalling } = await SignalSession.open({
      url: proxy.url,
      kinds: ['sse'],
      listeners: {},
      onReconnecting: () => signalling.closeOnPageHide(),
      onClose: () => {},
    });
    const transports = { send: false, recv: false };
    const { peerId } = await signalling.join({ room: 'room', rtpCapabilities: capabilities, transports });
    await signalling.request('ping', {});
    proxy.cut();
    expect(await watcher.client.event('peerClosed')).toEqual({ peerId, reason: 'left' });
    signalling.leave();
  });

  test.each(['sse', 'polling'] as const)('over %s sends messages of one turn together', async (kind) => {
    const guest = await join(proxy.url, [kind]);
    const before = proxy.paths.length;
    await Promise.all(Array.from({ length: 50 }, () => guest.signalling.request('ping', {})));
    const sent = proxy.paths.slice(before).filter((path) => path === httpSignallingPaths.send);
    expect(sent.length).toBeLessThanOrEqual(3);
  });

  test('by polling gets each message once although responses are lost', async () => {
    const watcher = await weir.join({ room: 'room' });
    const guest = await join(proxy.url, ['polling']);
    for (let count = 0; count < 6; count += 1) {
      proxy.lose(httpSignallingPaths.poll, 1);
      await watcher.client.request('setHand', { raised: count % 2 === 0 });
      await expect.poll(() => guest.hands.length).toBe(count + 1);
    }
    expect(guest.hands).toEqual([true, false, true, false, true, false]);
    expect(guest.resumed).toEqual([]);
  });

  test('over HTTP survives a network that drops everything for a while', async () => {
    await using network = await NetworkFault.start(weir.url);
    const watcher = await weir.join({ room: 'room' });
    const guests = await Promise.all((['sse', 'polling'] as const).map((kind) => join(network.url, [kind])));
    network.cut('silence');
    await watcher.client.request('setHand', { raised: true });
    for (const { signalling } of guests) await expect.poll(() => signalling.reconnecting, { timeout: 8000 }).toBe(true);
    await network.mend();
    for (const { resumed } of guests) {
      await expect.poll(() => resumed.length, { timeout: 8000 }).toBe(1);
      expect(resumed[0]?.peers.some(({ hand }) => hand)).toBe(true);
    }
    expect(watcher.client.unreadEvents('peerClosed')).toEqual([]);
  });
});
