/** The dashboard of Weir for Grafana, as data: `npm run docs` writes it to docker/grafana. */

/** One line of a panel; `{{label}}` in its legend is the value of that label. */
interface Query {
  readonly expr: string;
  readonly legend: string;
}

interface Panel {
  readonly title: string;
  /** What it says, and what to do about it. */
  readonly about: string;
  /** As Grafana names it. */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** `stat` is the number of now; a graph by default. */
  readonly type?: 'stat';
  /** Of 24 columns; 8 by default, 3 for a number. */
  readonly width?: number;
}

interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const here = 'instance=~"$instance"';
const stat = (title: string, about: string, expr: string, unit = 'short'): Panel => ({
  ...{ title, about, unit, type: 'stat' },
  queries: [{ expr, legend: title }],
});
/** Counters of streams lag by as long as it takes to sample all of them: hence five minutes. */
const rate = (series: string, labels = '') => `rate(${series}{${here}${labels && `, ${labels}`}}[5m])`;
const quantile = (share: number, series: string, by = '') =>
  `histogram_quantile(${share}, sum by (${by && `${by}, `}le) (rate(${series}_bucket{${here}}[5m])))`;
const quantiles = (series: string, by = ''): Query[] =>
  [0.5, 0.95, 0.99].map((share) => ({
    expr: quantile(share, series, by),
    legend: `${by && `{{${by}}} `}${share * 100} %`,
  }));
const client = 'transport=~"webrtc|plain"';
const direction = (series: string, factor = ''): Query[] => [
  { expr: `sum(${rate(series, `direction="in", ${client}`)})${factor}`, legend: 'in' },
  { expr: `sum(${rate(series, `direction="out", ${client}`)})${factor}`, legend: 'out' },
];

