/**
 * A room whose participants join, disconnect, resume, change track settings, mute, publish, leave and are moderated at
 * random, with a model of it: what everyone has been sent, what the server holds, and what is expected.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Random } from '../../scripts/support/random.ts';
import type { App } from '../../server/app.ts';
import type { Room } from '../../server/room/Room.ts';
import { WeirError } from '../../shared/errors.ts';
import type { Grants, JoinReply } from '../../shared/protocol.ts';
import { type ChurnView, everySource, grantsOf, minimumDemand, stateOf, viewOf } from './churnView.ts';
import type { ConnectOptions, TestClient } from './client.ts';
import { Participant, type Published, type State } from './Participant.ts';
import { PlainMember } from './PlainMember.ts';
import { RacingValue } from './RacingValue.ts';
import { token } from './weir.ts';

const IDENTITIES = 14;
/** Members that send RTP, so that they come to hold slots. */
const TALKERS = 3;
/** Error codes of requests that race with others. Any other error is a failure. */
const ordinary = new Set(['closed', 'forbidden', 'notFound', 'conflict', 'sessionExpired', 'unauthorized']);

interface Server {
  readonly app: App;
  connect(options?: ConnectOptions): Promise<TestClient>;
}

/** State of an identity in the room. */
interface Identity {
  /** Number of joins and removals that have started, and of those in progress. */
  begun: number;
  running: number;
  token: string | undefined;
  /** Grants changed by administrators since its last refreshed token. */
  readonly grants: RacingValue<Grants | 'of the token'>;
}

export class Churn {
  readonly random: Random;
  readonly failures: string[] = [];
  readonly participants: Participant[] = [];
  readonly talkers: PlainMember[] = [];
  readonly #server: Server;
  readonly #name = 'churn';
  readonly #identities = new Map<string, Identity>();
  readonly #running = new Set<Promise<void>>();
  /** Talkers with a request in progress: nothing else keeps one from publishing twice. */
  readonly #talking = new Set<PlainMember>();
  /** Number of the administrator's requests in progress. */
  #deciding = 0;
  #admin: Participant | undefined;
  #room: Room | undefined;
  #ssrc = 1000;

  constructor(server: Server, random: Random) {
    this.#server = server;
    this.random = random;
  }

  async open(): Promise<void> {
    this.#admin = await this.#enter('admin');
    this.#room = await this.#server.app.rooms.find(this.#name);
    for (let index = 0; index < TALKERS; index += 1) {
      this.talkers.push(await PlainMember.join(this.room, `talker-${index}`));
    }
  }

