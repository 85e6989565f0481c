/** Finds out what this browser can do. */
import { RemoteAudio } from '../common/RemoteAudio.ts';
import type { BrowserCapabilities } from './checks/browser.ts';

/** The codecs that a server may ask for. */
const videoCodecs = ['VP8', 'H264', 'VP9', 'AV1'];

export async function browserCapabilities(): Promise<BrowserCapabilities> {
  const webRtc = 'RTCPeerConnection' in globalThis;
  return {
    secureContext: isSecureContext,
    webRtc,
    videoCodecs: webRtc ? videoCodecs.filter((codec) => hasCodec('video', codec)) : [],
    opus: webRtc && hasCodec('audio', 'opus'),
    simulcast: webRtc && hasSimulcast(),
    screenShare: 'mediaDevices' in navigator && 'getDisplayMedia' in navigator.mediaDevices,
    speakerSelection: RemoteAudio.canSelectSpeaker,
  };
}

/** Whether the browser can both send and receive it. */
function hasCodec(kind: 'audio' | 'video', name: string): boolean {
  const mimeType = `${kind}/${name}`.toLowerCase();
  return [RTCRtpSender, RTCRtpReceiver].every((side) =>
    side.getCapabilities(kind)?.codecs.some((codec) => codec.mimeType.toLowerCase() === mimeType),
  );
}

function hasSimulcast(): boolean {
  const connection = new RTCPeerConnection();
  try {
    const { sender } = connection.addTransceiver('video', {
      direction: 'sendonly',
      sendEncodings: [{ rid: 'low' }, { rid: 'high' }],
    });
    return sender.getParameters().encodings.length === 2;
  } catch {
    return false;
  } finally {
    connection.close();
  }
}
