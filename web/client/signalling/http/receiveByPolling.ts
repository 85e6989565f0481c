/** Receives the messages of the server by long polling: each request waits for the next ones, and confirms the ones before. */
import {
  type Close,
  decodeFrame,
  encodeFrame,
  httpSignallingPaths,
  PollHeader,
} from '../../../../shared/httpSignalling.ts';
import { serverUrl } from '../../base.ts';
import type { ReceiveOptions } from './HttpSocket.ts';
import { isTransient, LOST, pause, post, refusalOf, retryPauses } from './request.ts';

/** As `Receive`. */
export async function receiveByPolling({ url, signal, onOpen, onMessage }: ReceiveOptions): Promise<Close> {
  const pollUrl = serverUrl(url, httpSignallingPaths.poll);
  let id: string | undefined;
  let after = 0;
  for (let failures = 0; ; ) {
    const body = id === undefined ? undefined : encodeFrame({ id, after });
    const response = await post(pollUrl, body, signal).catch(() => undefined);
    const text = response?.ok ? await response.text().catch(() => undefined) : undefined;
    if (signal.aborted) return LOST;
    if (text === undefined) {
      if (response && !response.ok && !isTransient(response)) return refusalOf(response);
      const time = retryPauses[failures];
      // A request to open a connection is not repeated: it may have opened one.
      if (id === undefined || time === undefined) return LOST;
      failures += 1;
      await pause(time, signal);
      continue;
    }
    failures = 0;
    const frame = decodeFrame(text, PollHeader);
    if (!frame) return LOST;
    const { number, opened, close } = frame.header;
    if (opened && id === undefined) {
      id = opened.id;
      onOpen(opened);
    }
    if (id === undefined || number !== after + 1) return LOST;
    after = number;
    for (const message of frame.messages) onMessage(message);
    if (close) return close;
  }
}
