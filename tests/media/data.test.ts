/** Data channels through real media workers: who floods, who receives slowly, and who sends malformed frames. */
import { setTimeout } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { DataMember, type DataMemberOptions, type ReceivedMessage } from '../../scripts/support/endpoint/DataMember.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import type { ServerEvents } from '../../shared/protocol.ts';
import { spread } from '../support/headlessMembers.ts';

let resources = new AsyncDisposableStack();
afterEach(async () => {
  await resources.disposeAsync();
  resources = new AsyncDisposableStack();
});

async function serve(environment: Record<string, string> = {}): Promise<TestServer> {
  return resources.adopt(await startServer(environment), (server) => server.close());
}

/** A member, what it receives and what the server tells it. */
async function enter({ url }: TestServer, name: string, options: Partial<DataMemberOptions> = {}) {
  const received: ReceivedMessage[] = [];
  const refused: ServerEvents['dataRefused'][] = [];
  const closed: ServerEvents['dataClosed'][] = [];
  const member = resources.adopt(
    await DataMember.join({
      url,
      room: 'data',
      name,
      onMessage: (message) => received.push(message),
      onRefused: (refusal) => refused.push(refusal),
      onClosed: (closure) => closed.push(closure),
      ...options,
    }),
    (one) => one.leave(),
  );
  return { member, received, refused, closed };
}

const eventually = <T>(fact: () => T) => expect.poll(fact, { timeout: 20_000, interval: 20 });

test('whoever floods is cut off and told why; the others, on both workers, go on', async () => {
  const server = await serve(spread);
  const flooder = await enter(server, 'flooder');
  const ann = await enter(server, 'ann');
  const bob = await enter(server, 'bob');
  const flood = async () => {
    const message = new Uint8Array(8);
    while (flooder.closed.length === 0) {
      // As many at once as werift sends without losing its own packets.
      const isBusy = flooder.member.bufferedAmount('reliable') > 20_000;
      for (let count = isBusy ? 20 : 0; count < 20; count++)
        flooder.member.send('reliable', message, { to: ['nobody'] });
      await setTimeout(4);
    }
  };
  const flooding = flood();
  ann.member.send('reliable', new Uint8Array([1]));
  await eventually(() => bob.received.length).toBe(1);
  await flooding;
  await eventually(() => flooder.closed).toMatchObject([{ error: { code: 'rateLimited' } }]);
  expect(flooder.refused.slice(0, 1)).toMatchObject([{ channel: 'reliable', error: { code: 'rateLimited' } }]);
  bob.member.send('reliable', new Uint8Array([2]));
  await eventually(() => ann.received.at(-1)?.data[0]).toBe(2);
  expect([ann.closed, bob.closed]).toEqual([[], []]);
  // It may come back, and gets what the others send.
  await flooder.member.open();
  ann.member.send('reliable', new Uint8Array([3]));
  await eventually(() => flooder.received.at(-1)?.data[0]).toBe(3);
});

test('who receives slowly loses lossy messages, and its channels when too many reliable ones wait; others are not held up', async () => {
  // Above what is sent here, so that only the receiver is slow.
  const server = await serve({ WEIR_DATA_BITRATE: '1000000000' });
  const ann = await enter(server, 'ann');
  const bob = await enter(server, 'bob');
  const slow = await enter(server, 'slow');
  slow.member.stall();
  const to = [bob.member.peerId, slow.member.peerId];
  const ofChannel = (channel: string) => bob.received.filter((one) => one.channel === channel);
  // A lossy message that loses a packet, as on a busy machine, never comes: the small one after it does.
  const small = new Uint8Array(32 * 1024);
  const count = 56;
  for (let index = 0; index < count; index++) {
    ann.member.send('lossy', small, { to });
    ann.member.send('reliable', new Uint8Array(1), { to: [bob.member.peerId] });
    await eventually(() => ofChannel('reliable').length).toBe(index + 1);
  }
  await eventually(() => ofChannel('lossy').length).toBeGreaterThan(count / 2);
  // Far less than was sent; nothing was closed.
  expect(slow.received.length).toBeLessThan(count / 4);
  expect(slow.closed).toEqual([]);

  bob.received.length = 0;
  const large = new Uint8Array(60 * 1024);
  let sent = 0;
  /** Sends a message to both, and waits until it has come to Bob. */
  const send = async () => {
    ann.member.send('reliable', large, { topic: String(sent++), to });
    await eventually(() => ofChannel('reliable').at(-1)?.topic).toBe(String(sent - 1));
  };
  while (slow.closed.length === 0 && sent < 200) await send();
  expect(slow.closed).toMatchObject([{ error: { code: 'closed', reason: 'sendBufferFull' } }]);
  // What waits for one receiver is bounded: by 4 MiB.
  expect(sent * large.length).toBeGreaterThan(3 * 1024 * 1024);
  expect(sent * large.length).toBeLessThan(5 * 1024 * 1024);
  const reliable = ofChannel('reliable').map(({ topic }) => topic);
  expect(reliable).toEqual(Array.from({ length: sent }, (_, index) => String(index)));
  expect([bob.closed, ann.closed, ann.refused]).toEqual([[], [], []]);

  await slow.member.open();
  // It may begin with what was sent after its channels had closed, which is kept for it.
  await send();
  await eventually(() => slow.received.at(-1)?.topic).toBe(String(sent - 1));
});

test('malformed frames are refused, and a few of them close the channels', async () => {
  const server = await serve();
  const sender = await enter(server, 'sender');
  for (let count = 0; count < 6; count++) sender.member.sendRaw('reliable', new Uint8Array([9, 9, 9]));
  await eventually(() => sender.closed).toMatchObject([{ error: { code: 'badMessage' } }]);
  expect(sender.refused.slice(0, 1)).toMatchObject([{ channel: 'reliable', error: { code: 'badMessage' } }]);
});
