/** Who is subscribed to which track, and when: participants, recorders and links, in calls and in broadcasts. */
import { pino } from 'pino';
import { expect, onTestFinished, test, vi } from 'vitest';
import { grantsOf, normalizeGrants } from '../../server/auth/grants.ts';
import { AudioForwarding } from '../../server/room/AudioForwarding.ts';
import type { Participant } from '../../server/room/Participant.ts';
import { Publication } from '../../server/room/Publication.ts';
import { RoomEvents } from '../../server/room/RoomEvents.ts';
import type { Subscriber } from '../../server/room/Subscriber.ts';
import { Subscribers } from '../../server/room/Subscribers.ts';
import { TrackForwarding } from '../../server/room/TrackForwarding.ts';
import { WeirError } from '../../shared/errors.ts';
import type { Grants, Role } from '../../shared/protocol.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A subscriber that keeps the ids of the tracks that it is subscribed to. */
class Receiver implements Subscriber {
  readonly tracks = new Set<string>();
  readonly removedPeers: string[] = [];
  receivesSlots = false;
  failure: Error | undefined;

  async subscribe({ track }: Publication): Promise<void> {
    if (this.failure) throw this.failure;
    this.tracks.add(track.id);
  }
  unsubscribeAll(): void {
    this.tracks.clear();
    this.receivesSlots = false;
  }
  async subscribeSlots(): Promise<void> {
    if (this.failure) throw this.failure;
    this.receivesSlots = true;
  }
  async unsubscribeSlots(): Promise<void> {}
  removePeer(peerId: string): void {
    this.removedPeers.push(peerId);
  }
}

