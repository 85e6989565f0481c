/** The signalling of a session over sockets that a test opens, delays and refuses: what it confirms, and how long it tries to resume. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SignalSession } from '../../web/client/signalling/SignalSession.ts';
import { fakeOwnTimers } from '../support/fakeOwnTimers.ts';
import { joinReply, resumeReply, welcome } from '../support/roomClient.ts';

const NO_CODECS = { codecs: [], headerExtensions: [] };

/** A WebSocket without a network. */
class FakeSocket {
  static readonly OPEN = 1;
  /** All that were made, oldest first. */
  static readonly made: FakeSocket[] = [];
  /** What becomes of the next ones. */
  static onMade: (socket: FakeSocket) => void = () => {};
  readyState = 0;
  onopen: (() => void) | undefined;
  onmessage: ((event: { data: string }) => void) | undefined;
  onclose: ((event: { code: number; reason: string }) => void) | undefined;
  readonly sent: { id: number; method: string }[] = [];

  constructor() {
    FakeSocket.made.push(this);
    FakeSocket.onMade(this);
  }

  send(text: string): void {
    const message = JSON.parse(text);
    this.sent.push(message);
    if (message.method === 'resume') this.receive({ id: message.id, data: resumeReply() });
  }

  receive(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  /** Opens, unless it was closed before. */
  accept(): void {
    if (this.readyState !== 0) return;
    this.readyState = 1;
    this.onopen?.();
    this.receive({ event: 'welcome', data: welcome });
  }

  /** The connection is lost, or refused. */
  lose(): void {
    this.readyState = 3;
    this.onclose?.({ code: 1006, reason: '' });
  }

  close(): void {
    this.readyState = 3;
  }
}

fakeOwnTimers();
beforeEach(() => void vi.stubGlobal('WebSocket', FakeSocket));
afterEach(() => {
  vi.unstubAllGlobals();
  FakeSocket.made.splice(0);
  FakeSocket.onMade = () => {};
});

/** A session that has joined on its first socket. */
async function joined() {
  const events: string[] = [];
  FakeSocket.onMade = (socket) => queueMicrotask(() => socket.accept());
  const { signalling } = await SignalSession.open({
    url: 'https://weir.example',
    // The others would use the network.
    kinds: ['webSocket'],
    listeners: {},
    onResumed: () => events.push('resumed'),
    onClose: (reason) => events.push(`closed: ${reason}`),
  });
  const [socket] = FakeSocket.made;
  if (!socket) throw new Error('There is no socket.');
  const joining = signalling.join({
    room: 'room',
    rtpCapabilities: NO_CODECS,
    transports: { send: false, recv: false },
  });
  expect(socket.sent.map(({ method }) => method)).toEqual(['join']);
  socket.receive({ id: socket.sent[0]?.id, data: joinReply() });
  await joining;
  return { signalling, socket, events };
}

test('the reply to the join is confirmed at once, so that the session can be resumed', async () => {
  const { signalling, socket } = await joined();
  expect(socket.sent.map(({ method }) => method)).toEqual(['join', 'ping']);
  signalling.leave();
  await vi.advanceTimersByTimeAsync(0);
  expect(vi.getTimerCount()).toBe(0);
});

test('attempts that the browser delays, since many have failed, are not given up before they begin', async () => {
  const { signalling, socket, events } = await joined();
  FakeSocket.onMade = (one) => queueMicrotask(() => one.lose());
  socket.lose();
  await vi.advanceTimersByTimeAsync(10_000);
  expect([events, signalling.reconnecting]).toEqual([[], true]);
  const before = FakeSocket.made.length;
  expect(before).toBeGreaterThan(20);
  // As Chromium does, by up to five seconds.
  FakeSocket.onMade = (one) => void setTimeout(() => one.accept(), 5000);
  await vi.advanceTimersByTimeAsync(6000);
  expect([events, signalling.reconnecting]).toEqual([['resumed'], false]);
  signalling.leave();
  await vi.advanceTimersByTimeAsync(5000);
  expect(vi.getTimerCount()).toBe(0);
});

test('whoever leaves while it is reconnecting is not any more', async () => {
  const { signalling, socket, events } = await joined();
  socket.lose();
  expect(signalling.reconnecting).toBe(true);
  signalling.leave();
  expect([events, signalling.reconnecting]).toEqual([['closed: left'], false]);
});
