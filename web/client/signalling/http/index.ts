/** What carries the signalling where WebSocket is blocked. It is loaded when it is needed. */
import type { SocketKind } from '../MessageSocket.ts';
import { HttpSocket } from './HttpSocket.ts';
import { receiveByPolling } from './receiveByPolling.ts';
import { receiveEvents } from './receiveEvents.ts';

/** Server-sent events and POST. */
export const sse: SocketKind = {
  name: 'sse',
  mayBeBuffered: true,
  open: (url, listener) => new HttpSocket(url, listener, receiveEvents),
};

/** Long polling and POST. */
export const polling: SocketKind = {
  name: 'polling',
  mayBeBuffered: false,
  open: (url, listener) => new HttpSocket(url, listener, receiveByPolling),
};