const rows: readonly Row[] = [
  {
    title: 'Now',
    panels: [
      stat('Ready', '1 while all media workers run and people are let in.', `min(weir_ready{${here}})`),
      stat('Rooms', 'Open rooms.', `sum(weir_rooms{${here}})`),
      stat('Participants', 'Everybody in a room.', `sum(weir_participants{${here}})`),
      stat('Tracks', 'Published tracks.', `sum(weir_tracks{${here}})`),
      stat('Live', 'Broadcasts that are live.', `sum(weir_broadcasts_live{${here}})`),
      stat('Away', 'Participants without a connection, who may come back.', `sum(weir_participants_away{${here}})`),
      stat('Waiting', 'Joins that wait because workers are busy.', `sum(weir_join_queue_length{${here}})`),
      stat(
        'Fullest worker',
        'At 80 % no new rooms are opened, at 90 % joins wait.',
        `max(weir_worker_utilization_ratio{${here}})`,
        'percentunit',
      ),
    ],
  },
  {
    title: 'Rooms and participants',
    panels: [
      {
        title: 'Participants by role',
        about: 'Who is in rooms, by kind of room and role.',
        unit: 'short',
        queries: [{ expr: `sum by (kind, role) (weir_participants{${here}})`, legend: '{{kind}} {{role}}' }],
      },
      {
        title: 'Participants by way in',
        about: 'Pages and other clients of the protocol are `none`; the others came through a gateway.',
        unit: 'short',
        queries: [{ expr: `sum by (gateway) (weir_participants{${here}})`, legend: '{{gateway}}' }],
      },
      {
        title: 'Rooms',
        about: 'Open rooms by kind, and by how media travels in them.',
        unit: 'short',
        queries: [{ expr: `sum by (kind, policy) (weir_rooms{${here}})`, legend: '{{kind}} {{policy}}' }],
      },
      {
        title: 'Tracks',
        about: 'Published tracks by source and codec.',
        unit: 'short',
        queries: [{ expr: `sum by (source, codec) (weir_tracks{${here}})`, legend: '{{source}} {{codec}}' }],
      },
      {
        title: 'Joins and departures',
        about: 'A minute. Departures by their reason: `left` is on purpose.',
        unit: 'short',
        queries: [
          { expr: `sum(${rate('weir_participant_joins_total')}) * 60`, legend: 'joined' },
          { expr: `sum by (reason) (${rate('weir_participant_departures_total')}) * 60`, legend: '{{reason}}' },
        ],
      },
      {
        title: 'Refused joins',
        about: 'A minute, by the code of the error. `busy` is too much load; `unauthorized` a wrong token.',
        unit: 'short',
        queries: [
          {
            expr: `topk(6, sum by (code) (${rate('weir_join_refusals_total')}) * 60)`,
            legend: '{{code}}',
          },
        ],
      },
    ],
  },
  {
    title: 'What people wait for, as clients report it',
    panels: [
      {
        title: 'Join time',
        about: 'From a call of join() until in the room.',
        unit: 's',
        queries: quantiles('weir_client_join_seconds'),
      },
      {
        title: 'Time to the first frame',
        about: 'From a call of join() until a video of another is decoded.',
        unit: 's',
        queries: quantiles('weir_client_first_frame_seconds'),
      },
      {
        title: 'First frames',
        about:
          'Joins a minute: `missing` are those who saw nothing in half a minute although there was something to see.',
        unit: 'short',
        queries: [
          { expr: `sum by (first_frame) (${rate('weir_client_joins_total')}) * 60`, legend: '{{first_frame}}' },
        ],
      },
      {
        title: 'ICE candidates',
        about:
          'Selected candidates of reporting clients a minute. `relay` is TURN: more delay, and the relay has to carry it.',
        unit: 'short',
        queries: [
          {
            expr: `sum by (candidate_type, protocol) (${rate('weir_client_ice_candidates_total')}) * 60`,
            legend: '{{candidate_type}} {{protocol}}',
          },
        ],
      },
      {
        title: 'Interruptions',
        about: 'A minute: lost connections, and those that came back.',
        unit: 'short',
        queries: [
          { expr: `sum(${rate('weir_interruptions_total')}) * 60`, legend: 'lost' },
          { expr: `sum(${rate('weir_resumes_total')}) * 60`, legend: 'resumed' },
          { expr: `sum(${rate('weir_participant_connections_aborted_total')}) * 60`, legend: 'never complete' },
        ],
      },
      {
        title: 'Media that did not connect',
        about: 'A minute: transports without ICE consent, and DTLS handshakes that failed.',
        unit: 'short',
        queries: [
          { expr: `sum(${rate('weir_ice_disconnections_total')}) * 60`, legend: 'ICE disconnected' },
          { expr: `sum(${rate('weir_dtls_failures_total')}) * 60`, legend: 'DTLS failed' },
        ],
      },
    ],
  },
  {
    title: 'Media',
    panels: [
      {
        title: 'Bit rate',
        about: 'Of transports of clients, with everything in them.',
        unit: 'bps',
        queries: direction('weir_transport_bytes_total', ' * 8'),
      },
      { title: 'Packets', about: 'RTP, a second.', unit: 'pps', queries: direction('weir_rtp_packets_total') },
      {
        title: 'Loss',
        about: 'Of RTP packets, before retransmission. Much of many at once is the link of the server.',
        unit: 'percentunit',
        queries: ['in', 'out'].map((way) => ({
          expr: `sum(${rate('weir_rtp_packets_lost_total', `direction="${way}", ${client}`)}) / sum(${rate('weir_rtp_packets_total', `direction="${way}", ${client}`)})`,
          legend: way,
        })),
      },
      {
        title: 'RTP by codec',
        about: 'Bit rate by direction and codec.',
        unit: 'bps',
        queries: [
          {
            expr: `sum by (direction, codec) (${rate('weir_rtp_bytes_total', client)}) * 8`,
            legend: '{{direction}} {{codec}}',
          },
        ],
      },
      {
        title: 'Repair',
        about: 'Packets a second: asked for again by NACK, and retransmitted.',
        unit: 'pps',
        queries: [
          {
            expr: `sum by (direction) (${rate('weir_rtcp_nack_packets_total', client)})`,
            legend: 'asked for, {{direction}}',
          },
          {
            expr: `sum by (direction) (${rate('weir_rtp_packets_retransmitted_total', client)})`,
            legend: 'sent again, {{direction}}',
          },
        ],
      },
      {
        title: 'Key-frame requests',
        about: 'A minute. `in` are those that Weir sends to publishers, `out` those that it gets from viewers.',
        unit: 'short',
        queries: [
          { expr: `sum by (direction) (${rate('weir_rtcp_plis_total', client)}) * 60`, legend: 'PLI {{direction}}' },
          { expr: `sum by (direction) (${rate('weir_rtcp_firs_total', client)}) * 60`, legend: 'FIR {{direction}}' },
        ],
      },
      {
        title: 'Transports',
        about: 'Open transports by protocol: much TCP means that UDP is blocked for many.',
        unit: 'short',
        queries: [
          { expr: `sum by (transport, protocol) (weir_transports{${here}})`, legend: '{{transport}} {{protocol}}' },
        ],
      },
    ],
  },
  {
    title: 'Media workers',
    panels: [
      {
        title: 'CPU of workers',
        about: 'Share of a core. A worker has one thread for media, and cannot use more than one.',
        unit: 'percentunit',
        queries: [{ expr: rate('weir_worker_cpu_seconds_total'), legend: 'worker {{worker}}' }],
      },
      {
        title: 'Utilization of workers',
        about: 'By CPU or packets, whichever is more, with those who are about to join.',
        unit: 'percentunit',
        queries: [{ expr: `weir_worker_utilization_ratio{${here}}`, legend: 'worker {{worker}}' }],
      },
      {
        title: 'Response time of workers',
        about:
          'How long a request waits for the thread of a worker, as packets do: it stands for the forwarding delay.',
        unit: 's',
        queries: quantiles('weir_worker_response_seconds', 'worker'),
      },
      {
        title: 'Memory of workers',
        about: 'Resident.',
        unit: 'bytes',
        queries: [{ expr: `weir_worker_resident_memory_bytes{${here}}`, legend: 'worker {{worker}}' }],
      },
      {
        title: 'Rooms per worker',
        about: 'Rooms with a router there; a large room has several.',
        unit: 'short',
        queries: [{ expr: `weir_worker_routers{${here}}`, legend: 'worker {{worker}}' }],
      },
      {
        title: 'Failures of workers',
        about: 'Workers that died in the last hour, those that do not keep up, and those that are missing.',
        unit: 'short',
        queries: [
          { expr: `sum(increase(weir_worker_deaths_total{${here}}[1h]))`, legend: 'died in the last hour' },
          { expr: `sum(weir_worker_overloaded{${here}})`, legend: 'overloaded' },
          { expr: `sum(weir_workers_configured{${here}}) - sum(weir_workers{${here}})`, legend: 'missing' },
        ],
      },
    ],
  },
  {
    title: 'Signalling process',
    panels: [
      {
        title: 'CPU',
        about: 'Share of a core of the Node.js process. It has one thread for signalling.',
        unit: 'percentunit',
        queries: [{ expr: rate('process_cpu_seconds_total', 'job="weir"'), legend: '{{instance}}' }],
      },
      {
        title: 'Memory',
        about: 'Resident.',
        unit: 'bytes',
        queries: [{ expr: `process_resident_memory_bytes{${here}, job="weir"}`, legend: '{{instance}}' }],
      },
      {
        title: 'Delay of the event loop',
        about: 'Quantiles of the longest delay in each second: how late requests are handled.',
        unit: 's',
        queries: quantiles('weir_event_loop_max_delay_seconds'),
      },
    ],
  },
];

