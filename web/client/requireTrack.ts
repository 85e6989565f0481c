/** Checks the source and the track that an application passes to `publish` and `replaceTrack`. */
import { WeirError } from '../../shared/errors.ts';
import { kindOf, type Source, sources } from '../../shared/media.ts';

/** @throws {WeirError} `badRequest` if there is no such source */
export function requireSource(source: unknown): asserts source is Source {
  if (sources.some((one) => one === source)) return;
  throw new WeirError('badRequest', `There is no source "${String(source)}". The sources are ${sources.join(', ')}.`);
}

/**
 * Checks members, not the class: another realm (an iframe) has its own MediaStreamTrack class.
 * @throws {WeirError} `badRequest` if this is not a track, one of the wrong kind, or one that has ended
 */
export function requireTrack(source: unknown, track: unknown): void {
  requireSource(source);
  const kind = kindOf[source];
  const isTrack = typeof track === 'object' && track !== null && 'kind' in track && 'readyState' in track;
  if (!isTrack) {
    throw new WeirError(
      'badRequest',
      `${source} needs a MediaStreamTrack of kind ${kind}, such as openCamera() returns.`,
    );
  }
  if (track.kind !== kind) {
    throw new WeirError(
      'badRequest',
      `${source} needs a track of kind ${kind}, but this one is ${String(track.kind)}.`,
    );
  }
  if (track.readyState === 'ended') {
    throw new WeirError(
      'badRequest',
      `The track for ${source} has ended. Open the device again and publish its new track.`,
    );
  }
}
