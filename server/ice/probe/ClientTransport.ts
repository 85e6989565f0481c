/** The client end of one WebRTC transport without a browser: ICE, DTLS and SRTP over a path to one candidate. */
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { DtlsClient, type RtcpPacket, RtcpPacketConverter, type RtpHeader, SrtcpSession, SrtpSession } from 'werift';
import type { DtlsParameters, IceParameters } from '../../../shared/media.ts';
import { afterPackets } from './afterPackets.ts';
import { type Certificate, certificate } from './certificate.ts';
import { ConnectivityChecks } from './connectivityCheck.ts';
import { HandshakeFilter } from './HandshakeFilter.ts';
import type { IcePath, OpenIcePath } from './IcePath.ts';

/** The SRTP suites that are offered, best first (DTLS protection profiles, RFC 7714 and RFC 5764). */
const SRTP = [7, 1] as const;
const suites = {
  7: { name: 'SRTP_AEAD_AES_128_GCM', key: 16, salt: 12, tag: 16 },
  1: { name: 'SRTP_AES128_CM_HMAC_SHA1_80', key: 16, salt: 14, tag: 10 },
} as const;
/** Default timeouts of ICE and of the handshake, in milliseconds. */
const ICE_TIMEOUT = 15_000;
const DTLS_TIMEOUT = 20_000;
const NO_ANSWER = 'ICE: the server did not answer.';

export interface ClientTransportEvents {
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
export class ClientTransport {
  readonly #events: ClientTransportEvents;
  readonly #certificate: Certificate;
  readonly #ufrag = randomBytes(4).toString('hex');
  readonly #ended = Promise.withResolvers<never>();
  readonly #aborted = new AbortController();
  readonly #handshakeFilter = new HandshakeFilter();
  #path: IcePath | undefined;
  #checks: ConnectivityChecks | undefined;
  #dtls: DtlsClient | undefined;
  #onDtlsData: (data: Buffer) => void = () => {};
  #srtp: SrtpSession | undefined;
  #srtcp: SrtcpSession | undefined;
  #suite: (typeof suites)[keyof typeof suites] | undefined;
  #closed = false;

  private constructor(certificate: Certificate, events: ClientTransportEvents) {
    this.#certificate = certificate;
    this.#events = events;
    this.#ended.promise.catch(() => {});
  }

  static async create(events: ClientTransportEvents = {}): Promise<ClientTransport> {
    return new ClientTransport(await certificate(), events);
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

  /**
   * Opens the path and runs ICE on it: controlling, against an ICE-lite server.
   * @param timeout of opening the path, and of the checks, in milliseconds
   * @returns the round-trip time of a check, in milliseconds
   * @throws {Error} when nothing answers in time, or the path fails
   */
  async check(iceParameters: IceParameters, openPath: OpenIcePath, timeout: number = ICE_TIMEOUT): Promise<number> {
    const late = AbortSignal.timeout(timeout);
    const events = {
      onPacket: (packet: Buffer) => this.#receive(packet),
      onError: (error: Error) => this.#checks?.fail(error),
    };
    const path = await openPath(events, AbortSignal.any([late, this.#aborted.signal])).catch((error: unknown) => {
      throw late.aborted ? new Error(NO_ANSWER) : error;
    });
    this.#path = path;
    if (this.#closed) {
      path.close();
      throw new Error('closed');
    }
    const timer = setTimeout(
      afterPackets(() => checks.fail(new Error(NO_ANSWER))),
      timeout,
    );
    const checks = new ConnectivityChecks((packet) => path.send(packet), iceParameters, this.#ufrag);
    this.#checks = checks;
    const roundTripTime = await checks.run().finally(() => clearTimeout(timer));
    if (this.#closed) throw new Error('closed');
    checks.keepConsent();
    return roundTripTime;
  }

  /**
   * Runs the DTLS 1.2 handshake after `check`; RTP can be sent then.
   * @param timeout milliseconds
   * @throws {Error} when it does not end in time, or the server's fingerprint is wrong
   */
  async shakeHands({ fingerprints }: DtlsParameters, timeout: number = DTLS_TIMEOUT): Promise<void> {
    const path = this.#path;
    if (!path) throw new Error('not checked');
    const { cert, key, signatureHash } = this.#certificate;
    const transport = this;
    const dtls = new DtlsClient({
      cert,
      key,
      signatureHash,
      srtpProfiles: [...SRTP],
      extendedMasterSecret: true,
      transport: {
        type: 'udp',
        address: { ...path.local, family: isIPv6(path.local.address) ? 'IPv6' : 'IPv4' },
        closed: false,
        set onData(listener: (data: Buffer) => void) {
          transport.#onDtlsData = listener;
        },
        get onData() {
          return transport.#onDtlsData;
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
    const fail = () => reject(new Error('DTLS: the handshake did not end in time.'));
    const late = setTimeout(afterPackets(fail), timeout);
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

  /** Encrypts one RTP packet. @returns what to `send`; the same bytes may be sent again as a retransmission */
  protect(header: RtpHeader, payload: Buffer): Buffer {
    if (!this.#srtp) throw new Error('not connected');
    return this.#srtp.encrypt(payload, header);
  }

  send(packet: Buffer): void {
    this.#path?.send(packet);
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
    this.#closed = true;
    // Send close_notify only after the handshake.
    if (this.#srtp) this.#dtls?.close();
    const error = new Error('closed');
    this.#aborted.abort(error);
    this.#ended.reject(error);
    this.#checks?.fail(error);
    this.#checks?.close();
    this.#path?.close();
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
    } else if (first >= 20 && first < 64) this.#receiveDtls(data);
    else if (first < 4) this.#checks?.receive(data);
  }

  #receiveDtls(data: Buffer): void {
    const fresh = this.#handshakeFilter.filter(data);
    if (fresh) this.#onDtlsData(fresh);
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
