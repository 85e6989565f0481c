/** A client of a room across connections, which records its own requests as a model for the server's state. */

import { opus, vp8 } from '../../scripts/support/media/clientParameters.ts';
import { WeirError } from '../../shared/errors.ts';
import type { JoinReply, ResumeReply } from '../../shared/protocol.ts';
import type { ConnectOptions, TestClient } from './client.ts';
import { RacingValue } from './RacingValue.ts';
import { RoomModel } from './RoomModel.ts';

export type Published = 'camera' | 'microphone';
export type State = 'none' | 'live' | 'paused';

/** A camera of three layers, selected by track settings. */
const camera = {
  ...vp8(),
  encodings: [0, 1, 2].map((layer) => ({ ssrc: 5000 + layer, rtx: { ssrc: 6000 + layer } })),
};

/** Request ids reserved for one connection: a session continues with ids that it has not used. */
const IDS = 10_000;

export interface ParticipantOptions {
  readonly identity: string;
  readonly client: TestClient;
  readonly reply: JoinReply;
  connect(options: ConnectOptions): Promise<TestClient>;
  /** Called when the server violates the protocol. */
  onFailure(what: string): void;
}

export class Participant {
  readonly identity: string;
  readonly peerId: string;
  readonly model: RoomModel;
  readonly published = { camera: new RacingValue<State>('none'), microphone: new RacingValue<State>('none') };
  /** Its tile widths of others' cameras in pixels, by peer id; peers without settings are missing. */
  readonly widths = new Map<string, number>();
  /** Another participant has requested the end of its session. */
  mayEnd = false;
  readonly #options: ParticipantOptions;
  readonly #key: string;
  readonly #ready = new Set<string>();
  /** Peers whose tile width was sent and not confirmed, each with a symbol of its latest request. */
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

  /** Why its session has ended, as far as it knows. */
  get end(): string | undefined {
    return this.#end;
  }

  get gone(): boolean {
    return this.#state === 'gone';
  }

  /** Confirms the reply to `join`: from then on the session outlives its connection. */
  async confirm(): Promise<void> {
    await this.#client.request('ping', {});
    this.#confirmed = true;
  }

  /** Closes the connection until `resume`. */
  cut(): void {
    this.#state = 'away';
    this.#client.cut();
  }

  leave(): void {
    this.mayEnd = true;
    this.#client.send(JSON.stringify({ id: 1, method: 'leave', data: {} }));
  }

  /** Resumes over that many connections at once; one of them stays. */
  async resume(connections = 1): Promise<void> {
    this.#state = 'resuming';
    const attempts = await Promise.all(Array.from({ length: connections }, () => this.#attempt()));
    const answered = attempts.flatMap(({ client, reply }) => (reply ? [{ client, reply }] : []));
    // All but one of the answered connections are replaced by another.
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

  /** Sets its tiles of these peers' cameras to that width; 0 where they are hidden. */
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
      // Without the grant or the producer there is none; after a lost connection its state is unknown.
      const { code } = WeirError.from(error);
      end((before) => {
        // An error that is wrong if no other request was in progress.
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

  /** Resumes each consumer once, as a client does after creating its end. */
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
      // `notFound`: the others have been resumed.
      if (WeirError.from(error).code !== 'notFound') return;
    }
    for (const id of consumerIds) this.#ready.add(id);
  }
}

function isOn(state: State | undefined): boolean {
  return state === 'live' || state === 'paused';
}
