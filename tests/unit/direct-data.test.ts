/** Data messages between two clients without a server: in order and once, also when their connection is replaced. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type DataChannelLabel, decodeDataFrame, encodeDataFrame } from '../../shared/dataFrame.ts';
import type { WeirError } from '../../shared/errors.ts';
import { receivedDataOf } from '../../web/client/data/receivedData.ts';
import { DirectData } from '../../web/client/p2p/DirectData.ts';
import type { DirectSession } from '../../web/client/p2p/DirectSession.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
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
  const received: Uint8Array[] = [];
  const decoder = new TextDecoder();
  const failures: string[] = [];
  const state = { peers: ['bob'], maySend: true };
  const onFailed = ({ code }: WeirError) => failures.push(code);
  const ada = new DirectData({
    peerIds: () => state.peers,
    maySend: () => state.maySend,
    onData: () => {},
    onFailed,
  });
  const bob = new DirectData({
    peerIds: () => ['ada'],
    maySend: () => true,
    onData: ({ data }) => {
      received.push(data);
      heard.push(decoder.decode(data));
    },
    onFailed,
  });
  bob.setPeers([{ peerId: 'ada', negotiation: 1, canPublishData: true }]);
  let negotiation = 0;
  /**
   * @param acknowledges whether what Bob acknowledges gets through
   * @param opens whether the channels open at once
   */
  const connect = (acknowledges = true, peerId = 'bob', opens = true) => {
    negotiation += 1;
    const number = negotiation;
    const labels = ['reliable', 'lossy', 'bulk'] as const;
    const ends = labels.map((label) => {
      const [atAda, atBob] = [new Channel(), new Channel()];
      atAda.other = atBob;
      atBob.other = atAda;
      return { label, atAda, atBob };
    });
    const loss = { lost: false };
    const sessionAt = (end: 'atAda' | 'atBob', other: string): DirectSession =>
      Object.create({
        peerId: other,
        negotiation: number,
        get lost() {
          return loss.lost;
        },
        connection: { channel: (label: string) => ends.find((one) => one.label === label)?.[end] },
        acknowledge: (label: 'reliable' | 'bulk', sequence: number) => {
          if (acknowledges) ada.acknowledge(peerId, label, sequence);
        },
      });
    ada.attach(sessionAt('atAda', peerId));
    bob.attach(sessionAt('atBob', 'ada'));
    const open = () => {
      for (const { atAda, atBob } of ends) {
        atAda.open();
        atBob.open();
      }
    };
    const close = () => {
      for (const { atAda, atBob } of ends) for (const end of [atAda, atBob]) end.readyState = 'closed';
    };
    if (opens) open();
    return { reliable: ends[0]?.atAda, bulk: ends[2]?.atAda, loss, open, close };
  };
  const say = (text: string, channel: DataChannelLabel = 'reliable') =>
    ada.send({ channel, topic: '', data: new TextEncoder().encode(text) });
  return { ada, bob, heard, received, failures, state, connect, say };
}

const numbersOf = (count: number) => Uint8Array.from({ length: count }, (_, index) => index);
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

test('one who cannot be reached holds up nobody: what waits for them has a limit, and who sends is told when it is lost', async () => {
  const { ada, heard, failures, state, connect } = pair();
  state.peers = ['bob', 'cleo'];
  connect();
  const data = new Uint8Array(65_536);
  const count = 140;
  for (let index = 0; index < count; index += 1) {
    const sent = ada.send({ channel: 'reliable', topic: '', data });
    await vi.advanceTimersByTimeAsync(10);
    await sent;
  }
  await vi.advanceTimersByTimeAsync(200);
  expect(heard).toHaveLength(count);
  expect(ada.bufferedAmount('reliable')).toBe(0);
  await ada.bufferedAmountLow('reliable');
  expect(failures).toEqual(['unavailable']);
});

test('whoever waits for one whose connection is lost waits for the others only', async () => {
  const { ada, state, connect } = pair();
  state.peers = ['bob', 'cleo'];
  const toBob = connect();
  const toCleo = connect(true, 'cleo');
  if (toBob.reliable) toBob.reliable.left = 0;
  if (toCleo.reliable) toCleo.reliable.left = 0;
  const data = new Uint8Array(65_536);
  for (let index = 0; index < 15; index += 1) await ada.send({ channel: 'reliable', topic: '', data, to: ['bob'] });
  let isSent = false;
  void ada.send({ channel: 'reliable', topic: '', data }).then(() => {
    isSent = true;
  });
  await vi.advanceTimersByTimeAsync(0);
  expect(isSent).toBe(false);
  toBob.loss.lost = true;
  ada.sessionsChanged();
  await vi.advanceTimersByTimeAsync(0);
  expect(isSent).toBe(true);
});

