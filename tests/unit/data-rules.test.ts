import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type DataChannelLabel, MAX_DATA_BYTES } from '../../shared/dataFrame.ts';

import { type DataClient, DataRoom, frame } from '../support/dataRoom.ts';

let room: DataRoom;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  room = new DataRoom();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('destinations', () => {
  test('to all: one write for each worker, without the sender', async () => {
    const ann = await room.join('ann').open();
    await room.join('bob').open();
    await room.join('cem', {}, 'two').open();
    ann.send(frame('hello'));
    expect(room.sent).toEqual([
      { router: 'one', channel: 'reliable', text: 'hello', from: ['ann'], to: { except: ann.subchannel } },
      { router: 'two', channel: 'reliable', text: 'hello', from: ['ann'], to: { except: undefined } },
    ]);
  });

  test('to some: by their subchannels, each once; not to oneself, nor to those who have left', async () => {
    const ann = await room.join('ann').open();
    const bob = await room.join('bob').open();
    const cem = await room.join('cem').open();
    await room.join('dan').open();
    const eve = await room.join('eve').open();
    eve.leave('left');
    ann.send(frame('for two', ['cem', 'bob', 'bob', 'ann', 'eve', 'nobody']), 'bulk');
    expect(room.sent).toEqual([
      { router: 'one', channel: 'bulk', text: 'for two', from: ['ann'], to: [cem.subchannel, bob.subchannel] },
    ]);
  });

  test('files go to those who are named, never to all at once', async () => {
    const ann = await room.join('ann').open();
    const bob = await room.join('bob').open();
    await room.join('viewer', { hidden: true, canPublish: false }).open();
    ann.send(frame('to all'), 'bulk');
    expect(room.sent).toEqual([]);
    const error = expect.objectContaining({ code: 'badRequest', message: expect.stringContaining('name') });
    expect(ann.told('dataRefused')).toEqual([{ channel: 'bulk', error }]);
    ann.send(frame('to bob', ['bob']), 'bulk');
    expect(room.sent.map(({ text, to }) => [text, to])).toEqual([['to bob', [bob.subchannel]]]);
  });

  test('whoever is hidden receives, and is not named', async () => {
    const viewer = await room.join('viewer', { hidden: true, canPublish: false }).open();
    const ann = await room.join('ann').open();
    ann.send(frame('to all'));
    viewer.send(frame('from a viewer', ['ann']));
    expect(room.sent.map(({ from, text }) => [text, from])).toEqual([
      ['to all', ['ann']],
      ['from a viewer', []],
    ]);
    expect(room.sent[0]?.to).toEqual({ except: ann.subchannel });
    expect(viewer.receiving).toBe(true);
  });

  test('nothing is sent or kept for one who may not subscribe, until they may', async () => {
    const ann = await room.join('ann').open();
    const bob = await room.join('bob', { canSubscribe: false }).open();
    ann.send(frame('secret', ['bob']));
    expect([room.sent, bob.receiving]).toEqual([[], false]);
    bob.grants = { ...bob.grants, canSubscribe: true };
    bob.port.applyGrants();
    ann.send(frame('open', ['bob']));
    expect([room.sent.map(({ text }) => text), bob.receiving]).toEqual([['open'], true]);
  });
});

describe('one whose channels are not open', () => {
  test('is told once, and gets everything in order when they are; lossy messages are lost', async () => {
    const ann = await room.join('ann').open();
    const bob = room.join('bob');
    ann.send(frame('first'));
    ann.send(frame('lost'), 'lossy');
    ann.send(frame('second', ['bob']));
    expect(bob.told('dataPending')).toHaveLength(1);
    bob.port.remind();
    expect(bob.told('dataPending')).toHaveLength(2);
    room.sent.length = 0;
    await bob.open();
    expect(room.sent.map(({ text, to }) => [text, to])).toEqual([
      ['first', [bob.subchannel]],
      ['second', [bob.subchannel]],
    ]);
    bob.port.remind();
    expect(bob.told('dataPending')).toHaveLength(2);
  });

  test.each<[string, (ann: DataClient) => void]>([
    [
      'too much waits',
      (ann) => {
        for (let count = 0; count < 9; count++) ann.send(frame('x'.repeat(MAX_DATA_BYTES)));
        vi.advanceTimersByTime(2000);
      },
    ],
    [
      'nobody comes for it',
      (ann) => {
        ann.send(frame('x'));
        vi.advanceTimersByTime(15_001);
      },
    ],
  ])('loses what waits if %s, and is told', async (_, cause) => {
    const ann = await room.join('ann').open();
    const bob = room.join('bob');
    cause(ann);
    expect(bob.told('dataClosed')).toEqual([
      { error: expect.objectContaining({ code: 'closed', reason: 'sendBufferFull' }) },
    ]);
    room.sent.length = 0;
    await bob.open();
    expect(room.sent.length).toBeLessThan(2);
  });

  test('is told again of what comes some time after a loss: its channels may have been refused before', async () => {
    const ann = await room.join('ann').open();
    const bob = room.join('bob');
    ann.send(frame('lost'));
    vi.advanceTimersByTime(15_001);
    ann.send(frame('soon after'));
    expect([bob.told('dataPending').length, bob.told('dataClosed').length]).toEqual([1, 1]);
    vi.advanceTimersByTime(5000);
    ann.send(frame('later'));
    expect(bob.told('dataPending')).toHaveLength(2);
    room.sent.length = 0;
    await bob.open();
    expect(room.sent.map(({ text }) => text)).toEqual(['later']);
  });
});

