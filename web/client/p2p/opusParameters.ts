/** Asks the other end, in a session description, for what the SFU's link sends as well: DTX for speech, stereo for a screen. */
import type { Source } from '../../../shared/media.ts';

/** The parameters of Opus (RFC 7587) by source. Whoever receives says what the sender is to do. */
const parametersOf: Readonly<Partial<Record<Source, readonly string[]>>> = {
  microphone: ['useinbandfec=1', 'usedtx=1'],
  screenAudio: ['useinbandfec=1', 'stereo=1', 'sprop-stereo=1'],
};

/**
 * Adds the parameters to the m-lines by which the other end sends.
 * @param sdp our own description (RFC 8866)
 * @param sources what the other end sends, by mid
 */
export function withOpusParameters(sdp: string, sources: ReadonlyMap<string, Source>): string {
  // The first section belongs to the session.
  const [session = '', ...sections] = sdp.split(/^(?=m=)/m);
  return session + sections.map((section) => withParameters(section, sources)).join('');
}

function withParameters(section: string, sources: ReadonlyMap<string, Source>): string {
  const source = sources.get(/^a=mid:(\S+)/m.exec(section)?.[1] ?? '');
  const wanted = source && parametersOf[source];
  const payloadType = /^a=rtpmap:(\d+) opus\//im.exec(section)?.[1];
  if (!wanted || payloadType === undefined) return section;
  return section.replace(
    new RegExp(`^(a=fmtp:${payloadType} )([^\\r\\n]*)`, 'm'),
    (_line, start: string, value: string) => {
      const names = new Set(wanted.map((one) => one.split('=')[0]));
      const kept = value.split(';').filter((one) => one !== '' && !names.has(one.split('=')[0]?.trim()));
      return start + [...kept, ...wanted].join(';');
    },
  );
}