test('one who is connected and acknowledges nothing is waited for no longer after a while', async () => {
  const { ada, heard, failures, state, connect } = pair();
  state.peers = ['bob', 'cleo'];
  connect();
  const toCleo = connect(false, 'cleo');
  if (toCleo.reliable) toCleo.reliable.left = 0;
  const data = new Uint8Array(65_536);
  const send = () => ada.send({ channel: 'reliable', topic: '', data });
  for (let index = 0; index < 15; index += 1) await send();
  let isSent = false;
  void send().then(() => {
    isSent = true;
  });
  await vi.advanceTimersByTimeAsync(8000);
  expect(isSent).toBe(false);
  await vi.advanceTimersByTimeAsync(3000);
  expect(isSent).toBe(true);
  for (let index = 16; index < 140; index += 1) {
    const sent = send();
    await vi.advanceTimersByTimeAsync(10);
    await sent;
  }
  expect(heard).toHaveLength(140);
  expect(failures).toEqual(['unavailable']);
});

test('what cannot be sent to one is sent to the others', async () => {
  const { heard, state, connect, say } = pair();
  state.peers = ['cleo', 'bob'];
  const { reliable } = connect(true, 'cleo');
  if (reliable) {
    reliable.send = () => {
      throw new DOMException('The buffer is full.', 'OperationError');
    };
  }
  connect();
  await say('text');
  await vi.advanceTimersByTimeAsync(0);
  expect(heard).toEqual(['text']);
});

test('a former connection that opens last takes nothing over', async () => {
  const { heard, connect, say } = pair();
  const former = connect(true, 'bob', false);
  connect();
  former.open();
  former.close();
  await say('text');
  await vi.advanceTimersByTimeAsync(0);
  expect(heard).toEqual(['text']);
});

test('what was dropped is not sent again, and later messages arrive; of reliable ones the receiver is told', async () => {
  for (const channel of ['bulk', 'reliable'] as const) {
    const { ada, heard, failures, connect, say } = pair();
    const first = connect();
    const lost = first[channel];
    if (lost) lost.left = 2;
    for (const text of numbers(5)) await say(text, channel);
    await vi.advanceTimersByTimeAsync(200);
    ada.drop('bob');
    expect(ada.bufferedAmount(channel)).toBe(0);
    connect();
    await say('next', channel);
    await vi.advanceTimersByTimeAsync(200);
    expect(heard).toEqual(['0', '1', 'next']);
    expect(failures).toEqual(channel === 'reliable' ? ['unavailable'] : []);
  }
});

test('nothing is sent without the grant, what waits included, and nothing taken from a peer without it', async () => {
  const { ada, bob, heard, state, connect, say } = pair();
  const { bulk } = connect();
  if (bulk) bulk.left = 0;
  bob.setPeers([{ peerId: 'ada', negotiation: 1, canPublishData: false }]);
  await say('not permitted', 'lossy');
  await say('waits', 'bulk');
  expect(ada.bufferedAmount('bulk')).toBeGreaterThan(0);
  state.maySend = false;
  ada.grantsChanged();
  expect(ada.bufferedAmount('bulk')).toBe(0);
  await expect(say('more')).rejects.toMatchObject({ code: 'forbidden' });
  await vi.advanceTimersByTimeAsync(200);
  expect(heard).toEqual([]);
});

test('what is received has a buffer of its own, by the SFU too', async () => {
  const { received, connect, say } = pair();
  connect();
  await say('text');
  await vi.advanceTimersByTimeAsync(0);
  const frame = decodeDataFrame(encodeDataFrame({ sequence: 0, topic: 'topic', peerIds: ['ada'], data: numbersOf(4) }));
  const bySfu = receivedDataOf('ada', 'reliable', frame);
  expect(bySfu).toEqual({ peerId: 'ada', channel: 'reliable', topic: 'topic', data: numbersOf(4) });
  for (const data of [received[0], bySfu.data]) expect(data?.buffer.byteLength).toBe(4);
});
