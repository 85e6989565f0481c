/** The direct connections of this client, by peer: begun, replaced and closed as the server and the other ends ask. */
import { WeirError } from '../../../shared/errors.ts';
import type { IceServer, Source } from '../../../shared/media.ts';
import type { DirectPeers, DirectSignal, RoomKind, ServerMessages } from '../../../shared/protocol.ts';
import type { EventData } from '../../../shared/RpcChannel.ts';
import { type ConnectionStats, connectionStatsOf } from '../connectionStats.ts';
import type { VideoCodec, VideoSettings, VideoSource } from '../MediaLink.ts';
import type { Request } from '../Signalling.ts';
import type { TrackReport } from '../stats.ts';
import type { ShownSize } from './ControlChannel.ts';
import type { DirectData } from './DirectData.ts';
import type { LocalTracks } from './DirectPublisher.ts';
import { DirectSession } from './DirectSession.ts';
import { FailureReports } from './FailureReports.ts';

/** How long the other end may go on playing what this one no longer plays, in milliseconds. */
const LINGER = 5000;

export interface DirectMeshOptions {
  /** Our own id. */
  readonly peerId: string;
  readonly kind: RoomKind;
  readonly video: { readonly camera: VideoCodec; readonly screen: VideoCodec };
  readonly iceTransportPolicy?: RTCIceTransportPolicy | undefined;
  readonly request: Request;
  onConnection?(connection: RTCPeerConnection): void;
  /** What is published now. */
  localTracks(): LocalTracks;
  /** Whether media of this source should arrive all the time, as far as its peer goes: it is present and has not muted it. */
  isExpected(peerId: string, source: Source): boolean;
  /** The data messages that sessions carry. */
  readonly data: Pick<DirectData, 'attach' | 'acknowledge'>;
  /** Sessions, their states or their tracks have changed. */
  onChanged(): void;
}

/** A session that the server no longer asks for stays until both ends play other media: see `retire`. */
export class DirectMesh {
  readonly #options: DirectMeshOptions;
  /** By peer, the newest last. */
  readonly #sessions = new Map<string, DirectSession[]>();
  readonly #retiring = new Map<DirectSession, ReturnType<typeof setTimeout>>();
  /** The sessions that the server asks for. */
  #wanted: ReadonlySet<string> = new Set();
  /** By peer: the negotiation that was begun last. */
  readonly #begun = new Map<string, number>();
  readonly #failures: FailureReports;
  #iceServers: readonly IceServer[] = [];
  /** By peer and source: in which size its video is shown. */
  readonly #shown = new Map<string, Map<VideoSource, ShownSize>>();
  #closed = false;