describe('a slow receiver', () => {
  test('loses lossy messages without more ado, and its channels if reliable ones would be missing', async () => {
    const bob = await room.join('bob').open();
    bob.sendBufferFull('lossy');
    expect([bob.notified, bob.port.address]).toEqual([[], expect.anything()]);
    bob.sendBufferFull('reliable');
    expect(bob.notified).toEqual([
      ['dataClosed', { transportId: 'transport', error: expect.objectContaining({ reason: 'sendBufferFull' }) }],
    ]);
    expect(bob.port.address).toBeUndefined();
  });
});

describe('the grant canPublishData', () => {
  test('counts for each message: what comes after it is revoked is refused, and its sender told', async () => {
    const ann = await room.join('ann').open();
    await room.join('bob').open();
    ann.send(frame('allowed'));
    ann.grants = { ...ann.grants, canPublishData: false };
    ann.port.applyGrants();
    ann.send(frame('refused'));
    expect(room.sent.map(({ text }) => text)).toEqual(['allowed']);
    expect(ann.told('dataRefused')).toEqual([
      { channel: 'reliable', error: expect.objectContaining({ code: 'forbidden' }) },
    ]);
    ann.grants = { ...ann.grants, canPublishData: true };
    ann.send(frame('allowed again'));
    expect(room.sent.map(({ text }) => text)).toEqual(['allowed', 'allowed again']);
  });

  test('without it and without canSubscribe there are no channels', async () => {
    const ann = await room.join('ann').open();
    ann.grants = { ...ann.grants, canPublishData: false, canSubscribe: false };
    ann.port.applyGrants();
    expect(ann.port.address).toBeUndefined();
    await expect(ann.port.open()).rejects.toMatchObject({ code: 'forbidden' });
  });
});

