/** Acts in a room as a client does, across connections, and keeps what it has asked for: the model that servers are held to. */

import { opus, vp8 } from '../../scripts/support/media/clientParameters.ts';
import { WeirError } from '../../shared/errors.ts';
import type { JoinReply, ResumeReply } from '../../shared/protocol.ts';
import type { ConnectOptions, TestClient } from './client.ts';
import { Known } from './Known.ts';
import { RoomModel } from './RoomModel.ts';

export type Published = 'camera' | 'microphone';
export type State = 'none' | 'live' | 'paused';

/** A camera of three layers: what is shown of it decides which one is sent. */
const camera = {
  ...vp8(),
  encodings: [0, 1, 2].map((layer) => ({ ssrc: 5000 + layer, rtx: { ssrc: 6000 + layer } })),
};

/** Ids of requests that one connection may use: a stay goes on with ids that it has not used. */
const IDS = 10_000;

export interface ParticipantOptions {
  readonly identity: string;
  readonly client: TestClient;
  readonly reply: JoinReply;
  connect(options: ConnectOptions): Promise<TestClient>;
  /** Something happened that must not. */
  onFailure(what: string): void;
}

export class Participant {
  readonly identity: string;
  readonly peerId: string;
  readonly model: RoomModel;
  readonly published = { camera: new Known<State>('none'), microphone: new Known<State>('none') };
  /** How wide it shows the cameras of others, in pixels, by peer id; those that it has not named are missing. */
  readonly widths = new Map<string, number>();
  /** Somebody has asked for the end of its stay. */
  mayEnd = false;
  readonly #options: ParticipantOptions;
  readonly #key: string;
  readonly #ready = new Set<string>();
  /** Peers whose width was told and not confirmed, with the latest time that it was. */
  readonly #untold = new Map<string, symbol>();
  #confirmed = false;
  #end: string | undefined;
  #connections = 1;
  #client: TestClient;
  #state: 'connected' | 'away' | 'resuming' | 'gone' = 'connected';

  constructor(options: ParticipantOptions) {
    const { identity, client, reply } = options;
    this.#options = options;
    this.identity = identity;
    this.peerId = reply.peerId;
    this.#key = reply.resumeKey;
    this.model = new RoomModel(client, reply);
    this.#client = client;
    this.#follow(client, reply);
  }

  get client(): TestClient {
    return this.#client;
  }

  get connected(): boolean {
    return this.#state === 'connected';
  }

  get away(): boolean {
    return this.#state === 'away';
  }

  /** Why its stay has ended, as far as it knows. */
  get end(): string | undefined {
    return this.#end;
  }

  get gone(): boolean {
    return this.#state === 'gone';
  }

  /** Lets the server know that the reply to `join` has come: from then on the stay outlives its connection. */
  async confirm(): Promise<void> {
    await this.#client.request('ping', {});
    this.#confirmed = true;
  }

  /** Cuts the connection, and stays away until `resume`. */
  cut(): void {
    this.#state = 'away';
    this.#client.cut();
  }

  leave(): void {
    this.mayEnd = true;
    this.#client.send(JSON.stringify({ id: 1, method: 'leave', data: {} }));
  }

