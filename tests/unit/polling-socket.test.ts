/** Tests of PollingSocket: when a socket whose client does not poll counts as lost, and what a slow one may take. */
import { expect, test, vi } from 'vitest';
import { PollingSocket } from '../../server/signalling/http/PollingSocket.ts';
import { fakeOwnTimers } from '../support/fakeOwnTimers.ts';

fakeOwnTimers();

function open() {
  const closes: number[] = [];
  const socket = new PollingSocket({ maxMessageBytes: 1000, repeats: { perSecond: 1, burst: 2 }, onClosed() {} });
  socket.listen({ onMessage() {}, onViolation() {}, onClose: (code) => void closes.push(code) });
  return { socket, closes };
}

const messagesOf = (frame: string | undefined) => frame?.split('\n').slice(1);
const patient = new AbortController().signal;

test('a response may take as long as the heartbeat allows', async () => {
  const { socket, closes } = open();
  for (const [index, message] of ['one', 'two', 'three'].entries()) {
    const poll = socket.poll(index, patient);
    socket.send(message);
    await vi.advanceTimersByTimeAsync(index === 0 ? 100 : 60_000);
    expect(messagesOf(await poll)).toEqual([message]);
  }
  expect(closes).toEqual([]);
  // Whoever asks again has not got it.
  expect(messagesOf(await socket.poll(2, patient))).toEqual(['three']);
  expect(await socket.poll(0, patient)).toBeUndefined();
});

test('a client that does not come back after the first response has given it up', async () => {
  const { socket, closes } = open();
  const poll = socket.poll(0, patient);
  socket.send('one');
  await vi.advanceTimersByTimeAsync(5100);
  expect(messagesOf(await poll)).toEqual(['one']);
  expect(closes).toEqual([1006]);
  expect(vi.getTimerCount()).toBe(0);
});

test('a request that waits and is lost has five seconds to come again', async () => {
  const { socket, closes } = open();
  const lost = async () => {
    const gone = new AbortController();
    const poll = socket.poll(0, gone.signal);
    gone.abort();
    expect(await poll).toBeUndefined();
  };
  await lost();
  await vi.advanceTimersByTimeAsync(4900);
  await lost();
  await vi.advanceTimersByTimeAsync(4900);
  expect(closes).toEqual([]);
  await vi.advanceTimersByTimeAsync(200);
  expect(closes).toEqual([1006]);
  expect(vi.getTimerCount()).toBe(0);
});

test('a request that is replaced neither ends the socket nor takes a message', async () => {
  const { socket, closes } = open();
  const gone = new AbortController();
  const replaced = socket.poll(0, gone.signal);
  const next = socket.poll(0, patient);
  expect(await replaced).toBeUndefined();
  gone.abort();
  await vi.advanceTimersByTimeAsync(6000);
  socket.send('one');
  await vi.advanceTimersByTimeAsync(1);
  expect(messagesOf(await next)).toEqual(['one']);
  expect(closes).toEqual([]);
});
