/** Tests of the parts of file transfers: names from outside, the wire format, the window, the rate. */
import { describe, expect, test } from 'vitest';
import { FileDigest } from '../../web/client/files/FileDigest.ts';
import { CHUNK_BYTES, createTransferId, decodeMessage, encodeMessage } from '../../web/client/files/fileMessages.ts';
import { safeFileName } from '../../web/client/files/fileName.ts';
import { SendWindow } from '../../web/client/files/SendWindow.ts';
import { TransferRate } from '../../web/client/files/TransferRate.ts';

const KIB = 1024;

describe('names of files', () => {
  test.each([
    ['photo.jpg', 'photo.jpg'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Windows\\system.ini', 'system.ini'],
    ['folder/', 'folder'],
    ['..', 'file'],
    ['.', 'file'],
    ['', 'file'],
    ['///', 'file'],
    ['.htaccess', 'htaccess'],
    ['report.pdf. . ', 'report.pdf'],
    ['photo\u202egpj.exe', 'photogpj.exe'],
    ['a\u0000b\nc.txt', 'ab c.txt'],
    ['what?*<>|":.txt', 'what_______.txt'],
    ['CON', '_CON'],
    ['nul.txt', '_nul.txt'],
    ['console.txt', 'console.txt'],
    ['보고서 2026.hwp', '보고서 2026.hwp'],
    ['\ud800.txt', '\ufffd.txt'],
  ])('%j becomes %j', (name, safe) => {
    expect(safeFileName(name)).toBe(safe);
  });

  test('a long name keeps its extension, and fits a file system', () => {
    const name = safeFileName(`${'가'.repeat(500)}.tar.gz`);
    expect(name).toMatch(/^가+\.gz$/);
    expect(new TextEncoder().encode(name).length).toBeLessThanOrEqual(240);
    expect(new TextEncoder().encode(safeFileName('a'.repeat(1000))).length).toBe(240);
  });
});

describe('messages of file transfers', () => {
  const id = createTransferId();

  test('ids are random, and messages come back as they were', () => {
    expect(createTransferId()).not.toBe(id);
    const chunk = { type: 'chunk', id, round: 4_294_967_295, position: 2 ** 40, data: Uint8Array.of(1, 2, 3) } as const;
    expect(decodeMessage(encodeMessage(chunk))).toEqual(chunk);
    const offer = { type: 'offer', id, name: '보고서.hwp', size: 5 } as const;
    expect(decodeMessage(encodeMessage(offer))).toEqual(offer);
    const seek = { type: 'seek', hashes: ['0123456789abcdef'.repeat(4), 'f'.repeat(64)] } as const;
    expect(decodeMessage(encodeMessage(seek))).toEqual(seek);
  });

  test('an end for a reason that is not known yet is an end', () => {
    expect(decodeMessage(text(JSON.stringify({ type: 'end', id, reason: 'bored' })))).toMatchObject({
      type: 'end',
      reason: 'unknown',
    });
  });

  const text = (value: string) => Uint8Array.of(0, ...new TextEncoder().encode(value));
  const chunkWith = (change: (view: DataView) => void) => {
    const encoded = encodeMessage({ type: 'chunk', id, round: 1, position: 0, data: Uint8Array.of(1) });
    change(new DataView(encoded.buffer));
    return encoded;
  };
  test.each([
    ['nothing', new Uint8Array()],
    ['an unknown kind', Uint8Array.of(7, 1, 2)],
    ['no JSON', text('{')],
    ['no UTF-8', Uint8Array.of(0, 0xff, 0xfe)],
    ['an unknown type', text('{"type":"steal","id":"00"}')],
    ['no id', text('{"type":"done"}')],
    ['an id that is a path', text(`{"type":"done","id":"../${'0'.repeat(29)}"}`)],
    ['a negative size', text(JSON.stringify({ type: 'offer', id, name: 'a', size: -1 }))],
    ['a very long name', text(JSON.stringify({ type: 'offer', id, name: 'a'.repeat(9000), size: 1 }))],
    ['a question for nothing', Uint8Array.of(2)],
    ['a question with half a hash', new Uint8Array(1 + 48).fill(2)],
    ['a question with too many hashes', new Uint8Array(1 + 65 * 32).fill(2)],
    ['an empty chunk', encodeMessage({ type: 'chunk', id, round: 1, position: 0, data: new Uint8Array() })],
    [
      'a large chunk',
      encodeMessage({ type: 'chunk', id, round: 1, position: 0, data: new Uint8Array(CHUNK_BYTES + 1) }),
    ],
    ['a position that is no number', chunkWith((view) => view.setFloat64(21, Number.NaN))],
    ['a negative position', chunkWith((view) => view.setFloat64(21, -1))],
    ['a position between bytes', chunkWith((view) => view.setFloat64(21, 0.5))],
  ])('%s is refused', (_, encoded) => {
    expect(() => decodeMessage(encoded)).toThrow(expect.objectContaining({ code: 'badMessage' }));
  });
});

describe('the window of a transfer', () => {
  /** Acknowledges 64 KiB every so many milliseconds, each after the same delay. */
  function acknowledge(window: SendWindow, times: number, delay: number, from = 0): number {
    let now = from;
    for (let index = 0; index < times; index += 1) {
      now += 10;
      window.acknowledge(64 * KIB, delay, now);
    }
    return now;
  }

  test('grows to its maximum while nothing queues', () => {
    const window = new SendWindow();
    acknowledge(window, 100, 20);
    expect(window.size).toBe(2048 * KIB);
  });

  test.each([
    ['alone', 512],
    ['beside media', 64],
  ])('%s, shrinks to its minimum while the queue is longer than it should be, and grows again', (mode, min) => {
    const window = new SendWindow(() => mode !== 'alone');
    const now = acknowledge(window, 100, 20);
    const then = acknowledge(window, 200, 620, now);
    expect(window.size).toBe(min * KIB);
    acknowledge(window, 400, 20, then);
    expect(window.size).toBeGreaterThan(1024 * KIB);
  });

  test('makes room for media at a queue that would do without', () => {
    const alone = new SendWindow(() => false);
    const beside = new SendWindow(() => true);
    for (const window of [alone, beside]) acknowledge(window, 100, 60, acknowledge(window, 10, 10));
    expect(alone.size).toBeGreaterThan(1024 * KIB);
    expect(beside.size).toBe(64 * KIB);
  });

  test('one late acknowledgement among prompt ones does not count', () => {
    const window = new SendWindow();
    const now = acknowledge(window, 100, 20);
    window.acknowledge(64 * KIB, 2000, now + 10);
    expect(window.size).toBe(2048 * KIB);
  });

  test('takes a longer path for what it is after a while', () => {
    const window = new SendWindow();
    let now = acknowledge(window, 100, 20);
    now = acknowledge(window, 100, 420, now);
    expect(window.size).toBe(512 * KIB);
    acknowledge(window, 20_000, 420, now);
    expect(window.size).toBe(2048 * KIB);
  });
});

test('a rate is the mean of the last seconds', () => {
  const rate = new TransferRate();
  for (let at = 0; at <= 10_000; at += 100) rate.add(at * 100, at);
  expect(rate.at(1_000_000, 10_000)).toBeCloseTo(100_000, -2);
  // It stops.
  expect(rate.at(1_000_000, 20_000)).toBeLessThan(50_000);
  rate.reset();
  expect(rate.at(1_000_000, 20_000)).toBe(0);
});

test('a digest can be returned to', () => {
  const digest = new FileDigest();
  digest.update(Uint8Array.of(1, 2));
  const before = digest.clone();
  digest.update(Uint8Array.of(3));
  expect(before.bytes).toBe(2);
  before.update(Uint8Array.of(3));
  expect(before.hex()).toBe(digest.hex());
  expect(new FileDigest().hex()).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});
