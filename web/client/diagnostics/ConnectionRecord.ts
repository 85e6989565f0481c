/** What is recorded of one RTCPeerConnection: its configuration, calls and events, and statistics. */
import { EventLog } from './EventLog.ts';
import { StatsHistory } from './StatsHistory.ts';

/** How many characters the events of one connection may have: the SDP of many negotiations. */
const MAX_EVENTS = 2_000_000;

export class ConnectionRecord {
  readonly events = new EventLog(MAX_EVENTS);
  readonly stats = new StatsHistory();
  /** As `getConfiguration()` gives it, without credentials. */
  readonly configuration: string;
  /** Undefined once it is closed: a closed connection would keep its listeners and tracks in memory. */
  #connection: Pick<RTCPeerConnection, 'getStats' | 'signalingState'> | undefined;

  constructor(connection: Pick<RTCPeerConnection, 'getConfiguration' | 'getStats' | 'signalingState'>) {
    this.#connection = connection;
    this.configuration = describeConfiguration(connection.getConfiguration());
  }

  get closed(): boolean {
    return this.#connection === undefined || this.#connection.signalingState === 'closed';
  }

  /** The connection is closed; what was recorded stays. */
  release(): void {
    this.#connection = undefined;
  }

  /** Adds a sample of the statistics. */
  async sample(): Promise<void> {
    if (!this.#connection || this.closed) return;
    // A connection that closes meanwhile may reject.
    const report = await this.#connection.getStats().catch(() => undefined);
    if (report) this.stats.add(report);
  }
}

/** A configuration as JSON: of TURN servers the URLs only, and no certificates. */
function describeConfiguration({ iceServers = [], certificates: _, ...rest }: RTCConfiguration): string {
  return JSON.stringify({ iceServers: iceServers.map(({ urls }) => ({ urls })), ...rest });
}
