/** How a transport is connected: its state and its selected candidate pair, from the WebRTC report of any browser. */
import { z } from 'zod';

/** One end of a candidate pair, in the terms of webrtc-stats. */
export interface CandidateStats {
  readonly candidateType: 'host' | 'srflx' | 'prflx' | 'relay';
  /** Between this candidate and its peer: of a relay candidate, between the TURN server and the peer. */
  readonly protocol: 'udp' | 'tcp';
  /** Browsers hide it where a page may not know it. */
  readonly address?: string;
  readonly port?: number;
  /** Of a local relay candidate: between the browser and the TURN server. */
  readonly relayProtocol?: 'udp' | 'tcp' | 'tls';
  /** Of a local candidate, where the browser reports it: `ethernet`, `wifi`, `cellular`, ... */
  readonly networkType?: string;
}

/** The candidate pair that media takes. Bytes are counted since it exists. */
export interface CandidatePairStats {
  readonly local: CandidateStats;
  readonly remote: CandidateStats;
  /** The last measured round-trip time, in seconds, where the browser reports it. */
  readonly currentRoundTripTime?: number;
  /** The estimate of congestion control for what may be sent, in bit/s, where the browser reports it. */
  readonly availableOutgoingBitrate?: number;
  /** When the counters had these values, in milliseconds since 1970. */
  readonly timestamp?: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** One transport: that for sending, or that for receiving. A direct connection is both. */
export interface ConnectionStats {
  /** Whom it connects to directly; undefined for the server. */
  readonly peerId?: string;
  readonly direction: 'send' | 'receive';
  readonly state: RTCPeerConnectionState;
  /** Undefined until ICE has selected one. */
  readonly pair?: CandidatePairStats;
}

const Text = z.string().min(1).optional().catch(undefined);
const Quantity = z.number().optional().catch(undefined);

const Candidate = z
  .object({
    candidateType: z.enum(['host', 'srflx', 'prflx', 'relay']),
    protocol: z.enum(['udp', 'tcp']),
    address: Text,
    port: Quantity,
    relayProtocol: z.enum(['udp', 'tcp', 'tls']).optional().catch(undefined),
    networkType: Text,
  })
  .transform(withoutUndefined);

const Pair = z.object({
  localCandidateId: z.string(),
  remoteCandidateId: z.string(),
  currentRoundTripTime: Quantity,
  availableOutgoingBitrate: Quantity,
  timestamp: Quantity,
  bytesSent: z.number().catch(0),
  bytesReceived: z.number().catch(0),
});

type Row = Readonly<Record<string, unknown>>;

/** Summarises the report of one transport. */
export function connectionStatsOf({
  direction,
  state,
  report,
}: {
  direction: ConnectionStats['direction'];
  state: RTCPeerConnectionState;
  report: Pick<RTCStatsReport, 'forEach'>;
}): ConnectionStats {
  const rows: Row[] = [];
  report.forEach((row: Row) => {
    rows.push(row);
  });
  const pair = pairOf(rows);
  return { direction, state, ...(pair && { pair }) };
}

/** The selected candidate pair: as the transport names it, otherwise as Firefox marks it. */
export function selectedPair(rows: readonly Row[]): Row | undefined {
  const chosen = new Set(rows.map((row) => row.selectedCandidatePairId).filter(Boolean));
  const pairs = rows.filter(({ type }) => type === 'candidate-pair');
  if (chosen.size > 0) return pairs.find(({ id }) => chosen.has(id));
  const marked = pairs.find(({ selected }) => selected === true);
  return marked ?? pairs.find(({ nominated, state }) => nominated === true && state === 'succeeded');
}

function pairOf(rows: readonly Row[]): CandidatePairStats | undefined {
  const { data: pair } = Pair.safeParse(selectedPair(rows));
  if (!pair) return undefined;
  const { localCandidateId, remoteCandidateId, ...counters } = pair;
  const [local, remote] = [localCandidateId, remoteCandidateId].map(
    (candidateId) => Candidate.safeParse(rows.find(({ id }) => id === candidateId)).data,
  );
  return local && remote && { local, remote, ...withoutUndefined(counters) };
}

/** Without the keys that the browser does not report. */
function withoutUndefined<T extends object>(object: T): T {
  const copy = { ...object };
  for (const key of Object.keys(copy)) if (Reflect.get(copy, key) === undefined) Reflect.deleteProperty(copy, key);
  return copy;
}
