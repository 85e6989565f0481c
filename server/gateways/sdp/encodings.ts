/** The RTP streams of an m-line as mediasoup wants them: simulcast from the lowest layer to the highest. */
import type { RtpParameters } from '../../../shared/media.ts';
import { unsupported } from './limits.ts';
import type { SdpMedia } from './parseSdp.ts';

/** Names that clients give the layers of simulcast, from the lowest to the highest. */
const ladders = [
  ['q', 'h', 'f'],
  ['l', 'm', 'h'],
  ['lo', 'mid', 'hi'],
  ['low', 'mid', 'high'],
  ['low', 'medium', 'high'],
  ['r0', 'r1', 'r2', 'r3'],
] as const;
/** As many layers as mediasoup and the protocol have. */
const MAX_LAYERS = 4;

type Rid = SdpMedia['sentRids'][number];

/**
 * @returns one encoding per layer, by RID; or one by its SSRC; or one by its MID alone
 * @throws {WeirError} `unsupported` for more layers than there can be
 */
export function encodingsOf({ sentRids, sources }: SdpMedia): RtpParameters['encodings'] {
  if (sentRids.length > MAX_LAYERS) {
    throw unsupported(`Simulcast has at most ${MAX_LAYERS} layers here; the offer has ${sentRids.length}.`);
  }
  if (sentRids.length > 0) return fromLowest(sentRids).map(({ id }) => ({ rid: id }));
  const [source] = sources;
  if (!source) return [{}];
  return [{ ssrc: source.ssrc, ...(source.rtx !== undefined && { rtx: { ssrc: source.rtx } }) }];
}

/**
 * SDP has no order of size. What the restrictions say counts first, then the names; otherwise the first layer is the one that
 * the sender prefers (RFC 8853, section 5.2), which is the highest, as with OBS (`0;1;2`).
 */
function fromLowest(rids: readonly Rid[]): readonly Rid[] {
  for (const name of ['max-width', 'max-height', 'max-br']) {
    const values = rids.map(({ parameters }) => parameters[name]);
    if (values.every((value) => typeof value === 'number') && new Set(values).size === values.length) {
      return rids.toSorted((a, b) => Number(a.parameters[name]) - Number(b.parameters[name]));
    }
  }
  const ladder = ladders.find((names) => rids.every(({ id }) => step(names, id) >= 0));
  if (ladder) return rids.toSorted((a, b) => step(ladder, a.id) - step(ladder, b.id));
  return rids.toReversed();
}

function step(names: readonly string[], id: string): number {
  return names.indexOf(id.toLowerCase());
}
