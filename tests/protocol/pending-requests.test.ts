/** Covers pending requests: joins in the admission queue, requests to a frozen worker, a resume, a drain. */
import { observer } from 'mediasoup';
import { afterEach, describe, expect, test } from 'vitest';
import { dtls, opus, vp8 } from '../../scripts/support/media/clientParameters.ts';
import { pidOf } from '../../scripts/support/process/pidOf.ts';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import { Peer } from '../../server/room/Peer.ts';
import { TestClient } from '../support/client.ts';
import { dumpOnlyRouter } from '../support/routers.ts';
import { failure, type Joined, useServer } from '../support/weir.ts';

/** Numbers of routers and transports that the workers of this process have created. */
const made = { routers: 0, transports: 0 };
observer.on('newworker', (worker) => {
  worker.observer.on('newrouter', (router) => {
    made.routers += 1;
    router.observer.on('newtransport', () => {
      made.transports += 1;
    });
  });
});

const microphone = { source: 'microphone', rtpParameters: opus() } as const;
const answerTo = (client: TestClient, id: number) =>
  client.until(`the answer to ${id}`, () => client.messages.find((message) => message.id === id));

/** Freezes the one worker of a server. @returns a function that continues it */
function hold(server: ReturnType<typeof useServer>): () => void {
  const pid = pidOf(server.app.pool.workers[0]);
  process.kill(pid, 'SIGSTOP');
  return () => process.kill(pid, 'SIGCONT');
}

describe('a join in the admission queue', () => {
  const full = useServer({
    WEIR_JOIN_ADMISSION_LIMIT: '0',
    WEIR_JOIN_SECONDS: '0.3',
    WEIR_JOIN_QUEUE_TIMEOUT_SECONDS: '1',
  });

  test('has no join timeout while it waits, and is refused with busy and a time to retry', async () => {
    const client = await full.connect();
    const error = await client.join().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ ...failure('busy'), retryAfter: expect.any(Number) });
    expect(client.open).toBe(true);
    // The join timeout starts anew then.
    expect(await client.closed).toEqual({ code: 4008, reason: 'joinTimeout' });
  });

  test('does not keep ping from being answered', async () => {
    const client = await full.connect();
    const joining = client.join();
    await client.request('ping', {});
    expect(client.messages.filter(({ error }) => error)).toEqual([]);
    await expect(joining).rejects.toMatchObject(failure('busy'));
  });
});

describe('a client that disconnects', () => {
  const one = useServer({ WEIR_MAX_CONCURRENT_JOINS: '1', WEIR_JOIN_QUEUE_TIMEOUT_SECONDS: '30' });

  test('leaves the queue at once: no room and no transport is created for it', async () => {
    await one.join({ room: 'there already' });
    const release = hold(one);
    const before = { ...made };
    const first = await one.connect();
    const joining = first.join({ room: 'first' });
    const second = await one.connect();
    const hopeless = second.join({ room: 'second' }).catch((error: unknown) => error);
    await second.request('ping', {});
    const third = await one.connect();
    const later = third.join({ room: 'there already' });
    await third.request('ping', {});
    second.cut();
    await Promise.all([second.closed, hopeless]);
    // The server has handled the disconnect by then: it came first.
    await (await one.connect()).request('ping', {});
    release();
    await Promise.all([joining, later]);
    expect(made.routers - before.routers).toBe(1);
    expect(made.transports - before.transports).toBe(4);
    expect(await one.app.rooms.find('second')).toBeUndefined();
  });

  test('while its room is being opened leaves nothing behind', async () => {
    const release = hold(one);
    const before = { ...made };
    const client = await one.connect();
    const hopeless = client.join({ room: 'room' }).catch((error: unknown) => error);
    await client.request('ping', {});
    client.cut();
    await Promise.all([client.closed, hopeless]);
    await (await one.connect()).request('ping', {});
    release();
    await expect.poll(() => one.app.rooms.size).toBe(0);
    expect(made.transports - before.transports).toBe(0);
  });

  test('while its transport is being created leaves none behind', async () => {
    const stays = await one.join({ room: 'room' });
    const leaves = await one.join({ room: 'room', transports: { send: false, recv: true } });
    const release = hold(one);
    const hopeless = leaves.client.request('openTransport', { direction: 'send' }).catch((error: unknown) => error);
    await leaves.client.request('ping', {});
    leaves.client.socket.close(1000);
    await Promise.all([leaves.client.closed, hopeless, stays.client.event('peerClosed')]);
    release();
    // The worker handles requests in order: the late transport exists by now.
    await one.join({ room: 'room' });
    await expect.poll(dumpOnlyRouter).toMatchObject({ transports: 4 });
  });
});

describe('a join that is pending when the server begins to drain', () => {
  test('gets the event draining after its reply', async () => {
    await using server = await startServer();
    using client = await TestClient.connect(server.url);
    const pid = pidOf(server.app.pool.workers[0]);
    process.kill(pid, 'SIGSTOP');
    const joining = client.join();
    await client.request('ping', {});
    void server.app.drain(20_000);
    process.kill(pid, 'SIGCONT');
    await joining;
    const { seconds } = await client.event('draining');
    expect(seconds).toBeGreaterThan(10);
    await client.request('ping', {});
    expect(client.unreadEvents('draining')).toEqual([]);
  });
});

