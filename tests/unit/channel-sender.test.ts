/** Sending on a data channel: order, backpressure, limits, loss of the channel, and the rate that the server allows. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DataRate } from '../../server/room/data/DataRate.ts';
import { WeirError } from '../../shared/errors.ts';
import { SendRate } from '../../shared/SendRate.ts';
import { ChannelSender, type ChannelSenderOptions } from '../../web/client/data/ChannelSender.ts';

const limits = { high: 300, low: 100, waiting: 1000 };

/** A channel whose buffer is emptied by the test. */
class FakeChannel extends EventTarget {
  readonly sent: number[] = [];
  readyState = 'connecting';
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;

  send(frame: Uint8Array): void {
    this.sent.push(frame[0] ?? -1);
    this.bufferedAmount += frame.length;
  }

  open(): void {
    this.readyState = 'open';
    this.dispatchEvent(new Event('open'));
  }

  drain(): void {
    this.bufferedAmount = 0;
    this.dispatchEvent(new Event('bufferedamountlow'));
  }
}

function frame(number: number, length = 200): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).fill(number);
}

/** The sender only uses the members that the fake channel has. */
function attach(sender: ChannelSender, channel: FakeChannel): void {
  Reflect.apply(sender.attach, sender, [channel]);
}

function senderOf(options: Partial<ChannelSenderOptions> = {}) {
  const sender = new ChannelSender({ limits, ...options });
  const outcomes: string[] = [];
  const send = (number: number, length?: number) => {
    sender.send(frame(number, length)).then(
      () => outcomes.push(`${number} sent`),
      (error: WeirError) => outcomes.push(`${number} ${error.code}`),
    );
  };
  return { sender, outcomes, send };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a channel sender', () => {
  test('waits for the channel, then for room in its buffer, and keeps the order', async () => {
    const { sender, outcomes, send } = senderOf();
    const channel = new FakeChannel();
    for (const number of [1, 2, 3, 4]) send(number);
    attach(sender, channel);
    expect([channel.sent, sender.bufferedAmount, channel.bufferedAmountLowThreshold]).toEqual([[], 800, 100]);
    channel.open();
    await settled();
    expect([channel.sent, outcomes]).toEqual([
      [1, 2],
      ['1 sent', '2 sent'],
    ]);
    let low = false;
    sender.low().then(() => {
      low = true;
    });
    channel.drain();
    await settled();
    expect([channel.sent, low, sender.bufferedAmount]).toEqual([[1, 2, 3, 4], false, 400]);
    channel.drain();
    await settled();
    expect(low).toBe(true);
    await sender.low();
  });

  test('refuses what would let too much wait, and accepts more when there is room', async () => {
    const { sender, outcomes, send } = senderOf();
    for (const number of [1, 2, 3, 4, 5, 6]) send(number);
    await settled();
    expect(outcomes).toEqual(['6 rateLimited']);
    const channel = new FakeChannel();
    attach(sender, channel);
    channel.open();
    send(7);
    await settled();
    expect(outcomes).toEqual(['6 rateLimited', '1 sent', '2 sent']);
  });

  test('sends over the next channel what has not been sent over the former one', async () => {
    const { sender, send } = senderOf();
    const former = new FakeChannel();
    attach(sender, former);
    former.open();
    for (const number of [1, 2, 3]) send(number);
    sender.attach(undefined);
    former.drain();
    expect([former.sent, sender.hasWaiting]).toEqual([[1, 2], true]);
    const next = new FakeChannel();
    next.open();
    attach(sender, next);
    expect([next.sent, sender.hasWaiting]).toEqual([[3], false]);
  });

  test('rejects what waits when it fails or closes, and whatever comes after its end', async () => {
    const { sender, outcomes, send } = senderOf();
    send(1);
    const low = expect(sender.low()).rejects.toMatchObject({ code: 'forbidden' });
    sender.fail(new WeirError('forbidden'));
    await low;
    send(2);
    sender.close();
    send(3);
    await settled();
    expect(outcomes).toEqual(['1 forbidden', '2 closed', '3 closed']);
    expect(sender.bufferedAmount).toBe(0);
  });

  test('drops lossy frames while the channel is busy or not open, without an error', async () => {
    const { sender, outcomes, send } = senderOf({ dropsWhenBusy: true });
    const channel = new FakeChannel();
    attach(sender, channel);
    send(1);
    channel.open();
    for (const number of [2, 3]) send(number);
    channel.drain();
    send(4);
    await settled();
    expect([channel.sent, outcomes]).toEqual([
      [2, 4],
      ['1 sent', '2 sent', '3 sent', '4 sent'],
    ]);
  });
});

describe('the rate of the SDK', () => {
  const welcomed = { dataMessages: 200, dataBitrate: 2_000_000, fileBitrate: 40_000_000 };
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each([
    ['reliable', 8, 200, 300],
    ['reliable', 65_000, 3, 20],
    ['bulk', 16_400, 300, 800],
    ['bulk', 100, 1000, 2000],
  ] as const)(
    'frames of %s of %d bytes leave steadily, and the server refuses none of them',
    (channel, bytes, least, most) => {
      const rate = new SendRate(welcomed);
      const server = new DataRate(welcomed);
      const sender = new ChannelSender({
        limits: { high: 1e9, low: 1e8, waiting: 1e9 },
        take: (size) => rate.take(channel, size),
      });
      const channelObject = new FakeChannel();
      let refused = 0;
      channelObject.send = ({ length }: Uint8Array) => {
        channelObject.sent.push(length);
        if (!server.tryTake(channel, length)) refused += 1;
      };
      attach(sender, channelObject);
      channelObject.open();
      const one = frame(1, bytes);
      for (let count = 0; count < 12 * most; count++) void sender.send(one).catch(() => {});
      vi.advanceTimersByTime(1000);
      const first = channelObject.sent.length;
      expect(first).toBeGreaterThanOrEqual(least);
      expect(first).toBeLessThanOrEqual(most);
      vi.advanceTimersByTime(9000);
      expect(channelObject.sent.length).toBeGreaterThan(5 * least);
      expect(refused).toBe(0);
      sender.close();
    },
  );
});
