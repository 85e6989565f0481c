/** Receives the messages of the server as server-sent events. */
import { Close, httpSignallingPaths, Opened, parseJson } from '../../../../shared/httpSignalling.ts';
import { serverUrl } from '../../base.ts';
import { EventStreamParser } from './EventStreamParser.ts';
import type { ReceiveOptions } from './HttpSocket.ts';
import { LOST, post, refusalOf } from './request.ts';

/** As `Receive`. */
export async function receiveEvents({ url, signal, onOpen, onMessage }: ReceiveOptions): Promise<Close> {
  const response = await post(serverUrl(url, httpSignallingPaths.events), undefined, signal);
  if (!response.ok) return refusalOf(response);
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
  if (!response.body || !isStream) return LOST;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const parser = new EventStreamParser();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return LOST;
    for (const { event, data } of parser.feed(decoder.decode(value, { stream: true }))) {
      if (event === 'open') {
        const opened = Opened.safeParse(parseJson(data));
        if (!opened.success) return LOST;
        onOpen(opened.data);
      } else if (event === 'close') {
        const close = Close.safeParse(parseJson(data));
        return close.success ? close.data : LOST;
      } else if (event === 'message') onMessage(data);
    }
  }
}
