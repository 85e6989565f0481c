/** Counts the events of the event log: rooms, participants and tracks, now and in all, and what went wrong with them. */
import type { Gauge } from 'prom-client';
import { errorCodes } from '../../../shared/errors.ts';
import { RoomKind } from '../../../shared/protocol.ts';
import { roleOf } from '../../../shared/roles.ts';
import type { EventLog } from '../events/EventLog.ts';
import type { LoggedEvent, LoggedParticipant, LoggedRoom, LoggedTrack } from '../events/LoggedEvent.ts';
import { codecName } from './codecName.ts';
import type { Series } from './createSeries.ts';

/** The type of an event, and its fields. */
type EventOf<T extends LoggedEvent['type']> = Extract<LoggedEvent, { type: T }>;

export class EventMetrics {
  readonly #series: Series;
  readonly #stop: () => void;
  readonly #rooms: PresentCount<'kind' | 'policy'>;
  readonly #participants: PresentCount<'kind' | 'role' | 'gateway'>;
  readonly #tracks: PresentCount<'source' | 'codec' | 'direct'>;
  readonly #away: PresentCount<never>;
  readonly #live: PresentCount<never>;

  constructor(series: Series, log: Pick<EventLog, 'on'>) {
    this.#series = series;
    this.#rooms = new PresentCount(series.rooms);
    this.#participants = new PresentCount(series.participants);
    this.#tracks = new PresentCount(series.tracks);
    this.#away = new PresentCount(series.away);
    this.#live = new PresentCount(series.liveBroadcasts);
    // Series exist from the start on, so that rates do not miss the first event.
    for (const code of Object.keys(errorCodes)) series.refusals.inc({ code }, 0);
    for (const kind of RoomKind.options) series.roomsOpened.inc({ kind }, 0);
    this.#stop = log.on((event) => this.#add(event));
  }

  close(): void {
    this.#stop();
  }

  #add(event: LoggedEvent): void {
    const series = this.#series;
    switch (event.type) {
      case 'room_started':
        this.#rooms.set(event.room.id, { kind: event.room.kind, policy: event.room.policy });
        series.roomsOpened.inc({ kind: event.room.kind });
        break;
      case 'room_finished':
        this.#rooms.delete(event.room.id);
        this.#live.delete(event.room.id);
        series.roomsClosed.inc({ kind: event.room.kind, reason: event.reason });
        break;
      case 'participant_joined':
        this.#participants.set(event.participant.id, labelsOf(event));
        series.joins.inc(labelsOf(event));
        break;
      case 'participant_left':
      case 'participant_connection_aborted':
        this.#onLeft(event);
        break;
      case 'participant_grants_changed':
        this.#participants.update(event.participant.id, labelsOf(event));
        break;
      case 'participant_away':
        this.#away.set(event.participant.id, {});
        series.interruptions.inc();
        break;
      case 'participant_resumed':
        this.#away.delete(event.participant.id);
        series.resumes.inc();
        break;
      case 'track_published':
        this.#tracks.set(trackKey(event), trackLabels(event.track));
        series.tracksPublished.inc(trackLabels(event.track));
        break;
      case 'track_unpublished':
        this.#tracks.delete(trackKey(event));
        break;
      case 'video_problem_found':
        series.videoProblems.inc({ problem: event.problem });
        break;
      case 'broadcast_started':
        this.#live.set(event.room.id, {});
        series.broadcastsStarted.inc();
        break;
      case 'broadcast_ended':
        this.#live.delete(event.room.id);
        break;
      case 'join_refused':
        series.refusals.inc({ code: event.code }, event.refusals);
        break;
    }
  }

  #onLeft({ type, room, participant, reason }: EventOf<'participant_left' | 'participant_connection_aborted'>): void {
    this.#participants.delete(participant.id);
    this.#away.delete(participant.id);
    this.#series.departures.inc({ kind: room.kind, reason });
    if (type === 'participant_connection_aborted') this.#series.abortedConnections.inc();
  }
}

/** How many of something there are now, by labels that each of it has. */
class PresentCount<L extends string> {
  readonly #gauge: Gauge<L>;
  readonly #present = new Map<string, Readonly<Record<L, string>>>();

  constructor(gauge: Gauge<L>) {
    this.#gauge = gauge;
  }

  /** It is there, with these labels from now on. */
  set(id: string, labels: Readonly<Record<L, string>>): void {
    this.delete(id);
    this.#present.set(id, labels);
    this.#gauge.inc(labels);
  }

  /** It has other labels from now on, if it is there. */
  update(id: string, labels: Readonly<Record<L, string>>): void {
    if (this.#present.has(id)) this.set(id, labels);
  }

  delete(id: string): void {
    const labels = this.#present.get(id);
    if (!labels) return;
    this.#present.delete(id);
    this.#gauge.dec(labels);
  }
}

function labelsOf({ room, participant }: { readonly room: LoggedRoom; readonly participant: LoggedParticipant }) {
  return { kind: room.kind, role: roleOf(participant.grants), gateway: participant.gateway ?? 'none' };
}

function trackLabels({ source, mimeType, direct }: LoggedTrack) {
  return { source, codec: mimeType === undefined ? 'unknown' : codecName(mimeType), direct: String(direct) };
}

/** Ids of tracks that go directly are their publishers' own. */
function trackKey({ participant, track }: { readonly participant: LoggedParticipant; readonly track: LoggedTrack }) {
  return `${participant.id} ${track.id}`;
}