  get room(): Room {
    if (!this.#room) throw new Error('there is no room yet');
    return this.#room;
  }

  get admin(): Participant {
    if (!this.#admin) throw new Error('there is no administrator yet');
    return this.#admin;
  }

  /** Participants that have not left. */
  get inside(): Participant[] {
    return this.participants.filter(({ gone }) => !gone);
  }

  get #connected(): Participant[] {
    return this.participants.filter(({ connected }) => connected);
  }

  /** Runs one random action. @param many whether participants tend to publish microphones, or to end them */
  step(many: boolean): void {
    const { random } = this;
    const someone = this.#any(this.#connected);
    // The outcome of an interrupted decision would be unknown to the model.
    const cuttable = someone === this.admin && this.#deciding > 0 ? undefined : someone;
    const other = this.#any(this.#connected.filter((one) => one !== this.admin));
    const away = this.#any(this.participants.filter((one) => one.away));
    const talker = this.#any(this.talkers.filter((one) => !this.#talking.has(one)));
    const action = random.int(26);
    if (!someone || action < 3) this.#run('enter', () => this.#enter(this.#anyIdentity()));
    else if (action < 4)
      this.#run('cut midway', () => this.#cutMidway(this.random.pick([this.#anyIdentity(), 'ghost'])));
    else if (action < 6) this.#run('camera', () => this.#toggle(someone, 'camera', random.int(3) > 0));
    else if (action < 9) this.#run('microphone', () => this.#toggle(someone, 'microphone', many === random.int(6) > 0));
    else if (action < 11) this.#run('mute', () => this.#mute(someone, random.pick(['camera', 'microphone'])));
    else if (action < 13) this.#run('cut', async () => cuttable?.cut());
    else if (action < 16) this.#run('resume', async () => away?.resume());
    else if (action < 18) this.#run('race', async () => (away ?? cuttable)?.resume(2));
    else if (action < 21) this.#run('look', () => this.#setTiles(someone));
    else if (action < 23) this.#run('grants', async () => other && this.#decide(() => this.#setSources(other)));
    else if (action < 24) this.#run('kick', async () => other && this.#decide(() => this.#kick(other)));
    else if (action < 25) this.#run('leave', async () => other?.leave());
    else this.#run('talker', async () => talker && this.#talk(talker, many));
  }

  /** Runs up to twelve actions concurrently, so that they interleave in every order. */
  async throttle(): Promise<void> {
    while (this.#running.size > this.random.int(12)) await Promise.race(this.#running);
  }

  /** Waits until all actions are done, and resumes everyone. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    await Promise.all(this.participants.filter(({ away }) => away).map((one) => one.resume()));
  }

  /** Publishes enough microphones to need slots, or leaves few enough to need none. */
  async setMicrophones(many: boolean): Promise<void> {
    for (const talker of this.talkers) {
      if (many && talker.info.sources.microphone === undefined) await talker.publish(this.#ssrc++);
      if (!many) talker.producer?.close();
    }
    const [, ...others] = this.#connected.filter((one) => one !== this.admin);
    const changed = many ? [this.admin] : others;
    const change = async (one: Participant) => {
      // A source in an unknown state is closed first.
      if (one.published.microphone.value === undefined) await this.#toggle(one, 'microphone', false).catch(() => {});
      await this.#toggle(one, 'microphone', many);
    };
    await Promise.all(changed.map(change));
  }

  /** Everyone sets the tiles of all cameras to that width. */
  async setAllTiles(width: number): Promise<void> {
    const ids = this.participants.map(({ peerId }) => peerId);
    await Promise.all(this.#connected.map((one) => one.show(ids, width)));
  }

  /** The clients' views, the server's state and the expected state. See `viewOf`. */
  view(lingering: boolean): ChurnView {
    return viewOf(this, lingering);
  }

  /** Minimum demanded layers of each camera, by peer id. */
  get minimumDemand(): Map<string, number> {
    return minimumDemand(this.inside);
  }

  /** The server's state of a participant's source. */
  stateOf(participant: Participant, source: Published): State {
    return stateOf(this.room, participant, source);
  }

  /** The current grants of an identity, or those of its token; undefined where requests raced. */
  grantsOf(identity: string): Grants | undefined {
    const grants = this.#identity(identity).grants.value;
    return grants === 'of the token' ? grantsOf(identity) : grants;
  }

  #run(name: string, action: () => Promise<unknown>): void {
    const outcome = action().then(
      () => {},
      (error: unknown) => {
        const { code, message } = WeirError.from(error);
        const expected = error instanceof WeirError && ordinary.has(code);
        if (!expected) this.failures.push(`${name}: ${code} ${message} ${error instanceof Error ? error.stack : ''}`);
      },
    );
    this.#running.add(outcome);
    void outcome.then(() => this.#running.delete(outcome));
  }

  #any<T>(from: readonly T[]): T | undefined {
    return from[this.random.int(from.length || 1)];
  }

  #anyIdentity(): string {
    return `peer-${this.random.int(IDENTITIES)}`;
  }

  #identity(name: string): Identity {
    const known = this.#identities.get(name) ?? {
      begun: 0,
      running: 0,
      token: undefined,
      grants: new RacingValue<Grants | 'of the token'>('of the token'),
    };
    this.#identities.set(name, known);
    return known;
  }

  /** Its last token, or a newly signed one, to which no decision of an administrator applies. */
  async #tokenOf(name: string, again = this.random.int(2) > 0): Promise<{ jwt: string; fresh: boolean }> {
    const identity = this.#identity(name);
    const fresh = identity.token === undefined || !again;
    const jwt = fresh ? await token(this.#name, name, { roomAdmin: name === 'admin' }) : (identity.token ?? '');
    identity.token = jwt;
    return { jwt, fresh };
  }