  constructor(options: DirectMeshOptions) {
    this.#options = options;
    this.#failures = new FailureReports({
      request: options.request,
      isCurrent: (peerId, negotiation) => this.#wanted.has(peerId) && this.#begun.get(peerId) === negotiation,
    });
  }

  /** The peers with whom there is a session. */
  get peerIds(): string[] {
    return [...this.#sessions.keys()];
  }

  /** The sessions with a peer, the newest first. */
  sessionsWith(peerId: string): readonly DirectSession[] {
    return (this.#sessions.get(peerId) ?? []).toReversed();
  }

  /** Whether the server asks for this session, as far as it is known. */
  isWanted(session: DirectSession): boolean {
    return this.#wanted.has(session.peerId) && !session.connection.closed;
  }

  /** Makes the sessions those that the server asks for. Others stay until `retire`. */
  setPeers({ peers, iceServers }: DirectPeers): void {
    if (this.#closed) return;
    if (iceServers.length > 0) this.#iceServers = iceServers;
    this.#wanted = new Set(peers.map(({ peerId }) => peerId));
    for (const { peerId, negotiation } of peers) {
      if (this.#begun.get(peerId) === negotiation) continue;
      this.#begun.set(peerId, negotiation);
      this.#begin(peerId, negotiation);
    }
    this.#options.onChanged();
  }

  receiveSignal({ peerId, negotiation, signal }: EventData<ServerMessages, 'directSignal'>): void {
    const session = this.#sessions.get(peerId)?.find((one) => one.negotiation === negotiation);
    session?.receiveSignal(signal);
  }

  /** Sends what is published now to all. */
  syncTracks(): void {
    const tracks = this.#options.localTracks();
    for (const session of this.#all()) session.syncTracks(tracks);
  }

  /** In which size a video of a peer is shown; undefined if it is hidden. */
  setShown(peerId: string, source: VideoSource, settings: VideoSettings | undefined): void {
    const sizes = this.#shown.get(peerId) ?? new Map<VideoSource, ShownSize>();
    this.#shown.set(peerId, sizes);
    const isFull = settings?.quality !== undefined && settings.quality !== 'low';
    const size = (pixels = 0) => Math.max(0, Math.min(16_384, Math.ceil(pixels)));
    if (isFull) sizes.delete(source);
    else sizes.set(source, { source, width: size(settings?.width), height: size(settings?.height) });
    for (const session of this.#sessions.get(peerId) ?? []) session.sendShown([...sizes.values()]);
  }

  isVisible(peerId: string, source: Source): boolean {
    if (source !== 'camera' && source !== 'screen') return true;
    return this.#shown.get(peerId)?.get(source)?.width !== 0;
  }

  restartIce(): void {
    for (const session of this.#all()) session.restartIce(this.#iceServers);
  }

  /** This end plays nothing of a session any more: closes it once the other end does not either. */
  retire(session: DirectSession): void {
    if (session.connection.closed || this.#retiring.has(session)) return;
    if (session.lost || session.remoteDone || !session.connected) {
      if (!session.lost) session.sendDone();
      // What was sent last must still leave.
      this.#retiring.set(
        session,
        setTimeout(() => this.#close(session), session.lost ? 0 : 200),
      );
      return;
    }
    session.sendDone();
    this.#retiring.set(
      session,
      setTimeout(() => this.#close(session), LINGER),
    );
  }

  /** A peer has left. */
  removePeer(peerId: string): void {
    for (const session of [...(this.#sessions.get(peerId) ?? [])]) this.#close(session);
    this.#shown.delete(peerId);
    this.#begun.delete(peerId);
  }

  /** The statistics of every track that is sent or received by the newest sessions. */
  async trackReports(): Promise<{ sent: TrackReport[]; received: TrackReport[] }> {
    const newest = this.peerIds.flatMap((peerId) => this.sessionsWith(peerId).find(({ usable }) => usable) ?? []);
    const reports = await Promise.all(newest.map((session) => session.trackReports()));
    return { sent: reports.flatMap(({ sent }) => sent), received: reports.flatMap(({ received }) => received) };
  }

  /** The direct connections, each as one for sending and one for receiving. */
  async connectionStats(): Promise<ConnectionStats[]> {
    const stats = this.#all()
      .filter((session) => session.usable)
      .map(async ({ connection, peerId }) => {
        const report = await connection.getStats().catch(() => undefined);
        if (!report) return [];
        const of = (direction: ConnectionStats['direction']) => ({
          ...connectionStatsOf({ direction, state: connection.state, report }),
          peerId,
        });
        return [of('send'), of('receive')];
      });
    return (await Promise.all(stats)).flat();
  }

  close(): void {
    this.#closed = true;
    this.#failures.close();
    for (const session of this.#all()) this.#close(session);
  }

  #all(): DirectSession[] {
    return [...this.#sessions.values()].flat();
  }

  #begin(peerId: string, negotiation: number): void {
    const { peerId: own, kind, video, iceTransportPolicy } = this.#options;
    const session = new DirectSession({
      peerId,
      negotiation,
      polite: own < peerId,
      kind,
      video,
      iceServers: this.#iceServers,
      iceTransportPolicy,
      onConnection: (connection) => this.#options.onConnection?.(connection),
      sendSignal: (signal) => this.#send(session, signal),
      isExpected: (source) => this.#options.isExpected(peerId, source) && this.isVisible(peerId, source),
      onChanged: () => this.#onChanged(session),
      onAcknowledged: (channel, sequence) => this.#options.data.acknowledge(peerId, channel, sequence),
      onLost: () => this.#onLost(session),
    });
    this.#sessions.set(peerId, [...(this.#sessions.get(peerId) ?? []), session]);
    this.#options.data.attach(session);
    session.syncTracks(this.#options.localTracks());
    const shown = this.#shown.get(peerId);
    if (shown) session.sendShown([...shown.values()]);
  }

  #send(session: DirectSession, signal: DirectSignal): void {
    const { peerId, negotiation } = session;
    this.#options.request('sendDirectSignal', { peerId, negotiation, signal }).catch((error: unknown) => {
      // One that is lost with the signalling connection is followed by a new negotiation, and one that is `notFound` belongs to
      // no pair any more. Where the server refuses a description, both ends would wait in the middle of a negotiation.
      const { code } = WeirError.from(error);
      if ('description' in signal && (code === 'rateLimited' || code === 'badRequest')) session.fail();
    });
  }

  #onChanged(session: DirectSession): void {
    if (this.#closed) return;
    if (session.remoteDone && this.#retiring.has(session)) this.#close(session);
    else this.#options.onChanged();
  }

  #onLost(session: DirectSession): void {
    if (this.#closed) return;
    // One that the server does not ask for any more, or has replaced, may end as it likes.
    void this.#failures.report(session.peerId, session.negotiation);
    if (this.#retiring.has(session)) this.#close(session);
    else this.#options.onChanged();
  }

  #close(session: DirectSession): void {
    clearTimeout(this.#retiring.get(session));
    this.#retiring.delete(session);
    session.close();
    const left = (this.#sessions.get(session.peerId) ?? []).filter((one) => one !== session);
    if (left.length > 0) this.#sessions.set(session.peerId, left);
    else this.#sessions.delete(session.peerId);
    if (!this.#closed) this.#options.onChanged();
  }
}
