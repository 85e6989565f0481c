/**
 * The log of a page's calls: what chrome://webrtc-internals shows of their peer connections, in any browser, and the
 * signalling around it. It is recorded all the time, within limits, since trouble is over when somebody asks for its log.
 */
import { ConnectionRecord } from './ConnectionRecord.ts';
import { EventLog } from './EventLog.ts';
import { observeConnection } from './observeConnection.ts';
import type { DumpOptions } from './webrtcInternalsDump.ts';

export type { DumpOptions } from './webrtcInternalsDump.ts';

/** How often the statistics of open connections are sampled, in milliseconds. */
const SAMPLE_INTERVAL = 10_000;
/** How many connections are kept: those of the current session, and of the ones before. */
const MAX_CONNECTIONS = 8;
/** How many characters the messages of the signalling may have. */
const MAX_SIGNALLING = 1_000_000;

/** What happens on a signalling connection: `open` with its kind, `send` and `receive` with the message, `close` with code and reason. */
export type SignallingLogType = 'open' | 'send' | 'receive' | 'close';

/** Records one step of the signalling. */
export type LogSignalling = (type: SignallingLogType, value?: string) => void;

/** What writes the file is not needed to enter a call. */
const loadDump = () => import('./webrtcInternalsDump.ts');

export class DiagnosticLog {
  /** By number, from 1, in the order of their creation. */
  readonly #connections = new Map<number, ConnectionRecord>();
  readonly #signalling = new EventLog(MAX_SIGNALLING);
  #created = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Records a connection from now on, until it is closed. */
  addConnection(connection: RTCPeerConnection): void {
    const record = new ConnectionRecord(connection);
    observeConnection(connection, record);
    this.#created += 1;
    this.#connections.set(this.#created, record);
    for (const [number, { closed }] of this.#connections) {
      if (this.#connections.size <= MAX_CONNECTIONS) break;
      if (closed) this.#connections.delete(number);
    }
    this.#timer ??= setInterval(() => void this.sample(), SAMPLE_INTERVAL);
  }

  /** Records one step of the signalling. Secrets are removed at the export. */
  readonly addSignalling: LogSignalling = (type, value) => this.#signalling.add(type, value);

  /** Samples the statistics now, beyond the regular samples. */
  async sample(): Promise<void> {
    // Later the server may be out of reach.
    loadDump().catch(() => {});
    const open = [...this.#connections.values()].filter(({ closed }) => !closed);
    if (open.length === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    await Promise.all(open.map((record) => record.sample()));
  }

  /** The log so far, with the statistics of now, as the text of a file. */
  async export(options: DumpOptions = {}): Promise<string> {
    const [{ createDump }] = await Promise.all([loadDump(), this.sample()]);
    return createDump({ connections: this.#connections, signalling: this.#signalling.events }, options);
  }
}

/** The log of this page: all clients in it write to it, so that it outlives them. */
export const pageLog = new DiagnosticLog();

/**
 * The log of all sessions of this page, also of those that have ended: configuration, calls, events and statistics of their
 * peer connections, and the signalling. Tokens, keys, passwords, credentials, names and the room are removed from it.
 * @param options.addresses whether IP addresses are kept; by default they are replaced
 * @returns the text of a file that viewers for dumps of chrome://webrtc-internals open
 */
export function exportLog(options: DumpOptions = {}): Promise<string> {
  return pageLog.export(options);
}