  /** Starts an action that ends the identity's current session. @returns its number */
  #beginEnding(name: string): number {
    for (const one of this.participants) if (one.identity === name) one.mayEnd = true;
    const identity = this.#identity(name);
    identity.running += 1;
    identity.begun += 1;
    return identity.begun;
  }

  async #enter(identity: string, again?: boolean): Promise<Participant> {
    const known = this.#identity(identity);
    const end = known.grants.begin();
    const turn = this.#beginEnding(identity);
    try {
      const { jwt, fresh } = await this.#tokenOf(identity, again);
      const client = await this.#server.connect();
      const reply = await client.join({ room: this.#name, token: jwt });
      // Of racing joins, any may be the last.
      const participant = this.#admit(identity, client, reply, known.begun > turn || known.running > 1);
      end((before) => {
        const grants = fresh ? 'of the token' : before;
        const expected = grants === 'of the token' ? grantsOf(identity) : grants;
        if (expected && !isDeepStrictEqual(reply.grants, expected)) {
          this.failures.push(
            `${identity} joined with ${JSON.stringify(reply.grants)}, not ${JSON.stringify(expected)}`,
          );
        }
        return grants;
      });
      await participant.confirm();
      return participant;
    } catch (error) {
      end(() => undefined);
      throw error;
    } finally {
      known.running -= 1;
    }
  }

  #admit(identity: string, client: TestClient, reply: JoinReply, mayEnd: boolean): Participant {
    const { connect } = this.#server;
    const onFailure = (what: string) => void this.failures.push(what);
    const participant = new Participant({ identity, client, reply, connect, onFailure });
    participant.mayEnd = mayEnd;
    this.participants.push(participant);
    return participant;
  }

  /**
   * The server may complete the join long afterwards: from then on the identity's current session may be replaced at
   * any time.
   */
  async #cutMidway(identity: string): Promise<void> {
    const end = this.#identity(identity).grants.begin();
    this.#beginEnding(identity);
    const { jwt } = await this.#tokenOf(identity);
    const client = await this.#server.connect();
    const joining = client.join({ room: this.#name, token: jwt }).catch(() => undefined);
    if (this.random.int(2)) await client.requestRaw('nothing').catch(() => {});
    client.cut();
    const reply = await joining;
    end(() => undefined);
    // A session whose reply arrived can be resumed.
    if (reply) this.#admit(identity, client, reply, true).cut();
  }

  async #toggle(participant: Participant, source: Published, on: boolean): Promise<void> {
    const now = participant.published[source].value;
    if (now === undefined || (now !== 'none' && !on)) await participant.unpublish(source);
    else if (now === 'none' && on) await participant.publish(source, this.random.int(4) === 0);
  }

  async #mute(participant: Participant, source: Published): Promise<void> {
    await participant.setPaused(source, participant.published[source].value !== 'paused');
  }

  async #setTiles(participant: Participant): Promise<void> {
    const ids = this.inside.map(({ peerId }) => peerId).filter(() => this.random.int(2) > 0);
    await participant.show(ids, this.random.pick([0, 0, 160, 640, 1280]));
  }

  async #decide(decision: () => Promise<void>): Promise<void> {
    if (!this.admin.connected) return;
    this.#deciding += 1;
    await decision().finally(() => {
      this.#deciding -= 1;
    });
  }

  /** Revokes one source, or restores all of them. */
  async #setSources(target: Participant): Promise<void> {
    const lost = this.random.pick(['camera', 'microphone', undefined]);
    const canPublishSources = everySource.filter((source) => source !== lost);
    const endGrants = this.#identity(target.identity).grants.begin();
    const sources = ['camera', 'microphone'] as const;
    const ends = sources.map((source) => ({ source, end: target.published[source].begin() }));
    try {
      const data = { peerId: target.peerId, grants: { canPublishSources } };
      const { grants } = await this.admin.client.request('setGrants', data);
      endGrants(() => grants);
      for (const { source, end } of ends) end((before) => (source === lost ? 'none' : before));
    } catch (error) {
      const unchanged = WeirError.from(error).code === 'notFound';
      endGrants((before) => (unchanged ? before : undefined));
      for (const { end } of ends) end((before) => (unchanged ? before : undefined));
      throw error;
    }
    // A decision applies to tokens that exist.
    if (this.random.int(3) === 0) await this.#enter(target.identity, true);
  }

  /** After a removal the old token is revoked, and a newly signed one is accepted. */
  async #kick(target: Participant): Promise<void> {
    const identity = this.#identity(target.identity);
    const old = identity.token ?? '';
    this.#beginEnding(target.identity);
    identity.token = undefined;
    await this.admin.client.request('kick', { peerId: target.peerId }).finally(() => {
      identity.running -= 1;
    });
    const client = await this.#server.connect();
    const answer = await client
      .join({ room: this.#name, token: old })
      .catch((error: unknown) => WeirError.from(error).code);
    if (answer !== 'unauthorized')
      this.failures.push(`the token of ${target.identity}, who was removed, opens the room`);
    client.cut();
    await this.#enter(target.identity);
  }

  async #talk(talker: PlainMember, many: boolean): Promise<void> {
    this.#talking.add(talker);
    await this.#changeTalker(talker, many).finally(() => this.#talking.delete(talker));
  }

  async #changeTalker(talker: PlainMember, many: boolean): Promise<void> {
    if (talker.info.sources.microphone === undefined) await talker.publish(this.#ssrc++);
    else if (!many && this.random.int(2)) talker.producer?.close();
    else if (talker.producer?.paused) await talker.producer.resume();
    else {
      await talker.send(30);
      if (this.random.int(2)) await talker.producer?.pause();
    }
  }
}