describe('a connection that resumes while a request of the former one is running', () => {
  const weir = useServer({ WEIR_RESUME_SECONDS: '1' });
  let undo: (() => void) | undefined;
  afterEach(() => undo?.());

  async function takeOver({ client, reply }: Joined) {
    client.cut();
    await client.closed;
    const next = await weir.connect({ firstId: 5000 });
    await next.request('resume', { key: reply.resumeKey });
    return next;
  }

  test('has one producer per source, and the first reply to a repeated request', async () => {
    const [ada, bob] = [await weir.join({ room: 'room' }), await weir.join({ room: 'room' })];
    undo = hold(weir);
    ada.client.send(JSON.stringify({ id: 77, method: 'produce', data: microphone }));
    // It waits for the first one, so it has not begun.
    ada.client.send(JSON.stringify({ id: 78, method: 'setHand', data: { raised: true } }));
    await ada.client.request('ping', {});
    const next = await takeOver(ada);
    const again = next.request('produce', microphone).catch((error: unknown) => error);
    next.send(JSON.stringify({ id: 77, method: 'produce', data: microphone }));
    next.send(JSON.stringify({ id: 78, method: 'setHand', data: { raised: true } }));
    await next.request('ping', {});
    undo();
    expect(await again).toMatchObject(failure('conflict'));
    const { data } = await answerTo(next, 77);
    expect(data).toEqual({ producerId: expect.any(String) });
    expect((await answerTo(next, 78)).error).toBeUndefined();
    await bob.client.event('peerHand');
    const { consumers: offered } = await bob.client.event('newConsumers');
    expect(offered.map(({ producerId }) => ({ producerId }))).toEqual([data]);
    // The one producer can be closed.
    await next.request('closeProducer', { source: 'microphone' });
    expect((await bob.client.event('consumersClosed')).consumerIds).toEqual(offered.map((one) => one.consumerId));
    expect(bob.client.unreadEvents('newConsumers')).toEqual([]);
  });

  test('has one transport per direction', async () => {
    const client = await weir.connect();
    const reply = await client.join({ room: 'room', transports: { send: false, recv: true } });
    undo = hold(weir);
    const open = { id: 77, method: 'openTransport', data: { direction: 'send' } };
    client.send(JSON.stringify(open));
    await client.request('ping', {});
    const before = made.transports;
    const next = await takeOver({ client, reply });
    const again = next.request('openTransport', { direction: 'send' }).catch((error: unknown) => error);
    next.send(JSON.stringify(open));
    await next.request('ping', {});
    undo();
    expect(await again).toMatchObject(failure('conflict'));
    expect((await answerTo(next, 77)).error).toBeUndefined();
    expect(made.transports - before).toBe(1);
    await expect(next.request('produce', microphone)).resolves.toBeDefined();
  });
});

describe('a peer whose worker has not responded', () => {
  const weir = useServer();

  async function peerOf({ reply }: Joined): Promise<Peer> {
    const peer = (await weir.app.rooms.find('room'))?.participant(reply.peerId);
    if (!(peer instanceof Peer)) throw new Error('It is not in.');
    return peer;
  }
  const conflict = { status: 'rejected', reason: { code: 'conflict' } };

  test('creates one producer per source, and other sources do not wait for it', async () => {
    const ada = await weir.join({ room: 'room' });
    const peer = await peerOf(ada);
    const produce = () => peer.producers.produce('camera', vp8(), { paused: false });
    const results = await Promise.allSettled([
      produce(),
      produce(),
      peer.producers.produce('microphone', opus(), { paused: false }),
    ]);
    expect(results).toMatchObject([{ status: 'fulfilled' }, conflict, { status: 'fulfilled' }]);
    // A refused one leaves no reservation.
    await expect(peer.producers.produce('screen', opus(), { paused: false })).rejects.toMatchObject({
      code: 'badRequest',
    });
    await expect(peer.producers.produce('screen', vp8('screen'), { paused: false })).resolves.toBeDefined();
    await expect(
      peer.producers.produce('screenAudio', { ...opus(), encodings: [] }, { paused: false }),
    ).rejects.toMatchObject({
      code: 'badRequest',
    });
    await expect(peer.producers.produce('screenAudio', opus('screenAudio'), { paused: false })).resolves.toBeDefined();
  });

  test('connects each transport once', async () => {
    const ada = await weir.join({ room: 'room' });
    const peer = await peerOf(ada);
    const id = ada.reply.transports.send?.transportId ?? '';
    const results = await Promise.allSettled([peer.connectTransport(id, dtls), peer.connectTransport(id, dtls)]);
    expect(results).toMatchObject([{ status: 'fulfilled' }, conflict]);
  });
});
