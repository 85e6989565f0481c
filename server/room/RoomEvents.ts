/**
 * The event stream of one room: what happens in it, for the parts of the room that react to it (forwarding,
 * notifications, broadcast, log) and for features such as webhooks, metrics or a recording.
 *
 * Guarantees, for every listener alike:
 * - An event is emitted after the room's state has changed. `data` refers to live objects: read them while it is
 *   delivered.
 * - Delivery is synchronous: it is complete when the room's method that caused the event returns, unless a listener
 *   called that method.
 * - All listeners get all events in the same order. An event that a listener causes is delivered once all listeners
 *   have had the current one, so no listener depends on the order in which listeners were added.
 * - A listener gets the events that are emitted after it was added, and none after it was removed.
 * - A listener that throws is logged; the others still get the event.
 *
 * Order of the events themselves:
 * - `joined` is the first event of a participant. After `left` only `unpublished` of its tracks follows, since they end
 *   with its transports.
 * - Whoever joins under an identity that is inside already: `left` (`replaced`) of the older participant comes first.
 * - `sourcesChanged` comes directly before the `published` or `unpublished` that caused it.
 * - Grants that end the right to publish: `unpublished` comes before `grantsChanged`.
 * - `closed` is the last event, after `left` of everybody.
 */
import type { Logger } from 'pino';
import type { CloseReason } from '../../shared/closeReasons.ts';
import type { WaitingPeers } from '../../shared/moderation.ts';
import type {
  AudioSlotHolders,
  BroadcastInfo,
  ChatMessageInfo,
  ChatState,
  Grants,
  JoinReport,
  RaisedHands,
  ServerEvents,
  VideoProblem,
} from '../../shared/protocol.ts';
import type { RoomSettings } from '../../shared/roomSettings.ts';
import type { Participant } from './Participant.ts';
import type { Publication } from './Publication.ts';

/** By event: its data. */
export interface RoomEventMap {
  joined: { readonly participant: Participant };
  left: { readonly participant: Participant; readonly reason: CloseReason };
  /** `participant.grants` are the new ones. */
  grantsChanged: { readonly participant: Participant; readonly before: Grants };
  /** The name or the metadata of a participant, as `participant.info` has them. */
  infoChanged: { readonly participant: Participant };
  published: { readonly publication: Publication };
  unpublished: { readonly publication: Publication };
  /** What a participant publishes has changed, or which of it is muted: see `participant.info.sources`. */
  sourcesChanged: { readonly participant: Participant };
  handChanged: { readonly participant: Participant; readonly raised: boolean };
  /** How many receive that are no participants, such as recorders. */
  subscribersChanged: { readonly others: number };
  /** A participant is without a connection, or has one again. */
  awayChanged: { readonly participant: Participant; readonly away: boolean };
  /** Others do not see the video of a participant as they should. */
  videoProblem: { readonly participant: Participant; readonly problem: VideoProblem };
  reaction: { readonly participant: Participant; readonly reaction: ServerEvents['reaction']['reaction'] };
  /** A client reports how its join went; once, before or after it has media. */
  joinReported: { readonly participant: Participant; readonly report: JoinReport };
  /** Somebody has written, edited or deleted a message of the chat. `by` is not always its author. */
  chatMessage: { readonly message: ChatMessageInfo; readonly by: Participant };
  /** What a participant may do in the chat has changed with its grants. */
  chatStateChanged: { readonly participant: Participant; readonly state: ChatState };
  /** Audio slots began or ended, or carry the speech of others; at most once per 250 ms. */
  slotsChanged: { readonly slots: AudioSlotHolders };
  /** A broadcast went live or ended. */
  liveChanged: { readonly live: boolean };
  /** State, profile or number of viewers of a broadcast; at once for a change of state, else at most once a second. */
  broadcastChanged: { readonly broadcast: BroadcastInfo };
  /** Raised hands of viewers of a broadcast; at most once a second. */
  handsChanged: { readonly hands: RaisedHands };
  /** Who waits to be let in; at most twice a second. */
  waitingChanged: { readonly waiting: WaitingPeers };
  settingsChanged: { readonly settings: RoomSettings; readonly before: RoomSettings };
  /** The server stops in so many seconds. */
  draining: { readonly seconds: number };
  closed: { readonly reason: CloseReason };
}

export type RoomEventHandlers = { readonly [E in keyof RoomEventMap]?: (data: RoomEventMap[E]) => void };
export type RoomEventListener = <E extends keyof RoomEventMap>(event: E, data: RoomEventMap[E]) => void;

/** What of the stream features see. */
export type RoomEventSource = Pick<RoomEvents, 'on' | 'onAny'>;

export class RoomEvents {
  readonly #log: Logger;
  readonly #listeners = new Set<RoomEventListener>();
  readonly #queue: (() => void)[] = [];
  #delivering = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Runs the handler of each event. @returns what removes them */
  on(handlers: RoomEventHandlers): () => void {
    return this.onAny((event, data) => handlers[event]?.(data));
  }

  /** Runs `listener` for every event. @returns what removes it */
  onAny(listener: RoomEventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit<E extends keyof RoomEventMap>(event: E, data: RoomEventMap[E]): void {
    const listeners = [...this.#listeners];
    this.#queue.push(() => this.#deliver(listeners, event, data));
    if (this.#delivering) return;
    this.#delivering = true;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) next();
    this.#delivering = false;
  }

  #deliver<E extends keyof RoomEventMap>(
    listeners: readonly RoomEventListener[],
    event: E,
    data: RoomEventMap[E],
  ): void {
    for (const listener of listeners) {
      if (!this.#listeners.has(listener)) continue;
      try {
        listener(event, data);
      } catch (error) {
        this.#log.error({ err: error, event }, 'room event listener failed');
      }
    }
  }
}