describe('limits', () => {
  test('more messages than allowed are refused, and who goes on is cut off alone', async () => {
    const ann = await room.join('ann').open();
    const bob = await room.join('bob').open();
    for (let count = 0; count < 2000; count++) ann.send(frame('x'));
    ann.send(frame('too much'));
    vi.advanceTimersByTime(4800);
    expect(room.sent.map(({ text }) => text)).toEqual(Array(2000).fill('x'));
    expect(ann.notified).toEqual([
      ['dataRefused', { channel: 'reliable', error: expect.objectContaining({ code: 'rateLimited' }) }],
    ]);
    bob.send(frame('from another'));
    expect(room.sent.at(-1)?.text).toBe('from another');
    for (let count = 0; count < 1200; count++) ann.send(frame('flood'));
    expect(ann.told('dataRefused')).toHaveLength(2);
    expect(ann.told('dataClosed')).toEqual([
      { transportId: 'transport', error: expect.objectContaining({ code: 'rateLimited' }) },
    ]);
    expect([ann.port.address, bob.port.address]).toEqual([undefined, expect.anything()]);
    await ann.open();
    vi.advanceTimersByTime(1000);
    for (let count = 0; count < 200; count++) ann.send(frame('within the rate'));
    vi.advanceTimersByTime(500);
    expect(room.sent.filter(({ text }) => text === 'within the rate')).toHaveLength(200);
  });

  test('bytes are limited as well, and files apart from other messages', async () => {
    const ann = await room.join('ann').open();
    await room.join('bob').open();
    const large = frame('x'.repeat(MAX_DATA_BYTES));
    for (let count = 0; count < 40; count++) ann.send(large);
    const chunk = frame('x'.repeat(MAX_DATA_BYTES), ['bob']);
    for (let count = 0; count < 40; count++) ann.send(chunk, 'bulk');
    const sent = (channel: DataChannelLabel) => room.sent.filter((one) => one.channel === channel).length;
    expect(sent('bulk')).toBe(38);
    vi.advanceTimersByTime(4000);
    expect([sent('reliable'), sent('bulk')]).toEqual([31, 40]);
    for (let count = 0; count < 3000; count++) ann.send(frame('tiny', ['bob']), 'bulk');
    vi.advanceTimersByTime(4000);
    expect(room.sent.filter(({ text }) => text === 'tiny').length).toBeLessThan(1000);
  });

  test('a burst is handed on at twice the rate, in order; what waits when its sender loses the grant is not', async () => {
    const ann = await room.join('ann').open();
    const bob = await room.join('bob').open();
    const burst = (count: number) => Array.from({ length: count }, (_, index) => ann.send(frame(String(index))));
    burst(500);
    expect(room.sent).toHaveLength(100);
    bob.send(frame('from another'));
    expect(room.sent.at(-1)?.text).toBe('from another');
    vi.advanceTimersByTime(500);
    expect(room.sent.length).toBeGreaterThan(290);
    expect(room.sent.length).toBeLessThan(310);
    ann.send(frame('last'));
    vi.advanceTimersByTime(1000);
    const texts = room.sent.map(({ text }) => text).filter((text) => text !== 'from another');
    expect(texts).toEqual([...Array.from({ length: 500 }, (_, index) => String(index)), 'last']);
    burst(500);
    const before = room.sent.length;
    ann.grants = { ...ann.grants, canPublishData: false };
    ann.port.applyGrants();
    ann.grants = { ...ann.grants, canPublishData: true };
    vi.advanceTimersByTime(5000);
    expect(room.sent).toHaveLength(before);
  });

  describe('a burst whose sender', () => {
    const texts = Array.from({ length: 1000 }, (_, index) => String(index));
    const arrived = () => room.sent.map(({ text }) => text);

    async function burst(): Promise<{ ann: DataClient; bob: DataClient }> {
      const ann = await room.join('ann').open();
      const bob = await room.join('bob').open();
      for (const text of texts) ann.send(frame(text));
      expect(room.sent).toHaveLength(100);
      return { ann, bob };
    }

    test.each<[string, (ann: DataClient) => void]>([
      ['has left', (ann) => ann.leave('left')],
      ['has lost its media worker', (ann) => ann.leave('mediaLost')],
      ['receives too slowly, and loses its channels,', (ann) => ann.sendBufferFull('reliable')],
    ])('%s is forwarded to its end, at the same rate', async (_, cause) => {
      const { ann } = await burst();
      cause(ann);
      vi.advanceTimersByTime(500);
      expect(room.sent.length).toBeGreaterThan(290);
      expect(room.sent.length).toBeLessThan(310);
      vi.advanceTimersByTime(2000);
      expect(arrived()).toEqual(texts);
    });

    test.each(['kicked', 'rateLimited'] as const)('was removed (%s) ends at once', async (reason) => {
      const { ann } = await burst();
      ann.leave(reason);
      vi.advanceTimersByTime(20_000);
      expect(room.sent).toHaveLength(100);
      expect(vi.getTimerCount()).toBe(0);
    });

    test('has left ends when nobody is there to receive it', async () => {
      const { ann, bob } = await burst();
      ann.leave('left');
      bob.leave('left');
      expect([vi.getTimerCount(), room.sent.length]).toEqual([0, 100]);
    });

    test('has left ends after fifteen seconds at a low rate', async () => {
      const slow = { dataBitrate: 80_000, fileBitrate: 80_000 };
      const ann = await room.join('ann', {}, 'one', slow).open();
      await room.join('bob').open();
      const large = frame('x'.repeat(MAX_DATA_BYTES));
      for (let count = 0; count < 20; count++) ann.send(large);
      ann.leave('left');
      vi.advanceTimersByTime(14_000);
      const before = room.sent.length;
      vi.advanceTimersByTime(60_000);
      expect(room.sent.length - before).toBeLessThan(2);
      expect(room.sent.length).toBeLessThan(20);
      expect(vi.getTimerCount()).toBe(0);
    });
  });

  test('a few malformed frames are refused, and the next one closes the channels', async () => {
    const ann = await room.join('ann').open();
    for (let count = 0; count < 5; count++) ann.send(Buffer.from('not a frame'));
    expect(ann.notified).toEqual([
      ['dataRefused', { channel: 'reliable', error: expect.objectContaining({ code: 'badMessage' }) }],
    ]);
    ann.send(Buffer.alloc(0));
    expect(ann.told('dataClosed')).toEqual([
      { transportId: 'transport', error: expect.objectContaining({ code: 'badMessage' }) },
    ]);
  });

  test('channels are not opened over and over', async () => {
    const ann = room.join('ann');
    for (let count = 0; count < 10; count++) await ann.open();
    await expect(ann.open()).rejects.toMatchObject({ code: 'rateLimited' });
    vi.advanceTimersByTime(60_000);
    await ann.open();
  });
});
