/** Checks what an application hands to `publish` and the like before anything is queued for it. */
import { WeirError } from '../../shared/errors.ts';
import { kindOf, type Source, sources } from '../../shared/media.ts';

/** @throws {WeirError} `badRequest` where there is no such source */
export function requireSource(source: unknown): asserts source is Source {
  if (sources.some((one) => one === source)) return;
  throw new WeirError('badRequest', `There is no source "${String(source)}": publish ${sources.join(', ')}.`);
}

/**
 * A frame of another realm has a MediaStreamTrack class of its own: a track is known by what it has, not by its class.
 * @throws {WeirError} `badRequest` where this is no track, one of the wrong kind, or one that has ended
 */
export function requireTrack(source: unknown, track: unknown): void {
  requireSource(source);
  const kind = kindOf[source];
  const isTrack = typeof track === 'object' && track !== null && 'kind' in track && 'readyState' in track;
  if (!isTrack) {
    throw new WeirError(
      'badRequest',
      `${source} needs a MediaStreamTrack of kind ${kind}, such as openCamera() gives.`,
    );
  }
  if (track.kind !== kind) {
    throw new WeirError(
      'badRequest',
      `${source} needs a track of kind ${kind}, and this one is ${String(track.kind)}.`,
    );
  }
  if (track.readyState === 'ended') {
    throw new WeirError(
      'badRequest',
      `The track for ${source} has ended: open the device again and publish its new track.`,
    );
  }
}
