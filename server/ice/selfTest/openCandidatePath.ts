/** Opens a path to a candidate by its protocol. */
import type { IceCandidate } from '../../../shared/media.ts';
import type { OpenIcePath } from '../probe/IcePath.ts';
import { openTcpPath } from '../probe/TcpPath.ts';
import { openUdpPath } from '../probe/UdpPath.ts';

export function openCandidatePath(candidate: Pick<IceCandidate, 'address' | 'port' | 'protocol'>): OpenIcePath {
  return (events, signal) =>
    candidate.protocol === 'udp'
      ? openUdpPath(candidate, events, { connected: true })
      : openTcpPath(candidate, events, signal);
}
