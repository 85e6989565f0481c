/** Evaluates samples of a camera's RTP statistics: the layers sent, against those displayed. */

/** One layer of the camera as the RTP statistics report it. */
export interface LayerCount {
  readonly rid: string;
  readonly framesEncoded: number;
  /** Including headers. */
  readonly bytes: number;
}

/** All layers of the camera at one moment, lowest first. */
export interface LayerSample {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly layers: readonly LayerCount[];
}

/** The samples of one page's camera, and the highest layer that any tile of the others needs, lowest 0; -1 for none. */
export interface Camera {
  /** In chronological order. */
  readonly samples: readonly LayerSample[];
  readonly shown: number;
}

/** Milliseconds since 1970. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** When the first frame was encoded; `Infinity` if there is none. */
export function publishedAt({ samples }: Camera): number {
  const first = samples.find(({ layers }) => layers.some(({ framesEncoded }) => framesEncoded > 0));
  return first?.at ?? Number.POSITIVE_INFINITY;
}

/** Number of layers above the displayed one that were encoded in that span. */
export function extraBetween({ samples, shown }: Camera, { from, to }: Span): number {
  return encoded(sampleAt(samples, from), sampleAt(samples, to)).filter((layer) => layer > shown).length;
}

/** When the last frame of a layer above the displayed one was encoded; 0 for never. */
export function lastExtra({ samples, shown }: Camera): number {
  const last = samples.findLastIndex((sample, index) =>
    encoded(samples[index - 1], sample).some((layer) => layer > shown),
  );
  return samples[last]?.at ?? 0;
}

/** Bytes sent in that span in the layers up to `layer`. */
export function bytesBetween({ samples }: Camera, { from, to }: Span, highest: number): number {
  const bytes = (sample: LayerSample | undefined) =>
    (sample?.layers ?? []).reduce((sum, one, layer) => sum + (layer <= highest ? one.bytes : 0), 0);
  return bytes(sampleAt(samples, to)) - bytes(sampleAt(samples, from));
}

/** The last sample up to that moment. */
function sampleAt(samples: readonly LayerSample[], moment: number): LayerSample | undefined {
  return samples.findLast(({ at }) => at <= moment);
}

/** The layers of which frames were encoded between two samples, lowest 0. */
function encoded(before: LayerSample | undefined, after: LayerSample | undefined): number[] {
  return (after?.layers ?? []).flatMap(({ rid, framesEncoded }, layer) => {
    const earlier = before?.layers.find((one) => one.rid === rid)?.framesEncoded ?? 0;
    return framesEncoded > earlier ? [layer] : [];
  });
}
