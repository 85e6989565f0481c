/** Every series that `/metrics` has: its name, labels and meaning. `npm run docs` writes docs/metrics.md from it. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Upper bounds in seconds: of delays inside this machine, */
const DELAYS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
/** and of what people wait for. */
const WAITS = [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 60];

/** Which RTP streams: no label has more than a few values. */
export const streamLabels = ['direction', 'transport', 'kind', 'codec'] as const;
const participantLabels = ['kind', 'role', 'gateway'] as const;
const trackLabels = ['source', 'codec', 'direct'] as const;
const streams = 'of RTP streams to Weir (`in`) and from it (`out`), sampled';

export type Series = ReturnType<typeof createSeries>;

/**
 * A registry with all series, without a value for those that have labels. Labels are numbers of workers and words of short
 * lists, never names of rooms or people, so that the number of series does not grow with use.
 */
export function createSeries() {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, buckets: number[], labelNames: readonly L[] = []) =>
    new Histogram({ name, help, buckets, labelNames, registers });

  return {
    registry,

    processCpu: counter('process_cpu_seconds_total', 'CPU time of the Node.js process, which does the signalling.'),
    processMemory: gauge('process_resident_memory_bytes', 'Resident memory of the Node.js process.'),
    processStart: gauge('process_start_time_seconds', 'When the Node.js process started, in seconds since 1970.'),
    eventLoopDelay: histogram(
      'weir_event_loop_max_delay_seconds',
      'Longest delay of the event loop in each second: how late a request may have been handled.',
      DELAYS,
    ),

    ready: gauge('weir_ready', '1 while `GET /ready` answers 200: all media workers run, and people are let in.'),
    rooms: gauge('weir_rooms', 'Open rooms, by kind and by how media travels in them.', ['kind', 'policy']),
    roomsOpened: counter('weir_rooms_opened_total', 'Rooms that have opened.', ['kind']),
    roomsClosed: counter('weir_rooms_closed_total', 'Rooms that have closed, by the reason.', ['kind', 'reason']),
    participants: gauge(
      'weir_participants',
      'Who is in a room: by its kind, the role that grants make, and the gateway, `none` for pages and other clients of the protocol.',
      participantLabels,
    ),
    joins: counter('weir_participant_joins_total', 'Participants that have joined.', participantLabels),
    departures: counter('weir_participant_departures_total', 'Participants that have left, by the reason.', [
      'kind',
      'reason',
    ]),
    abortedConnections: counter(
      'weir_participant_connections_aborted_total',
      'Participants that have left before their connection was complete; they count as joined and left as well.',
    ),
    refusals: counter('weir_join_refusals_total', 'Joins that were refused, by the code of the error.', ['code']),
    away: gauge('weir_participants_away', 'Participants that have no connection at present, and may come back.'),
    interruptions: counter('weir_interruptions_total', 'Lost connections of participants that were kept in the room.'),
    resumes: counter('weir_resumes_total', 'Participants that were without a connection and have one again.'),
    tracks: gauge(
      'weir_tracks',
      'Published tracks, by source and codec; `direct` are those that do not pass through the server.',
      trackLabels,
    ),
    tracksPublished: counter('weir_tracks_published_total', 'Tracks that have been published.', trackLabels),
    videoProblems: counter('weir_video_problems_total', 'Videos that others do not see as they should.', ['problem']),
    liveBroadcasts: gauge('weir_broadcasts_live', 'Broadcasts that are live.'),
    broadcastsStarted: counter('weir_broadcasts_started_total', 'Broadcasts that have gone live.'),

    joinQueue: gauge('weir_join_queue_length', 'Joins that wait for others, or for a worker with less to do.'),

    workers: gauge('weir_workers', 'Media workers that run.'),
    workersConfigured: gauge('weir_workers_configured', 'Media workers that should run.'),
    workerDeaths: counter('weir_worker_deaths_total', 'Media workers that died or were killed, and were replaced.'),
    workerCpu: counter('weir_worker_cpu_seconds_total', 'CPU time of a media worker, which has one core at most.', [
      'worker',
    ]),
    workerMemory: gauge('weir_worker_resident_memory_bytes', 'Resident memory of a media worker; on Linux only.', [
      'worker',
    ]),
    workerUtilization: gauge(
      'weir_worker_utilization_ratio',
      'How utilized a media worker is, by CPU or by packets, whichever is more; at 1 it is full.',
      ['worker'],
    ),
    workerOverloaded: gauge('weir_worker_overloaded', '1 while a media worker does not keep up.', ['worker']),
    workerRooms: gauge('weir_worker_routers', 'Rooms that have a router on a media worker.', ['worker']),
    workerResponse: histogram(
      'weir_worker_response_seconds',
      'How long a media worker takes to answer a request, asked five times a second, without delays of Node.js. A packet waits for the same one thread: this stands for the forwarding delay, which mediasoup does not measure.',
      DELAYS,
      ['worker'],
    ),

    transports: gauge(
      'weir_transports',
      'Open transports: `webrtc` and `plain` of clients, `pipe` between workers. Protocol `none` before a path is selected.',
      ['transport', 'protocol'],
    ),
    iceSelections: counter(
      'weir_ice_selected_tuples_total',
      'Network paths that ICE has selected, first ones and later ones, by protocol.',
      ['protocol'],
    ),
    iceDisconnections: counter(
      'weir_ice_disconnections_total',
      'Transports whose client has not answered ICE consent checks in time.',
    ),
    dtlsFailures: counter('weir_dtls_failures_total', 'DTLS handshakes that failed.'),

    transportBytes: counter(
      'weir_transport_bytes_total',
      'Bytes of transports with everything in them (RTP, RTCP, ICE, DTLS, SCTP), sampled.',
      ['direction', 'transport'],
    ),
    rtpPackets: counter('weir_rtp_packets_total', `Packets ${streams}.`, streamLabels),
    rtpBytes: counter('weir_rtp_bytes_total', `Bytes ${streams}.`, streamLabels),
    rtpLost: counter(
      'weir_rtp_packets_lost_total',
      `Lost packets ${streams}; retransmission repairs most.`,
      streamLabels,
    ),
    rtpRetransmitted: counter(
      'weir_rtp_packets_retransmitted_total',
      `Retransmitted packets ${streams}.`,
      streamLabels,
    ),
    nacks: counter(
      'weir_rtcp_nacks_total',
      `NACKs ${streams}; they go against the direction of the stream.`,
      streamLabels,
    ),
    nackPackets: counter('weir_rtcp_nack_packets_total', `Packets that NACKs ask for, ${streams}.`, streamLabels),
    plis: counter(
      'weir_rtcp_plis_total',
      `Key-frame requests as PLI, ${streams}; against the direction.`,
      streamLabels,
    ),
    firs: counter(
      'weir_rtcp_firs_total',
      `Key-frame requests as FIR, ${streams}; against the direction.`,
      streamLabels,
    ),
    samplePeriod: gauge(
      'weir_stream_sample_period_seconds',
      'How long it takes to sample every stream of a media worker once: what a stream has sent since is not counted yet.',
      ['worker'],
    ),

    clientJoins: counter(
      'weir_client_joins_total',
      'Joins that clients have reported, and whether a first video was decoded: `shown`, `missing` although one was expected, or `none` to show.',
      ['first_frame'],
    ),
    clientJoinTime: histogram(
      'weir_client_join_seconds',
      'Time from a call of `join()` until the client is in the room, as clients report it.',
      WAITS,
    ),
    clientFirstFrame: histogram(
      'weir_client_first_frame_seconds',
      'Time from a call of `join()` until a video of another is decoded, as clients report it; they look ten times a second.',
      WAITS,
    ),
    clientCandidates: counter(
      'weir_client_ice_candidates_total',
      'Selected candidates of reporting clients, by their type and protocol; of a relay it is the one between client and relay.',
      ['candidate_type', 'protocol'],
    ),
  };
}
