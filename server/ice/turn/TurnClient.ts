/** A TURN client with one allocation (RFC 8656): for the self-test, and for tests of TURN servers. */
import { createHash, randomBytes } from 'node:crypto';
import {
  parseStunMessage,
  ATTRIBUTE as STUN_ATTRIBUTE,
  type StunAttribute,
  type StunMessage,
  type TransportAddress,
  xorAddressOf,
} from '../stunMessage.ts';
import type { TurnCredentials } from '../turnCredentials.ts';
import { connectTurn, type TurnConnection, type TurnServer } from './TurnConnection.ts';
import { ATTRIBUTE, attributeOf, CLASS, encodeMessage, errorOf, METHOD, peerAttribute } from './turnMessage.ts';

export interface AllocateOptions {
  readonly server: TurnServer;
  readonly credentials: TurnCredentials;
  /** TransportAddress family of the relayed address; default 4. */
  readonly family?: 4 | 6;
  /** Protocol number between server and peer: 17 for UDP (default), 6 for TCP (RFC 6062). */
  readonly requestedTransport?: 17 | 6;
  /** Of each request, in milliseconds. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/** The server refused a request. `code` is STUN's: 401 credentials, 403 peer not permitted, 486 quota. */
export class TurnError extends Error {
  override readonly name = 'TurnError';
  readonly code: number;

  constructor(code: number, reason: string) {
    super(`The TURN server answers ${code} (${reason || 'without a reason'}).`);
    this.code = code;
  }
}

const TIMEOUT = 5000;
/** First retransmission over UDP, in milliseconds; doubled each time (RFC 8489, section 6.2.1). */
const RETRANSMISSION = 500;
const UNAUTHENTICATED = 401;
const STALE_NONCE = 438;

interface Request {
  readonly resolve: (response: StunMessage) => void;
  readonly reject: (error: Error) => void;
}

/** What the server's challenge (401) says. */
interface Challenge {
  readonly realm: Buffer;
  readonly nonce: Buffer;
  readonly key: Buffer;
}

export class TurnClient {
  readonly #credentials: TurnCredentials;
  readonly #timeout: number;
  readonly #requests = new Map<string, Request>();
  readonly #listeners = new Set<(data: Buffer, peer: TransportAddress) => void>();
  /** Peers by the number of their channel. */
  readonly #channels = new Map<number, TransportAddress>();
  readonly #errorListeners = new Set<(error: Error) => void>();
  #connection: TurnConnection | undefined;
  #challenge: Challenge | undefined;
  #relayed: TransportAddress = { address: '', port: 0 };
  #failure: Error | undefined;

  private constructor({ credentials, timeout = TIMEOUT }: AllocateOptions) {
    this.#credentials = credentials;
    this.#timeout = timeout;
  }

  /**
   * Connects to the server and allocates.
   * @throws {TurnError} when the server refuses
   * @throws {Error} when it cannot be reached, or does not answer
   */
  static async allocate(options: AllocateOptions): Promise<TurnClient> {
    const client = new TurnClient(options);
    try {
      client.#connection = await connectTurn(
        options.server,
        { onMessage: (bytes) => client.#receive(bytes), onError: (error) => client.#fail(error) },
        options.signal,
      );
      const { family = 4, requestedTransport = 17 } = options;
      const response = await client.request(METHOD.allocate, () => [
        { type: ATTRIBUTE.requestedTransport, value: Buffer.from([requestedTransport, 0, 0, 0]) },
        { type: ATTRIBUTE.requestedAddressFamily, value: Buffer.from([family === 4 ? 1 : 2, 0, 0, 0]) },
      ]);
      client.#relayed = xorAddressOf(response, ATTRIBUTE.xorRelayedAddress) ?? client.#relayed;
      return client;
    } catch (error) {
      client.#connection?.close();
      throw error;
    }
  }

  /** The address from which the server sends to peers. */
  get relayed(): TransportAddress {
    return this.#relayed;
  }