  /** Resumes over so many connections at the same time; one of them goes on. */
  async resume(connections = 1): Promise<void> {
    this.#state = 'resuming';
    const attempts = await Promise.all(Array.from({ length: connections }, () => this.#attempt()));
    const answered = attempts.flatMap(({ client, reply }) => (reply ? [{ client, reply }] : []));
    // All but one of those that were answered are closed in favour of another.
    if (answered.length > 1) await Promise.race(answered.map(({ client }) => client.closed));
    const winner = answered.find(({ client }) => client.open);
    if (!winner) {
      this.#state = 'gone';
      const why = attempts.map((one) => one.why).join(', ');
      this.#end = why;
      if (!this.mayEnd && this.#confirmed) this.#options.onFailure(`${this.identity} could not resume: ${why}`);
      return;
    }
    const { client, reply } = winner;
    this.#client = client;
    this.model.resumed(client, reply);
    this.#state = 'connected';
    this.#follow(client, reply);
    await this.#tellWidths([...this.#untold.keys()]);
  }

  async publish(source: Published, paused: boolean): Promise<void> {
    const rtpParameters = source === 'camera' ? camera : opus();
    await this.#change(source, async () => {
      const { producerId } = await this.#client.request('produce', { source, rtpParameters, paused });
      this.model.published(source, producerId);
      return paused ? 'paused' : 'live';
    });
  }

  async unpublish(source: Published): Promise<void> {
    await this.#change(source, async () => {
      await this.#client.request('closeProducer', { source });
      return 'none';
    });
  }

  async setPaused(source: Published, paused: boolean): Promise<void> {
    await this.#change(source, async () => {
      await this.#client.request(paused ? 'pauseProducer' : 'resumeProducer', { source });
      return paused ? 'paused' : 'live';
    });
  }

  /** Shows the cameras of these peers in that width from now on; 0 where it does not show them. */
  async show(peerIds: readonly string[], width: number): Promise<void> {
    for (const peerId of peerIds) this.widths.set(peerId, width);
    await this.#tellWidths(peerIds);
  }

  async #tellWidths(peerIds: readonly string[]): Promise<void> {
    if (peerIds.length === 0) return;
    const turn = Symbol();
    for (const peerId of peerIds) this.#untold.set(peerId, turn);
    const tracks = peerIds.map((peerId) => {
      const width = this.widths.get(peerId) ?? 0;
      return { peerId, source: 'camera', width, height: (width * 9) / 16 } as const;
    });
    await this.#client.request('updateTrackSettings', { tracks });
    for (const peerId of peerIds) if (this.#untold.get(peerId) === turn) this.#untold.delete(peerId);
  }

  async #change(source: Published, act: () => Promise<State>): Promise<void> {
    const end = this.published[source].begin();
    try {
      const state = await act();
      end(() => state);
    } catch (error) {
      // Without the right, or without the producer, there is none; with a connection that ended nobody knows.
      const { code } = WeirError.from(error);
      end((before) => {
        // That is what should not be, if nothing else was under way.
        const wrong = (code === 'conflict' && before === 'none') || (code === 'notFound' && isOn(before));
        if (wrong) this.#options.onFailure(`${this.identity}, whose ${source} was ${before}, was told ${code}`);
        return code === 'forbidden' || code === 'notFound' ? 'none' : undefined;
      });
      throw error;
    }
  }

  async #attempt(): Promise<{ client: TestClient; reply?: ResumeReply; why?: string }> {
    const client = await this.#options.connect({ firstId: IDS * this.#connections++ });
    try {
      return { client, reply: await client.request('resume', { key: this.#key }) };
    } catch (error) {
      const { code } = WeirError.from(error);
      return { client, why: code === 'closed' ? (await client.closed).reason : code };
    }
  }

  #follow(client: TestClient, { consumers }: JoinReply | ResumeReply): void {
    void client.closed.then(({ code, reason }) => {
      if (this.#client !== client || this.#state !== 'connected') return;
      this.#state = 'gone';
      this.#end = reason;
      if (!this.mayEnd) this.#options.onFailure(`${this.identity} was closed with ${code} "${reason}"`);
    });
    void this.#receive(client, consumers);
  }

  /** Resumes each consumer once, as a client does that has made its end of it. */
  async #receive(client: TestClient, consumers: readonly { consumerId: string }[]): Promise<void> {
    let next: readonly { consumerId: string }[] | undefined = consumers;
    while (client.open) {
      const consumerIds = (next ?? []).map((one) => one.consumerId).filter((id) => !this.#ready.has(id));
      if (consumerIds.length > 0) void this.#resumeConsumers(client, consumerIds);
      next = (await client.event('newConsumers').catch(() => undefined))?.consumers;
    }
  }

  async #resumeConsumers(client: TestClient, consumerIds: string[]): Promise<void> {
    try {
      await client.request('resumeConsumers', { consumerIds });
    } catch (error) {
      // Those that are still there have been resumed.
      if (WeirError.from(error).code !== 'notFound') return;
    }
    for (const id of consumerIds) this.#ready.add(id);
  }
}

function isOn(state: State | undefined): boolean {
  return state === 'live' || state === 'paused';
}
