/** The browser's WebSocket as a kind of `MessageSocket`. */
import { signallingUrl } from '../base.ts';
import type { SocketKind } from './MessageSocket.ts';

export const webSocket: SocketKind = {
  name: 'webSocket',
  mayBeBuffered: false,
  open(url, listener) {
    const socket = new WebSocket(signallingUrl(url));
    socket.onopen = () => listener.onOpen();
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') listener.onMessage(data);
    };
    socket.onclose = ({ code, reason }) => listener.onClose(code, reason);
    return {
      send(message) {
        if (socket.readyState !== WebSocket.OPEN) return false;
        socket.send(message);
        return true;
      },
      close: (code, reason) => socket.close(code, reason),
    };
  },
};
