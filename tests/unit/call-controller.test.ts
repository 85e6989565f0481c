/** Tests of CallController and what follows it, over fake signalling: what a rejoin restores, and what it leaves alone. */
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { JoinReply } from '../../shared/protocol.ts';
import { LocalMedia, WeirError } from '../../web/client/index.ts';
import { BroadcastController } from '../../web/view/broadcast/BroadcastController.ts';
import { StageMembership } from '../../web/view/broadcast/viewer/StageMembership.ts';
import { CallController, type CallOptions } from '../../web/view/controller/CallController.ts';
import { FakeMediaLink } from '../support/FakeMediaLink.ts';
import { FakeSignalling } from '../support/FakeSignalling.ts';
import { joinReply, peer, rtpCapabilities, speaker, viewer, welcome } from '../support/roomClient.ts';

/** The connections of all clients, in order, and the reply to the join of each. */
const server = vi.hoisted(() => {
  // Files share a process: without this, the modules would be those that an earlier file has imported, with what is mocked
  // here.
  vi.resetModules();
  return { connections: [] as FakeSignalling[], reply: {} as Partial<JoinReply> };
});
// And later files would get the mock.
afterAll(() => {
  vi.resetModules();
});

vi.mock('../../web/client/defaultDependencies.ts', () => ({
  defaultDependencies: {
    connect: async (options: ConstructorParameters<typeof FakeSignalling>[0]) => {
      const signalling = new FakeSignalling(options);
      server.connections.push(signalling);
      signalling.joinReply.resolve(joinReply(server.reply));
      return { signalling, welcome };
    },
    loadMedia: () => ({
      load: async () => ({
        rtpCapabilities,
        createLink: (options: ConstructorParameters<typeof FakeMediaLink>[0]) => new FakeMediaLink(options),
      }),
    }),
  },
}));

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('isSecureContext', false);
  server.connections.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const latest = () => {
  const connection = server.connections.at(-1);
  if (!connection) throw new Error('there is no connection');
  return connection;
};

/** A call in which the server has let us, with what happened in it. */
async function inCall(reply: Partial<JoinReply> = {}, options: Partial<CallOptions> = {}) {
  server.reply = reply;
  const call = new CallController(
    { room: 'here', name: 'Guest', initialVideoLimit: () => 9, ...options },
    new LocalMedia(),
  );
  const events: string[] = [];
  call.on('participantJoined', ({ name }) => events.push(`${name} joined`));
  call.on('participantLeft', ({ name }) => events.push(`${name} left`));
  const broadcast = new BroadcastController(call);
  await call.join();
  /** The session is lost; the server gives that reply to the rejoin. */
  const rejoin = async (next: Partial<JoinReply>) => {
    server.reply = next;
    latest().close('disconnected');
    await vi.advanceTimersByTimeAsync(1000);
    expect([call.phase, server.connections.length]).toEqual(['joined', 2]);
  };
  return { call, broadcast, events, rejoin };
}

test('a rejoin keeps the name that the user has given with a raised hand', async () => {
  const { call, rejoin } = await inCall({ grants: viewer });
  void call.hand.toggle('Ada');
  await rejoin({ grants: viewer });
  expect(latest().requests[0]).toMatchObject(['join', { name: 'Ada' }]);
  call.leave();
});

test('a rejoin keeps the messages of the chat, and asks a room that is still the same for what was missed', async () => {
  const chat = { chatId: 'room', seq: 0, enabled: true, slowSeconds: 0 };
  const { call, rejoin } = await inCall({ chat });
  const { peerId, identity, name } = peer('ada');
  const message = { id: 'one', seq: 1, changedSeq: 1, at: 0, from: { peerId, identity, name }, text: 'hello' };
  latest().options.listeners.chatMessages?.({ messages: [message] });
  await vi.waitFor(() => expect(call.client.chat.messages.length).toBe(1));
  const [before] = call.client.chat.messages;
  await rejoin({ chat: { ...chat, seq: 3 } });
  await vi.waitFor(() => expect(latest().requests).toContainEqual(['getChat', { after: 1 }]));
  expect(call.client.chat.messages).toEqual([before]);
  call.leave();
});

const live = { state: 'live', liveSeconds: 5, viewers: 0, profile: 'lowLatency' } as const;
const host = { ...speaker, roomAdmin: true };
const goesLive = () => latest().requests.filter(([method]) => method === 'setBroadcast');

test('a host who was on air goes live again in a room of a new server', async () => {
  const { call, rejoin } = await inCall({ kind: 'broadcast', grants: host, broadcast: live }, { kind: 'broadcast' });
  await rejoin({ kind: 'broadcast', grants: host, broadcast: { ...live, state: 'before' } });
  expect(goesLive()).toEqual([['setBroadcast', { live: true }]]);
  call.leave();
});

test('a host who was on air does not restart a broadcast that others have ended meanwhile', async () => {
  const { call, rejoin } = await inCall({ kind: 'broadcast', grants: host, broadcast: live }, { kind: 'broadcast' });
  await rejoin({ kind: 'broadcast', grants: host, broadcast: { ...live, state: 'ended' } });
  expect(goesLive()).toEqual([]);
  call.leave();
});

test.each(['mediaLost', 'mediaFailed', 'replaced'])(
  'a participant whose session ended with %s keeps the place, since a rejoin follows',
  async (reason) => {
    const { call, events } = await inCall({ peers: [peer('ada'), peer('bob')] });
    call.remoteParticipants;
    latest().options.listeners.peerClosed?.({ peerId: 'ada', reason });
    latest().options.listeners.newPeer?.(peer('ada again', { identity: 'identity of ada', name: 'ada' }));
    expect(events).toEqual([]);
    expect(call.remoteParticipants.map(({ name }) => name)).toEqual(['ada', 'bob']);
    call.leave();
  },
);

test('devices that were chosen for an invitation start on the stage', async () => {
  const { call, broadcast } = await inCall({ kind: 'broadcast', grants: viewer, broadcast: live });
  const start = vi.spyOn(call.media, 'start');
  const membership = new StageMembership(broadcast, () => {});
  void membership.accept({ camera: true, microphone: false });
  expect(start).not.toHaveBeenCalled();
  latest().options.listeners.grantsChanged?.({ grants: speaker });
  expect(start.mock.calls).toEqual([['camera']]);
  call.leave();
});

test('devices that were chosen for an invitation which was no longer valid stay off on the stage later', async () => {
  const { call, broadcast } = await inCall({ kind: 'broadcast', grants: viewer, broadcast: live });
  const start = vi.spyOn(call.media, 'start');
  const membership = new StageMembership(broadcast, () => {});
  vi.spyOn(latest(), 'request').mockRejectedValueOnce(new WeirError('notFound'));
  await membership.accept({ camera: true, microphone: true });
  latest().options.listeners.grantsChanged?.({ grants: speaker });
  expect(membership.onStage).toBe(true);
  expect(start).not.toHaveBeenCalled();
  call.leave();
});