/** The dashboard as Grafana reads it. */
export function dashboard(): string {
  const panels: object[] = [];
  let y = 0;
  for (const { title, panels: inRow } of rows) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: 24, h: 1 },
      panels: [],
    });
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of inRow) {
      const w = panel.width ?? (panel.type === 'stat' ? 3 : 8);
      const h = panel.type === 'stat' ? 4 : 8;
      if (x + w > 24) {
        x = 0;
        y += height;
      }
      panels.push(panelOf(panel, panels.length + 1, { x, y, w, h }));
      x += w;
      height = h;
    }
    y += height;
  }
  return `${JSON.stringify({ ...frame, panels }, undefined, 2)}\n`;
}

const datasource = { type: 'prometheus', uid: '$datasource' };

function panelOf({ title, about, unit, queries, type }: Panel, id: number, gridPos: object): object {
  const isStat = type === 'stat';
  return {
    id,
    type: isStat ? 'stat' : 'timeseries',
    title,
    description: about,
    datasource,
    gridPos,
    fieldConfig: {
      defaults: { unit, min: 0, ...(!isStat && { custom: { lineWidth: 1, fillOpacity: 8, showPoints: 'never' } }) },
      overrides: [],
    },
    options: isStat
      ? { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value', graphMode: 'area', textMode: 'value' }
      : { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource,
      expr,
      legendFormat: legend,
    })),
  };
}

/** What is not a panel. */
const frame = {
  uid: 'weir',
  title: 'Weir',
  description: 'Generated by `npm run docs` from scripts/docs/dashboard.ts: change that file, then run it again.',
  tags: ['weir', 'webrtc'],
  timezone: 'browser',
  schemaVersion: 39,
  editable: true,
  refresh: '30s',
  time: { from: 'now-1h', to: 'now' },
  graphTooltip: 1,
  templating: {
    list: [
      { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', current: {} },
      {
        name: 'instance',
        label: 'Server',
        type: 'query',
        datasource,
        query: { query: 'label_values(weir_workers, instance)', refId: 'instance' },
        refresh: 2,
        multi: true,
        includeAll: true,
        allValue: '.*',
        current: { text: 'All', value: '$__all' },
      },
    ],
  },
};
