/** What clients report of their joins: only they know how long people have waited, and how they are connected. */
import type { JoinReport } from '../../../shared/protocol.ts';
import type { Series } from './createSeries.ts';

export class ClientMetrics {
  readonly #series: Series;

  constructor(series: Series) {
    this.#series = series;
    for (const outcome of ['shown', 'missing', 'none']) series.clientJoins.inc({ first_frame: outcome }, 0);
  }

  add({ joinSeconds, firstFrame, candidate }: JoinReport): void {
    const { clientJoins, clientJoinTime, clientFirstFrame, clientCandidates } = this.#series;
    clientJoinTime.observe(joinSeconds);
    clientJoins.inc({ first_frame: typeof firstFrame === 'number' ? 'shown' : firstFrame });
    if (typeof firstFrame === 'number') clientFirstFrame.observe(firstFrame);
    if (candidate) clientCandidates.inc({ candidate_type: candidate.candidateType, protocol: candidate.protocol });
  }
}