function setUp(broadcast?: { live: boolean }) {
  const lines: { msg: string; level: number; peer?: string }[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const events = new RoomEvents(log);
  const subscribers = new Subscribers({ events, broadcast, log });
  const routers = { acquire: () => Promise.reject(new Error('no media in this test')) };
  const audio = new AudioForwarding({ events, subscribers, routers, maxAudibleSpeakers: 5, log });
  const forwarding = new TrackForwarding({ events, subscribers, audio, broadcast });
  return {
    events,
    subscribers,
    forwarding,
    lines,
    enter(id: string, role: Role): { participant: Participant & { grants: Grants }; receiver: Receiver } {
      const participant = {
        id,
        identity: id,
        grants: broadcast ? normalizeGrants('broadcast', grantsOf(role)) : grantsOf(role),
        info: { peerId: id, identity: id, name: id, sources: {}, hand: false, away: false, canExchangeData: true },
        setGrants() {},
        close() {},
        onEnd() {},
      };
      const receiver = new Receiver();
      subscribers.add(receiver, participant);
      return { participant, receiver };
    },
    publish(peerId: string, source: 'camera' | 'microphone'): Publication {
      const publication = new Publication({
        id: `${peerId} ${source}`,
        peerId,
        source,
        kind: source === 'camera' ? 'video' : 'audio',
        mimeTypes: [],
        paused: false,
        size: { width: 640, height: 360 },
        layers: 1,
        pathChanges: 0,
        location: { routerId: 'router' },
      });
      events.emit('published', { publication });
      return publication;
    },
  };
}

test('in a call every subscriber gets every track but its own, whether it is a participant or not', async () => {
  const { enter, publish, subscribers, forwarding, events } = setUp();
  const [ann, bob] = [enter('ann', 'speaker'), enter('bob', 'speaker')];
  const recorder = new Receiver();
  const remove = subscribers.add(recorder);
  const camera = publish('ann', 'camera');
  publish('bob', 'microphone');
  await turn();
  expect([...ann.receiver.tracks]).toEqual(['bob microphone']);
  expect([...bob.receiver.tracks]).toEqual(['ann camera']);
  expect([...recorder.tracks]).toEqual(['ann camera', 'bob microphone']);
  events.emit('unpublished', { publication: camera });
  const late = enter('late', 'speaker');
  await forwarding.subscribeToAll(late.receiver);
  expect([...late.receiver.tracks]).toEqual(['bob microphone']);
  remove();
  publish('late', 'camera');
  await forwarding.subscribeToAll(recorder);
  expect(recorder.tracks.has('late camera')).toBe(false);
});

test('a recorder of a broadcast gets what its viewers get: nothing before it is live, and nothing after it', async () => {
  const broadcast = { live: false };
  const { enter, publish, subscribers, forwarding, events } = setUp(broadcast);
  const [host, guest, viewer] = [enter('host', 'host'), enter('guest', 'speaker'), enter('viewer', 'viewer')];
  const recorder = new Receiver();
  subscribers.add(recorder);
  await forwarding.subscribeToAll(recorder);
  publish('host', 'camera');
  publish('host', 'microphone');
  await turn();
  const received = () => [host.receiver, guest.receiver, viewer.receiver, recorder].map(({ tracks }) => tracks.size);
  expect(received()).toEqual([0, 2, 0, 0]);
  broadcast.live = true;
  events.emit('liveChanged', { live: true });
  await turn();
  expect(received()).toEqual([0, 2, 2, 2]);
  broadcast.live = false;
  events.emit('liveChanged', { live: false });
  expect(received()).toEqual([0, 2, 0, 0]);
});

test('before a broadcast is live, the stage is sent to whoever comes onto it, and no longer to whoever leaves it', async () => {
  const broadcast = { live: false };
  const { enter, publish, events } = setUp(broadcast);
  enter('host', 'host');
  const { participant, receiver } = enter('viewer', 'viewer');
  publish('host', 'camera');
  const become = async (role: Role) => {
    const before = participant.grants;
    participant.grants = normalizeGrants('broadcast', grantsOf(role));
    events.emit('grantsChanged', { participant, before });
    await turn();
  };
  await become('speaker');
  expect([...receiver.tracks]).toEqual(['host camera']);
  await become('viewer');
  expect([...receiver.tracks]).toEqual([]);
});

test('a subscriber that fails is logged with its identity, and delays nobody; one that has left is no warning', async () => {
  const { enter, publish, lines, subscribers } = setUp();
  const [ann, bob] = [enter('ann', 'speaker'), enter('bob', 'speaker')];
  ann.receiver.failure = new Error('out of order');
  publish('cem', 'camera');
  await turn();
  expect([...bob.receiver.tracks]).toEqual(['cem camera']);
  expect(lines).toMatchObject([{ msg: 'subscribe failed', level: 40, peer: 'ann', identity: 'ann', what: 'camera' }]);
  const remove = subscribers.add(ann.receiver, ann.participant);
  vi.spyOn(ann.receiver, 'subscribe').mockImplementation(async () => {
    remove();
    throw new Error('gone');
  });
  publish('dan', 'camera');
  await turn();
  expect(lines.at(-1)).toMatchObject({ msg: 'subscribe failed', level: 20 });
});

test('subscribers drop what they keep about a peer that leaves or becomes hidden, but not about hidden ones', () => {
  const { enter, events } = setUp({ live: true });
  const { receiver } = enter('ann', 'speaker');
  const [bob, vic] = [enter('bob', 'speaker').participant, enter('vic', 'viewer').participant];
  events.emit('left', { participant: vic, reason: 'left' });
  expect(receiver.removedPeers).toEqual([]);
  const before = bob.grants;
  bob.grants = normalizeGrants('broadcast', grantsOf('viewer'));
  events.emit('grantsChanged', { participant: bob, before });
  expect(receiver.removedPeers).toEqual(['bob']);
  const eve = enter('eve', 'speaker').participant;
  events.emit('left', { participant: eve, reason: 'left' });
  expect(receiver.removedPeers).toEqual(['bob', 'eve']);
});

test('audio slots that did not open are opened a little later, unless the broadcast has ended by then', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const broadcast = { live: true };
  const { enter, publish, events } = setUp(broadcast);
  const [host, viewer] = [enter('host', 'host').receiver, enter('viewer', 'viewer').receiver];
  for (const receiver of [host, viewer]) receiver.failure = new WeirError('unavailable');
  for (let speaker = 0; speaker < 7; speaker += 1) publish(`speaker ${speaker}`, 'microphone');
  await turn();
  for (const receiver of [host, viewer]) receiver.failure = undefined;
  broadcast.live = false;
  events.emit('liveChanged', { live: false });
  await vi.advanceTimersByTimeAsync(250);
  expect([host.receivesSlots, viewer.receivesSlots]).toEqual([true, false]);
});
