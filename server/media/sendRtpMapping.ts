/**
 * Payload types and header extension ids of the packets that one transport sends, where its remote endpoint has chosen others than
 * the router. Only a media worker that was built by scripts/setup/worker-build can send them.
 */
import { readFile } from 'node:fs/promises';
import { workerBin } from 'mediasoup';
import type { RtpCapabilities } from '../../shared/media.ts';

/** Numbers of the remote endpoint by those of the router. Header extensions that are not listed are not sent. */
export interface SendRtpMapping {
  /** 0 to 127. */
  readonly payloadTypes: ReadonlyMap<number, number>;
  /** 1 to 14: those that fit into one byte (RFC 8285, section 4.2). */
  readonly extensionIds: ReadonlyMap<number, number>;
}

/** mediasoup's API has no field for a mapping: the worker takes it from a feedback entry of this type. */
const TYPE = 'x-send-rtp-mapping';

/** The capabilities with which all consumers of a transport are to be made, so that it sends with the numbers of a mapping. */
export function withSendRtpMapping(
  { codecs, ...capabilities }: RtpCapabilities,
  { payloadTypes, extensionIds }: SendRtpMapping,
): RtpCapabilities {
  const words = [
    ...[...payloadTypes].map(([own, theirs]) => `p${own}=${theirs}`),
    ...[...extensionIds].map(([own, theirs]) => `e${own}=${theirs}`),
  ];
  const feedback = { type: TYPE, parameter: words.join(' ') };
  return {
    ...capabilities,
    codecs: codecs.map((codec) => ({ ...codec, rtcpFeedback: [...(codec.rtcpFeedback ?? []), feedback] })),
  };
}

/** Whether the media worker of this server can send packets with the numbers of a mapping; its program names the entry. */
export async function canMapSentRtp(): Promise<boolean> {
  return (await readFile(process.env.MEDIASOUP_WORKER_BIN ?? workerBin)).includes(TYPE);
}
