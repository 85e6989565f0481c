/** Data messages between two clients without a server: in order and once, also when their connection is replaced. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DirectData } from '../../web/client/p2p/DirectData.ts';
import type { DirectSession } from '../../web/client/p2p/DirectSession.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** One end of a channel: what it sends arrives at the other in a later turn, unless it is lost. */
class Channel extends EventTarget {
  readyState = 'connecting';
  bufferedAmount = 0;
  other: Channel | undefined;
  /** How many more messages get through. */
  left = Number.POSITIVE_INFINITY;

  open(): void {
    this.readyState = 'open';
    this.dispatchEvent(new Event('open'));
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    this.left -= 1;
    if (this.left < 0) return;
    const data = bytes.slice().buffer;
    queueMicrotask(() => this.other?.dispatchEvent(new MessageEvent('message', { data })));
  }
}

/** Ada and Bob, and the connections between them. */
function pair() {
  const heard: string[] = [];
  const decoder = new TextDecoder();
  const ada = new DirectData({ peerIds: () => ['bob'], onData: () => {} });
  const bob = new DirectData({ peerIds: () => ['ada'], onData: ({ data }) => heard.push(decoder.decode(data)) });
  /** @param acknowledges whether what Bob acknowledges gets through */
  const connect = (acknowledges = true) => {
    const labels = ['reliable', 'lossy', 'bulk'] as const;
    const ends = labels.map((label) => {
      const [atAda, atBob] = [new Channel(), new Channel()];
      atAda.other = atBob;
      atBob.other = atAda;
      return { label, atAda, atBob };
    });
    const sessionAt = (end: 'atAda' | 'atBob', peerId: string): DirectSession =>
      Object.create({
        peerId,
        connection: { channel: (label: string) => ends.find((one) => one.label === label)?.[end] },
        acknowledge: (label: 'reliable' | 'bulk', sequence: number) => {
          if (acknowledges) ada.acknowledge('bob', label, sequence);
        },
      });
    ada.attach(sessionAt('atAda', 'bob'));
    bob.attach(sessionAt('atBob', 'ada'));
    for (const { atAda, atBob } of ends) {
      atAda.open();
      atBob.open();
    }
    return { reliable: ends[0]?.atAda };
  };
  const say = (text: string, channel: 'reliable' | 'lossy' = 'reliable') =>
    ada.send({ channel, topic: '', data: new TextEncoder().encode(text) });
  return { ada, bob, heard, connect, say };
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));

test('what was sent before there is a connection arrives once there is one', async () => {
  const { heard, connect, say } = pair();
  for (const text of numbers(3)) await say(text);
  connect();
  await vi.advanceTimersByTimeAsync(200);
  expect(heard).toEqual(numbers(3));
});

test.each([
  ['and nothing of it was acknowledged', false],
  ['and some of it was acknowledged', true],
])(
  'a connection is lost in the middle %s: each message arrives once, in order, over the next one',
  async (_, acknowledges) => {
    const { heard, connect, say } = pair();
    const { reliable } = connect(acknowledges);
    if (reliable) reliable.left = 23;
    for (const text of numbers(40)) await say(text);
    await vi.advanceTimersByTimeAsync(200);
    expect(heard).toEqual(numbers(23));
    connect();
    await vi.advanceTimersByTimeAsync(200);
    expect(heard).toEqual(numbers(40));
  },
);

test('a lossy message is sent now or never', async () => {
  const { heard, connect, say } = pair();
  await say('early', 'lossy');
  connect();
  await say('now', 'lossy');
  await vi.advanceTimersByTimeAsync(200);
  expect(heard).toEqual(['now']);
});

test('who sends more than arrives waits, and is refused when far too much waits; a peer that leaves is waited for no longer', async () => {
  const { ada, connect } = pair();
  const { reliable } = connect();
  if (reliable) reliable.left = 0;
  const data = new Uint8Array(65_536);
  let resolved = 0;
  for (let index = 0; index < 140; index += 1) {
    void ada.send({ channel: 'reliable', topic: '', data }).then(
      () => {
        resolved += 1;
      },
      () => {},
    );
  }
  await vi.advanceTimersByTimeAsync(0);
  expect(resolved).toBe(15);
  await expect(ada.send({ channel: 'reliable', topic: '', data })).rejects.toMatchObject({ code: 'rateLimited' });
  expect(ada.bufferedAmount('reliable')).toBeGreaterThan(8_000_000);
  ada.removePeer('bob');
  await vi.advanceTimersByTimeAsync(0);
  expect(ada.bufferedAmount('reliable')).toBe(0);
  expect(resolved).toBeGreaterThan(120);
});
