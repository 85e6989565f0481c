/** A published track as data: what is known of it, apart from the mediasoup objects that carry its media. */
import type { MediaKind, Source } from '../../shared/media.ts';
import type { Size } from './layers.ts';

/** Where the media of a track arrives. */
export interface TrackLocation {
  /** A router of this process. */
  readonly routerId: string;
}

/** One string for a peer and a source, for maps. */
export function trackKey({ peerId, source }: { readonly peerId: string; readonly source: string }): string {
  return `${peerId}:${source}`;
}

/** All of it can be cloned or serialized: it means the same in another process. */
export interface Track {
  /** Unique; the id of the producer that receives its media. */
  readonly id: string;
  /** The peer that publishes it. */
  readonly peerId: string;
  readonly source: Source;
  readonly kind: MediaKind;
  /** MIME types of its codecs as its publisher named them, the media codec first. */
  readonly mimeTypes: readonly string[];
  /** Whether its publisher has muted it. */
  readonly paused: boolean;
  /** Of the highest spatial layer in use, in pixels; an audio track has no use for it. */
  readonly size: Size;
  /** How many spatial layers are in use, from the lowest; 1 for audio. */
  readonly layers: number;
  /** How often its publisher has moved to another network path: each time, packets were lost. */
  readonly pathChanges: number;
  /** Undefined where its media does not pass through a server. */
  readonly location: TrackLocation | undefined;
}
