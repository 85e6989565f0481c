/** Webhooks without a network: their content, their order, their retries, and the limits of their queue, with a fake clock. */
import { WebhookEvent } from 'livekit-server-sdk';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { LoggedEvent, LoggedRoom, LoggedTrack } from '../../server/api/events/LoggedEvent.ts';
import type { QueuedEvent } from '../../server/api/webhooks/QueuedEvent.ts';
import { retryDelay } from '../../server/api/webhooks/retryDelay.ts';
import type { PostResult } from '../../server/api/webhooks/WebhookPoster.ts';
import { CONCURRENCY, WebhookTarget } from '../../server/api/webhooks/WebhookTarget.ts';
import { webhookEvent } from '../../server/api/webhooks/webhookEvent.ts';
import { grantsOf } from '../../server/auth/grants.ts';
import { DEFAULT_ROOM_SETTINGS } from '../../shared/roomSettings.ts';

const silent = pino({ level: 'silent' });

beforeEach(() => {
  vi.useFakeTimers({ now: 1_700_000_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Requests that are answered when the test says so. */
class Receiver {
  readonly requests: { readonly body: string; answer(result: PostResult): void }[] = [];

  post = (body: string): Promise<PostResult> => {
    const { promise, resolve } = Promise.withResolvers<PostResult>();
    this.requests.push({ body, answer: resolve });
    return promise;
  };

  /** The bodies of requests that have no answer yet. */
  get pending(): string[] {
    return this.requests.map(({ body }) => body);
  }

  /** Answers the request with that body. */
  async answer(body: string, result: PostResult): Promise<void> {
    const index = this.requests.findIndex((request) => request.body === body);
    const [request] = this.requests.splice(index, 1);
    if (index < 0 || !request) throw new Error(`There is no request ${body}.`);
    request.answer(result);
    await vi.advanceTimersByTimeAsync(0);
  }

  async deliver(body: string): Promise<void> {
    await this.answer(body, { delivered: true });
  }

  async fail(body: string, result: Partial<PostResult> = {}): Promise<void> {
    await this.answer(body, { delivered: false, why: 'status 500', ...result });
  }
}

function start({ events = 1000, bytes = 1_000_000, maxAge = 86_400_000 } = {}) {
  const receiver = new Receiver();
  const removed: string[] = [];
  const target = new WebhookTarget({
    name: 'https://receiver.example',
    limits: { events, bytes },
    maxAge,
    post: receiver.post,
    onRemoved: ({ body }) => removed.push(body),
    log: silent,
  });
  let seq = 0;
  return {
    ...{ target, receiver, removed },
    add(room: string, body: string, size = 10) {
      seq += 1;
      target.add(queued({ seq, room, body, bytes: size }));
    },
  };
}

function queued(some: Pick<QueuedEvent, 'seq' | 'room' | 'body' | 'bytes'>): QueuedEvent {
  return { target: 'target', id: `id ${some.seq}`, type: 'participant_joined', time: Date.now(), ...some };
}

describe('the events of a room', () => {
  test('are sent one after another, and those of other rooms meanwhile', async () => {
    const { receiver, add, removed } = start();
    add('a', 'a1');
    add('a', 'a2');
    add('b', 'b1');
    expect(receiver.pending).toEqual(['a1', 'b1']);
    await receiver.deliver('b1');
    expect(receiver.pending).toEqual(['a1']);
    await receiver.deliver('a1');
    expect(receiver.pending).toEqual(['a2']);
    await receiver.deliver('a2');
    expect(removed).toEqual(['b1', 'a1', 'a2']);
  });

  test('wait for one that has failed, which is sent again with the same body, and others do not', async () => {
    const { receiver, add, target } = start();
    add('a', 'a1');
    add('a', 'a2');
    await receiver.fail('a1');
    add('b', 'b1');
    await receiver.deliver('b1');
    await vi.advanceTimersByTimeAsync(400);
    expect(receiver.pending).toEqual([]);
    await vi.advanceTimersByTimeAsync(600);
    expect(receiver.pending).toEqual(['a1']);
    await receiver.deliver('a1');
    expect(receiver.pending).toEqual(['a2']);
    expect(target.counts).toEqual({ delivered: 2, failed: 1, expired: 0, dropped: 0 });
  });

  test('are sent in as many rooms at once as there may be requests, and in the others afterwards', async () => {
    const { receiver, add } = start();
    for (let room = 0; room < CONCURRENCY + 5; room += 1) add(`room ${room}`, `event ${room}`);
    expect(receiver.pending).toHaveLength(CONCURRENCY);
    await receiver.deliver('event 3');
    expect(receiver.pending).toHaveLength(CONCURRENCY);
    expect(receiver.pending.at(-1)).toBe(`event ${CONCURRENCY}`);
  });
});

describe('a webhook that fails', () => {
  test('waits twice as long each time, up to a minute, with half of it at random', () => {
    const delays = (random: number) =>
      [1, 2, 3, 4, 5, 6, 7, 8, 2000].map((failures) => retryDelay(failures, 0, () => random));
    expect(delays(1)).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    expect(delays(0)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  test('waits for as long as the receiver asks for, within ten minutes', () => {
    expect(retryDelay(1, 30_000, () => 1)).toBe(30_000);
    expect(retryDelay(1, 86_400_000, () => 1)).toBe(600_000);
    expect(retryDelay(7, 1000, () => 1)).toBe(60_000);
  });

  test('is given up when it is too old, and the next one of its room is sent', async () => {
    const { receiver, add, target, removed } = start({ maxAge: 5000 });
    add('a', 'a1');
    await receiver.fail('a1');
    await vi.advanceTimersByTimeAsync(1000);
    await receiver.fail('a1');
    await vi.advanceTimersByTimeAsync(1500);
    add('a', 'a2');
    await vi.advanceTimersByTimeAsync(2600);
    await receiver.fail('a1');
    expect(removed).toEqual(['a1']);
    expect(receiver.pending).toEqual(['a2']);
    expect(target.counts.expired).toBe(1);
    expect(target.takeLosses()).toBe(1);
    expect(target.takeLosses()).toBe(0);
  });

  test('is sent at once when a receiver that was down is back', async () => {
    const { receiver, add } = start();
    for (const room of ['a', 'b', 'c', 'd', 'e', 'f']) add(room, room);
    for (const room of ['a', 'b', 'c', 'd', 'e']) await receiver.fail(room);
    expect(receiver.pending).toEqual(['f']);
    await receiver.deliver('f');
    expect(receiver.pending).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});

describe('a full queue', () => {
  test('drops whole rooms, those that have waited longest first, and counts them', async () => {
    const { add, target, removed, receiver } = start({ events: 10 });
    for (let index = 0; index < 3; index += 1)
      for (const room of ['old', 'middle', 'new']) add(room, `${room} ${index}`);
    add('new', 'new 3');
    expect(removed).toEqual([]);
    add('new', 'new 4');
    // The first one of each room is being sent, and may arrive.
    expect(removed).toEqual(['old 1', 'old 2']);
    expect(target.counts.dropped).toBe(2);
    expect(target.queued).toBe(9);
    await receiver.deliver('old 0');
    expect(target.queued).toBe(8);
    await receiver.deliver('middle 0');
    expect(receiver.pending).toEqual(['new 0', 'middle 1']);
  });

  test('is full by size too, and a room that is dropped while it waits is not sent again', async () => {
    const { add, target, receiver, removed } = start({ bytes: 1000 });
    add('old', 'old', 600);
    await receiver.fail('old');
    add('new', 'new', 500);
    expect(removed).toEqual(['old']);
    expect(target.queued).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(receiver.pending).toEqual(['new']);
  });
});

test('a target that is closed sends nothing more and leaves no timer', async () => {
  const { add, target, receiver } = start();
  add('a', 'a1');
  add('b', 'b1');
  await receiver.fail('a1');
  const idle = vi.fn();
  void target.idle().then(idle);
  await vi.advanceTimersByTimeAsync(0);
  expect(idle).not.toHaveBeenCalled();
  await receiver.deliver('b1');
  expect(idle).toHaveBeenCalledOnce();
  target.close();
  expect(vi.getTimerCount()).toBe(0);
  add('c', 'c1');
  expect(receiver.pending).toEqual([]);
  expect(target.events.map(({ body }) => body)).toEqual(['a1']);
});

describe('the content of a webhook', () => {
  const time = 1_700_000_000_123;
  const room: LoggedRoom = {
    id: '0190f000-0000-4000-8000-000000000000',
    name: 'lobby',
    kind: 'call',
    policy: 'sfu',
    ...{ openedAt: time - 5000, participants: 2, publishers: 1 },
    settings: {
      ...DEFAULT_ROOM_SETTINGS,
      metadata: 'of the room',
      maxParticipants: 7,
      emptyTimeout: 9,
      departureTimeout: 8,
    },
  };
  const grants = { ...grantsOf('speaker'), canPublishSources: ['camera' as const, 'screenAudio' as const] };
  const participant = {
    id: 'PA',
    identity: 'ann',
    name: 'Ann',
    metadata: 'of Ann',
    joinedAt: time - 1000,
    grants,
    tracks: 1,
  };
  const track: LoggedTrack = {
    id: 'TR',
    source: 'screen',
    kind: 'video',
    ...{ mimeType: 'video/VP9', muted: true, width: 1280, height: 720, layers: 3, direct: false },
  };
  const common = { id: '018bcfe5-687b-7000-8000-000000000000', time };
  const read = (event: LoggedEvent) =>
    WebhookEvent.fromJson(JSON.parse(JSON.stringify(webhookEvent(event))), { ignoreUnknownFields: true });

  test("is what LiveKit's package reads: room, participant and track", () => {
    const event = read({ ...common, type: 'track_published', room, participant, track });
    expect(event.toJson()).toEqual({
      event: 'track_published',
      id: common.id,
      createdAt: '1700000000',
      room: {
        ...{ sid: room.id, name: 'lobby', emptyTimeout: 9, departureTimeout: 8, maxParticipants: 7 },
        ...{ creationTime: '1699999995', creationTimeMs: '1699999995123', metadata: 'of the room' },
        ...{ numParticipants: 2, numPublishers: 1 },
      },
      participant: {
        ...{ sid: 'PA', identity: 'ann', name: 'Ann', metadata: 'of Ann', state: 'ACTIVE', isPublisher: true },
        ...{ joinedAt: '1699999999', joinedAtMs: '1699999999123' },
        permission: {
          ...{ canSubscribe: true, canPublish: true, canPublishData: true },
          canPublishSources: ['CAMERA', 'SCREEN_SHARE_AUDIO'],
        },
      },
      track: {
        ...{ sid: 'TR', name: 'screen', type: 'VIDEO', source: 'SCREEN_SHARE', mimeType: 'video/VP9', muted: true },
        ...{ width: 1280, height: 720, simulcast: true },
      },
    });
  });

  test.each([
    ['left', 'CLIENT_INITIATED'],
    ['replaced', 'DUPLICATE_IDENTITY'],
    ['kicked', 'PARTICIPANT_REMOVED'],
    ['serverClosing', 'SERVER_SHUTDOWN'],
    ['unresponsive', 'CONNECTION_TIMEOUT'],
    ['mediaFailed', 'MEDIA_FAILURE'],
  ] as const)('says why somebody has left: %s is %s', (reason, expected) => {
    const { participant: left } = read({ ...common, type: 'participant_left', room, participant, reason });
    expect(left?.toJson()).toMatchObject({ state: 'DISCONNECTED', disconnectReason: expected });
  });

  test("has what LiveKit does not know in a field of Weir's own", () => {
    const before = grantsOf('viewer');
    expect(webhookEvent({ ...common, type: 'participant_grants_changed', room, participant, before }).weir).toEqual({
      ...{ time, kind: 'call', policy: 'sfu', roomAdmin: false, before },
    });
    expect(webhookEvent({ ...common, type: 'join_refused', code: 'roomFull', refusals: 3 })).toEqual({
      ...{
        event: 'join_refused',
        id: common.id,
        createdAt: '1700000000',
        weir: { time, code: 'roomFull', refusals: 3 },
      },
    });
    const refused = { name: 'lobby', kind: 'broadcast' } as const;
    const { room: requested } = read({ ...common, type: 'join_refused', code: 'busy', refusals: 1, room: refused });
    expect(requested?.toJson()).toEqual({ name: 'broadcast/lobby' });
  });
});