  /** Runs `listener` for what permitted peers send. @returns what ends that */
  onData(listener: (data: Buffer, peer: TransportAddress) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Runs `listener` when the connection fails. */
  onError(listener: (error: Error) => void): void {
    this.#errorListeners.add(listener);
  }

  /** Asks for permissions. @throws {TurnError} 403 where one of the peers is not permitted */
  async createPermission(...peers: TransportAddress[]): Promise<void> {
    await this.request(METHOD.createPermission, (id) => peers.map((peer) => peerAttribute(peer, id)));
  }

  /** Binds a channel to a peer. @throws {TurnError} 403 where the peer is not permitted */
  async bindChannel(channel: number, peer: TransportAddress): Promise<void> {
    const number = Buffer.alloc(4);
    number.writeUInt16BE(channel);
    await this.request(METHOD.channelBind, (id) => [
      { type: ATTRIBUTE.channelNumber, value: number },
      peerAttribute(peer, id),
    ]);
    this.#channels.set(channel, peer);
  }

  /** Sends to a peer; what the server does not permit is lost without an answer. */
  send(peer: TransportAddress, data: Buffer): void {
    const transactionId = randomBytes(12);
    const attributes = [peerAttribute(peer, transactionId), { type: ATTRIBUTE.data, value: data }];
    this.#connection?.send(encodeMessage(METHOD.send | CLASS.indication, transactionId, attributes));
  }

  /** Sends through a channel that is bound. */
  sendChannelData(channel: number, data: Buffer): void {
    const header = Buffer.alloc(4);
    header.writeUInt16BE(channel, 0);
    header.writeUInt16BE(data.length, 2);
    this.#connection?.send(Buffer.concat([header, data]));
  }

  /**
   * Sends an authenticated request.
   * @param attributes those of the method, for a transaction id
   * @throws {TurnError} when the server refuses
   * @throws {Error} when it does not answer in time, or the connection fails
   */
  async request(method: number, attributes: (transactionId: Buffer) => StunAttribute[]): Promise<StunMessage> {
    for (let challenges = 0; ; ) {
      const response = await this.#ask(method, attributes);
      if (response.type !== (method | CLASS.error)) return response;
      const { code, reason } = errorOf(response);
      const isChallenge = (code === UNAUTHENTICATED && !this.#challenge) || code === STALE_NONCE;
      challenges += 1;
      if (!isChallenge || challenges > 2) throw new TurnError(code, reason);
      this.#challenge = this.#accept(response);
    }
  }

  /** Gives the allocation back, and waits for the answer. */
  async release(): Promise<void> {
    await this.request(METHOD.refresh, () => [{ type: ATTRIBUTE.lifetime, value: Buffer.alloc(4) }]);
    this.close();
  }

  /** Gives the allocation back without waiting. Idempotent. */
  close(): void {
    if (this.#failure) return;
    this.#failure = new Error('The TURN client is closed.');
    if (this.#challenge) {
      const lifetime = { type: ATTRIBUTE.lifetime, value: Buffer.alloc(4) };
      this.#connection?.send(this.#encode(METHOD.refresh, randomBytes(12), [lifetime]));
    }
    this.#rejectAll(this.#failure);
    this.#connection?.close();
  }

  async #ask(method: number, attributes: (transactionId: Buffer) => StunAttribute[]): Promise<StunMessage> {
    if (this.#failure) throw this.#failure;
    const transactionId = randomBytes(12);
    const id = transactionId.toString('latin1');
    const bytes = this.#encode(method, transactionId, attributes(transactionId));
    const { promise, resolve, reject } = Promise.withResolvers<StunMessage>();
    this.#requests.set(id, { resolve, reject });
    let timer: NodeJS.Timeout | undefined;
    const send = (pause: number) => {
      this.#connection?.send(bytes);
      if (!this.#connection?.reliable) timer = setTimeout(send, pause, pause * 2);
    };
    const late = setTimeout(() => reject(new Error('The TURN server does not answer.')), this.#timeout);
    send(RETRANSMISSION);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      clearTimeout(late);
      this.#requests.delete(id);
    }
  }

  #encode(method: number, transactionId: Buffer, attributes: StunAttribute[]): Buffer {
    const type = method | CLASS.request;
    if (!this.#challenge) return encodeMessage(type, transactionId, attributes);
    const { realm, nonce, key } = this.#challenge;
    const authentication = [
      { type: STUN_ATTRIBUTE.username, value: Buffer.from(this.#credentials.username) },
      { type: STUN_ATTRIBUTE.realm, value: realm },
      { type: STUN_ATTRIBUTE.nonce, value: nonce },
    ];
    return encodeMessage(type, transactionId, [...attributes, ...authentication], key);
  }

  /** The long-term credential's key (RFC 8489, section 9.2.2). */
  #accept(response: StunMessage): Challenge {
    const realm = attributeOf(response, STUN_ATTRIBUTE.realm) ?? Buffer.alloc(0);
    const nonce = attributeOf(response, STUN_ATTRIBUTE.nonce) ?? Buffer.alloc(0);
    const { username, credential } = this.#credentials;
    const key = createHash('md5').update(`${username}:${realm}:${credential}`).digest();
    return { realm, nonce, key };
  }

  #receive(bytes: Buffer): void {
    const message = parseStunMessage(bytes);
    if (!message) this.#receiveChannelData(bytes);
    else if (message.type === (METHOD.data | CLASS.indication)) this.#receiveData(message);
    else this.#requests.get(message.transactionId.toString('latin1'))?.resolve(message);
  }

  #receiveData(message: StunMessage): void {
    const peer = xorAddressOf(message, ATTRIBUTE.xorPeerAddress);
    const data = attributeOf(message, ATTRIBUTE.data);
    if (peer && data) for (const listener of this.#listeners) listener(data, peer);
  }

  #receiveChannelData(bytes: Buffer): void {
    const peer = bytes.length >= 4 && this.#channels.get(bytes.readUInt16BE(0));
    if (!peer) return;
    const data = bytes.subarray(4, 4 + bytes.readUInt16BE(2));
    for (const listener of this.#listeners) listener(data, peer);
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#connection?.close();
    this.#rejectAll(error);
    for (const listener of this.#errorListeners) listener(error);
  }

  #rejectAll(error: Error): void {
    for (const { reject } of this.#requests.values()) reject(error);
  }
}
