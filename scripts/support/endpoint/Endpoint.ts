/** The client end of one WebRTC transport without a browser: ICE, DTLS and SRTP over its own UDP socket. */
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { DtlsClient, type RtcpPacket, RtcpPacketConverter, type RtpHeader, SrtcpSession, SrtpSession } from 'werift';
import type { DtlsParameters, TransportInfo } from '../../../shared/media.ts';
import { type Certificate, certificate } from './certificate.ts';
import { bindingRequest, isBindingResponse } from './stun.ts';

/** The SRTP suites that are offered, best first (DTLS protection profiles, RFC 7714 and RFC 5764). */
const SRTP = [7, 1] as const;
const suites = {
  7: { name: 'SRTP_AEAD_AES_128_GCM', key: 16, salt: 12, tag: 16 },
  1: { name: 'SRTP_AES128_CM_HMAC_SHA1_80', key: 16, salt: 14, tag: 10 },
} as const;
/**
 * Milliseconds: first and maximum interval of unanswered connectivity checks, interval of consent checks, and timeout.
 */
const ICE = { first: 50, most: 500, consent: 5000, timeout: 15_000 };
/** Timeout of the handshake, in milliseconds. */
const DTLS_TIMEOUT = 20_000;
/** The kernel's buffer for a receiver whose process is busy, in bytes. */
const RECEIVE_BUFFER = 1 << 20;

export interface EndpointEvents {
  /** An RTP packet as received, encrypted, with a readable header. The buffer is valid during the call only. */
  onRtp?(packet: Buffer): void;
  onRtcp?(packets: RtcpPacket[]): void;
  /** The server ended DTLS. */
  onEnd?(): void;
}

/**
 * One transport. Received RTP is passed on encrypted, because headers contain almost all that a load test counts;
 * `decrypt` decrypts a packet on demand.
 */
export class Endpoint {
  readonly #events: EndpointEvents;
  readonly #socket: Socket;
  readonly #certificate: Certificate;
  readonly #ufrag = randomBytes(4).toString('hex');
  #dtls: DtlsClient | undefined;
  #onDtlsData: (data: Buffer) => void = () => {};
  #onStunResponse: () => void = () => {};
  #consent: NodeJS.Timeout | undefined;
  #srtp: SrtpSession | undefined;
  #srtcp: SrtcpSession | undefined;
  #suite: (typeof suites)[keyof typeof suites] | undefined;
  #remote: { address: string; port: number } | undefined;
  #closed = false;
  #ended = Promise.withResolvers<never>();

