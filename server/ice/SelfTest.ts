/** The server tests itself: is everything reachable that browsers are told of, and what has to be fixed where it is not? */
import { X509Certificate } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import type { IceServer } from '../../shared/media.ts';
import type { SelfTestReport, SelfTestRow } from '../../shared/selfTest.ts';
import { limitConcurrency } from '../common/limitConcurrency.ts';
import type { AddressFacts } from './checkAddresses.ts';
import type { OpenIcePath } from './probe/IcePath.ts';
import { addressRows } from './selfTest/addressRows.ts';
import { certificateRow } from './selfTest/certificateRows.ts';
import { clockRows } from './selfTest/clockRows.ts';
import { mediaRows, probeWorker, type TestedWorker } from './selfTest/mediaRows.ts';
import { signallingRows } from './selfTest/signallingRows.ts';
import { stunRows } from './selfTest/stunRows.ts';
import { turnRows } from './selfTest/turnRows.ts';

type Limit = ReturnType<typeof limitConcurrency>;

/** What is tested. */
export interface SelfTestSubject {
  /** The media workers that run now. */
  workers(): readonly TestedWorker[];
  /** What is known of the announced addresses; asks a STUN server elsewhere where one is configured. */
  addressFacts(signal: AbortSignal): Promise<AddressFacts>;
  /** Where this machine reaches pages and signalling; undefined while the server does not listen. */
  url(): URL | undefined;
  /** The certificate chain of Weir's own HTTPS (PEM). */
  readonly certificate?: Buffer | undefined;
  /** The STUN and TURN servers that browsers are told of, with a fresh credential. */
  iceServers(): readonly IceServer[];
  /** The port on which Weir's own STUN server should listen, and cannot. */
  readonly missingStunPort?: number | undefined;
  /** How far the clocks of token issuers may be off, in milliseconds. */
  readonly tokenLeeway: number;
}

/**
 * Milliseconds: the wait for an answer of one address and port, of a STUN server, of a port through a relay, and the whole
 * test.
 */
const TIMEOUT = { ice: 2000, stun: 2500, turn: 5000, all: 8000 };
/** How many handshakes run at a time: each takes 15 ms of the process that also serves signalling. */
const CONCURRENCY = 2;
/** How long a report is given to whoever asks again, in milliseconds. */
const FRESH = 2000;

export class SelfTest {
  readonly #subject: SelfTestSubject;
  readonly #closed = new AbortController();
  #last: { readonly report: Promise<SelfTestReport>; until: number } | undefined;

  constructor(subject: SelfTestSubject) {
    this.#subject = subject;
  }

  /**
   * Runs all tests; one run at a time, whose report is also that of the next few seconds. Never rejects: what cannot be
   * tested is a row of the report.
   */
  run(): Promise<SelfTestReport> {
    if (this.#last && performance.now() < this.#last.until) return this.#last.report;
    const report = this.#run();
    const last = { report, until: Number.POSITIVE_INFINITY };
    this.#last = last;
    void report.then(() => {
      last.until = performance.now() + FRESH;
    });
    return report;
  }

  get closed(): boolean {
    return this.#closed.signal.aborted;
  }

  /** Aborts a run. */
  close(): void {
    this.#closed.abort();
  }

  async #run(): Promise<SelfTestReport> {
    const startedAt = new Date().toISOString();
    const began = performance.now();
    const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT.all), this.#closed.signal]);
    const limit = limitConcurrency(CONCURRENCY);
    const rows = await Promise.all([
      this.#addressRows(signal),
      this.#mediaRows(limit, signal),
      this.#signallingRows(signal),
      this.#stunRows(signal),
      this.#turnRows(limit, signal),
      this.#certificateRows(),
      clockRows({ leeway: this.#subject.tokenLeeway, signal }),
    ]);
    return { startedAt, duration: Math.round(performance.now() - began), rows: rows.flat().map(rounded) };
  }

  async #addressRows(signal: AbortSignal): Promise<SelfTestRow[]> {
    const within = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT.stun)]);
    return addressRows(await this.#subject.addressFacts(within));
  }

  #mediaRows(limit: Limit, signal: AbortSignal): Promise<SelfTestRow[]> {
    return mediaRows({
      workers: this.#subject.workers(),
      ownAddresses: ownAddresses(),
      iceTimeout: TIMEOUT.ice,
      limit,
      signal,
    });
  }

  async #stunRows(signal: AbortSignal): Promise<SelfTestRow[]> {
    const rows = await stunRows({ iceServers: this.#subject.iceServers(), ownAddresses: ownAddresses(), signal });
    const { missingStunPort: port } = this.#subject;
    if (port === undefined) return rows;
    const row = { check: 'stun', target: `port ${port}/UDP`, state: 'failed', reason: 'refused' } as const;
    const message = 'Weir cannot open the port of its STUN server, and runs without it.';
    return [{ ...row, message, remedy: 'End what has the port, or set WEIR_STUN_PORT to another one (or off).' }];
  }

  /** Through the relay to the first worker: which one it is makes no difference to a TURN server. */
  async #turnRows(limit: Limit, signal: AbortSignal): Promise<SelfTestRow[]> {
    const [worker] = this.#subject.workers();
    const iceServers = this.#subject.iceServers();
    if (!worker || iceServers.length === 0) return [];
    const test = (openPath: OpenIcePath) => probeWorker(worker, { openPath, iceTimeout: TIMEOUT.turn, limit, signal });
    return turnRows({ iceServers, candidates: worker.iceCandidates, test, signal });
  }

  async #signallingRows(signal: AbortSignal): Promise<SelfTestRow[]> {
    const url = this.#subject.url();
    return url ? signallingRows({ url, judgesCertificate: false, signal }) : [];
  }

  #certificateRows(): SelfTestRow[] {
    const { certificate } = this.#subject;
    return certificate
      ? [certificateRow({ target: 'WEIR_TLS_CERT', certificate: new X509Certificate(certificate) })]
      : [];
  }
}

/** Times to a hundredth of a millisecond. */
function rounded({ roundTripTime, ...row }: SelfTestRow): SelfTestRow {
  return roundTripTime === undefined ? row : { ...row, roundTripTime: Math.round(roundTripTime * 100) / 100 };
}

/** All addresses of this machine's interfaces. */
function ownAddresses(): ReadonlySet<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)));
}
