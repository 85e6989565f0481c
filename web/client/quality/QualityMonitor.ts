/** Watches how good connections are during a session, and asks the server for its side only while something looks bad. */
import type { ClientMessages } from '../../../shared/protocol.ts';
import type { RequestData } from '../../../shared/RpcChannel.ts';
import { Hysteresis } from './Hysteresis.ts';
import { type ConnectionQuality, type Finding, type Judgement, judge, type LinkFacts } from './judge.ts';
import type { QualitySample } from './QualitySample.ts';
import { SymptomDetector, type Symptoms } from './Symptoms.ts';

type Question = RequestData<ClientMessages, 'getConnectionQuality'>;

export interface QualityMonitorOptions {
  /** One look at both transports. */
  sample(): Promise<QualitySample>;
  /** Asks the server. Rejects if it cannot be asked. */
  ask(question: Question): Promise<LinkFacts>;
  /** Whether there is something to watch: signalling is connected, and the page can be seen. */
  isActive(): boolean;
  /** Whether media has lost its path. The page says so elsewhere; only the server may be blamed, since its stops look like that. */
  isMediaLost(): boolean;
  /** What is sent at present, as a word that changes when a source begins or is unmuted. */
  sending(): string;
  /** @param peerId undefined for what we send */
  onChange(peerId: string | undefined, quality: ConnectionQuality): void;
}

/**
 * In milliseconds: the interval of samples while all is well, and while something looks bad; the longest pause between two
 * questions to the server when its answers have not explained what looks bad; the least pause after one that took long; and
 * after how long without a path media counts as connected anew.
 */
const TIMES = { calm: 2000, alert: 1000, longestPause: 5000, leastPause: 100, newPath: 3000 };
/** So many answers in a row that explain nothing are taken before questions become rarer. */
const UNEXPLAINED = 4;
/** As many peers as a question may name. */
const MAX_PEERS = 32;
const GOOD: Finding = { quality: 'good', tentative: false };
const NOTHING: Judgement = { self: GOOD, peers: new Map() };

export class QualityMonitor {
  readonly #options: QualityMonitorOptions;
  #detector = new SymptomDetector();
  #self = new Hysteresis();
  readonly #peers = new Map<string, Hysteresis>();
  #sending = '';
  #wasActive = false;
  #uplinkLimited = false;
  #lostSince: number | undefined;
  #questions = { symptoms: '', unexplained: 0, next: 0 };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: QualityMonitorOptions) {
    this.#options = options;
    this.#schedule(performance.now());
  }

  /** @param peerId undefined for what we send */
  quality(peerId?: string): ConnectionQuality {
    return (peerId === undefined ? this.#self : this.#peers.get(peerId))?.current ?? 'good';
  }

  /** A peer has left. */
  removePeer(peerId: string): void {
    this.#peers.delete(peerId);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** @param begun when the last turn began: answers that a narrow link delays make the turns no rarer */
  #schedule(begun: number): void {
    if (this.#closed) return;
    const isCalm = this.#questions.symptoms === '' && this.#self.isSettled && this.#peers.size === 0;
    const due = begun + (isCalm ? TIMES.calm : TIMES.alert);
    this.#timer = setTimeout(() => void this.#turn(), Math.max(TIMES.leastPause, due - performance.now()));
  }

  async #turn(): Promise<void> {
    const begun = performance.now();
    try {
      if (this.#options.isActive()) await this.#judge();
      else this.#pause();
    } catch {
      // Statistics of a transport that has closed, or no answer: the next turn tries again.
    }
    this.#schedule(begun);
  }

  /** While a connection is lost, or nobody looks, nothing is said. */
  #pause(): void {
    if (!this.#wasActive) return;
    this.#wasActive = false;
    this.#detector = new SymptomDetector();
    this.#questions = { symptoms: '', unexplained: 0, next: 0 };
    const former = [undefined, ...this.#peers.keys()].filter((peerId) => this.quality(peerId) !== 'good');
    this.#self = new Hysteresis();
    this.#peers.clear();
    for (const peerId of former) this.#options.onChange(peerId, 'good');
  }

  async #judge(): Promise<void> {
    const { sample, sending, isActive } = this.#options;
    const now = await sample();
    const sources = sending();
    if (sources !== this.#sending || !this.#wasActive) this.#detector.restartSending(now.time);
    this.#sending = sources;
    this.#wasActive = true;
    const isMediaLost = this.#options.isMediaLost();
    this.#noteLoss(isMediaLost, now.time);
    const symptoms = this.#detector.update(now);
    const judgement = await this.#explain(symptoms, now.time);
    if (this.#closed || !isActive()) return;
    if (judgement) this.#apply(isMediaLost ? serverOnly(judgement) : judgement, now.time);
  }

  /** Estimates and layers start from below on a new path. */
  #noteLoss(isLost: boolean, now: number): void {
    if (isLost) this.#lostSince ??= now;
    else {
      const isNewPath = this.#lostSince !== undefined && now - this.#lostSince > TIMES.newPath;
      const isServer = [this.#self, ...this.#peers.values()].some(({ current }) => current === 'server');
      if (isNewPath && !isServer) this.#restart(now);
      this.#lostSince = undefined;
    }
  }

  #restart(now: number): void {
    this.#detector = new SymptomDetector();
    this.#detector.restartSending(now);
  }

  /** @returns undefined when the server is not asked this time */
  async #explain(symptoms: Symptoms, now: number): Promise<Judgement | undefined> {
    const { uplink, peers } = symptoms;
    const word = JSON.stringify([uplink, ...peers]);
    if (!uplink.loss && !uplink.limited && peers.size === 0) {
      this.#questions = { symptoms: '', unexplained: 0, next: 0 };
      this.#uplinkLimited = false;
      return NOTHING;
    }
    const asked = this.#questions;
    const isNews = word !== asked.symptoms;
    if (!isNews && now < asked.next) return undefined;
    const facts = await this.#options.ask({
      peerIds: [...peers.keys()].slice(0, MAX_PEERS),
      ...(this.#uplinkLimited && { uplinkLimited: true }),
    });
    const judgement = judge(symptoms, facts);
    this.#uplinkLimited = uplink.limited && judgement.self.quality === 'localUplink';
    const isExplained = [judgement.self, ...judgement.peers.values()].some(({ quality }) => quality !== 'good');
    const unexplained = isExplained ? 0 : isNews ? 1 : asked.unexplained + 1;
    const pause = unexplained < UNEXPLAINED ? 0 : 1000 * 2 ** (unexplained - UNEXPLAINED);
    this.#questions = { symptoms: word, unexplained, next: now + Math.min(pause, TIMES.longestPause) };
    return judgement;
  }

  #apply({ self, peers }: Judgement, now: number): void {
    if (this.#self.update(self, now)) this.#options.onChange(undefined, this.#self.current);
    for (const [peerId, { quality }] of peers) {
      if (quality !== 'good' && !this.#peers.has(peerId)) this.#peers.set(peerId, new Hysteresis());
    }
    for (const [peerId, hysteresis] of this.#peers) {
      const isChanged = hysteresis.update(peers.get(peerId) ?? GOOD, now);
      if (hysteresis.isSettled) this.#peers.delete(peerId);
      if (isChanged) this.#options.onChange(peerId, hysteresis.current);
    }
  }
}

/** What is left of a judgement while media has no path. */
function serverOnly({ self, peers }: Judgement): Judgement {
  const only = (finding: Finding) => (finding.quality === 'server' ? finding : GOOD);
  return { self: only(self), peers: new Map([...peers].map(([peerId, finding]) => [peerId, only(finding)])) };
}