  private constructor(socket: Socket, certificate: Certificate, events: EndpointEvents) {
    this.#socket = socket;
    this.#certificate = certificate;
    this.#events = events;
    this.#ended.promise.catch(() => {});
    socket.on('message', (data) => this.#receive(data));
    // An ICMP "port unreachable" means that the server has gone; the ICE consent check notices that by itself.
    socket.on('error', () => {});
  }

  static async open(events: EndpointEvents = {}): Promise<Endpoint> {
    const own = await certificate();
    const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER });
    socket.bind(0);
    await once(socket, 'listening');
    return new Endpoint(socket, own, events);
  }

  /** DTLS parameters for the server; this end is the DTLS client. */
  get dtlsParameters(): DtlsParameters {
    return { role: 'client', fingerprints: [{ algorithm: 'sha-256', value: this.#certificate.fingerprint }] };
  }

  /** The negotiated SRTP suite. */
  get srtp(): string {
    return this.#suite?.name ?? '';
  }

  /** Bytes that SRTP adds to a packet. */
  get tagBytes(): number {
    return this.#suite?.tag ?? 0;
  }

  get localPort(): number {
    return this.#socket.address().port;
  }

  /**
   * Runs ICE (controlling, against an ICE-lite server), then the DTLS 1.2 handshake.
   * @throws {Error} when no candidate answers in time, or the server's fingerprint is wrong
   */
  async connect(info: TransportInfo): Promise<void> {
    const candidate = info.iceCandidates.find(({ protocol }) => protocol === 'udp');
    if (!candidate) throw new Error('The server offers no UDP candidate.');
    this.#remote = { address: candidate.address, port: candidate.port };
    await this.#check(info);
    await this.#shakeHands(info.dtlsParameters);
  }

  /** Encrypts one RTP packet. @returns what to `send`; the same bytes may be sent again as a retransmission */
  protect(header: RtpHeader, payload: Buffer): Buffer {
    if (!this.#srtp) throw new Error('not connected');
    return this.#srtp.encrypt(payload, header);
  }

  send(packet: Buffer): void {
    if (this.#closed || !this.#remote) return;
    this.#socket.send(packet, this.#remote.port, this.#remote.address);
  }

  /** Sends one compound RTCP packet. */
  sendRtcp(packets: readonly { serialize(): Buffer }[]): void {
    if (this.#srtcp) this.send(this.#srtcp.encrypt(Buffer.concat(packets.map((packet) => packet.serialize()))));
  }

  /** Decrypts an RTP packet. @throws {Error} when its authentication fails */
  decrypt(packet: Buffer): Buffer {
    if (!this.#srtp) throw new Error('not connected');
    return this.#srtp.decrypt(packet);
  }

  close(): void {
    if (this.#closed) return;
    // Send close_notify only if the handshake has begun.
    if (this.#srtp) this.#dtls?.close();
    this.#closed = true;
    clearInterval(this.#consent);
    this.#ended.reject(new Error('closed'));
    this.#socket.close();
  }

  async #check({ iceParameters }: TransportInfo): Promise<void> {
    const request = () =>
      bindingRequest({
        username: `${iceParameters.usernameFragment}:${this.#ufrag}`,
        password: iceParameters.password,
      });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#onStunResponse = resolve;
    let pause = ICE.first;
    let timer: NodeJS.Timeout | undefined;
    const ask = () => {
      this.send(request());
      timer = setTimeout(ask, pause);
      pause = Math.min(ICE.most, pause * 2);
    };
    const late = setTimeout(() => reject(new Error('ICE: the server did not answer.')), ICE.timeout);
    ask();
    try {
      await Promise.race([promise, this.#ended.promise]);
    } finally {
      clearTimeout(timer);
      clearTimeout(late);
    }
    this.#consent = setInterval(() => this.send(request()), ICE.consent);
  }

  async #shakeHands({ fingerprints }: DtlsParameters): Promise<void> {
    const { cert, key, signatureHash } = this.#certificate;
    const endpoint = this;
    const dtls = new DtlsClient({
      cert,
      key,
      signatureHash,
      srtpProfiles: [...SRTP],
      extendedMasterSecret: true,
      transport: {
        type: 'udp',
        address: this.#socket.address(),
        closed: false,
        set onData(listener: (data: Buffer) => void) {
          endpoint.#onDtlsData = listener;
        },
        get onData() {
          return endpoint.#onDtlsData;
        },
        send: async (data: Buffer) => this.send(data),
        close: async () => {},
      },
    });
    this.#dtls = dtls;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    dtls.onConnect.once(resolve);
    dtls.onError.once(reject);
    dtls.onClose.once(() => this.#events.onEnd?.());
    // `connect` keeps retransmitting in the background; the handshake is complete when both sides have finished.
    dtls.connect().catch(reject);
    // werift retransmits its records unchanged, which OpenSSL drops as replays: a lost last flight is never repaired.
    const late = setTimeout(() => reject(new Error('DTLS: the handshake did not end in time.')), DTLS_TIMEOUT);
    await Promise.race([promise, this.#ended.promise]).finally(() => clearTimeout(late));
    this.#verify(dtls.remoteCertificate, fingerprints);
    const profile = dtls.srtp.srtpProfile === 7 ? 7 : 1;
    const suite = suites[profile];
    const { localKey, localSalt, remoteKey, remoteSalt } = dtls.extractSessionKeys(suite.key, suite.salt);
    const keys = {
      localMasterKey: localKey,
      localMasterSalt: localSalt,
      remoteMasterKey: remoteKey,
      remoteMasterSalt: remoteSalt,
    };
    this.#suite = suite;
    this.#srtp = new SrtpSession({ keys, profile });
    this.#srtcp = new SrtcpSession({ keys, profile });
  }

  #verify(der: Buffer | undefined, fingerprints: DtlsParameters['fingerprints']): void {
    if (!der) throw new Error('DTLS: the server showed no certificate.');
    const raw = new X509Certificate(der).raw;
    const known = fingerprints.some(({ algorithm, value }) => {
      const digest = createHash(algorithm.replace('-', '')).update(raw).digest('hex').toUpperCase();
      return digest === value.replaceAll(':', '').toUpperCase();
    });
    if (!known) throw new Error('DTLS: the certificate is not the one that was announced.');
  }

  /** Demultiplexes STUN, DTLS, RTCP and RTP by their first bytes (RFC 7983, RFC 5761). */
  #receive(data: Buffer): void {
    const first = data[0] ?? 255;
    if (first >= 128 && first < 192) {
      const second = data[1] ?? 0;
      if (second < 192 || second > 223) this.#events.onRtp?.(data);
      else this.#receiveRtcp(data);
    } else if (first >= 20 && first < 64) this.#onDtlsData(data);
    else if (first < 4 && isBindingResponse(data)) this.#onStunResponse();
  }

  #receiveRtcp(data: Buffer): void {
    if (!this.#srtcp || !this.#events.onRtcp) return;
    try {
      this.#events.onRtcp(RtcpPacketConverter.deSerialize(this.#srtcp.decrypt(data)));
    } catch {
      // Ignore packets that fail authentication or are of an unknown kind.
    }
  }
}
