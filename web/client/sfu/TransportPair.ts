/** The sending and the receiving mediasoup transport of a session, with the ICE servers that the server gives for them. */
import type { Device, types } from 'mediasoup-client';
import { WeirError } from '../../../shared/errors.ts';
import type { IceParameters, IceServer, TransportInfo } from '../../../shared/media.ts';
import { type ConnectionStats, connectionStatsOf } from '../connectionStats.ts';
import type { MediaConnectionState } from '../events.ts';
import type { TriedPath } from '../MediaLink.ts';
import type { Request } from '../Signalling.ts';
import { countTransport, type TransportReport } from '../stats.ts';

type Transport = types.Transport;

/**
 * How long a transport may take to connect, in milliseconds. Chromium goes on for ever where packets are dropped rather than
 * refused; TURN over TLS with a round trip of 300 ms takes three and a half seconds.
 */
const CONNECT_TIMEOUT = 20_000;

export interface TransportPairOptions {
  readonly device: Device;
  readonly request: Request;
  /** As the reply to `join` has them. */
  readonly iceServers: readonly IceServer[];
  readonly iceTransportPolicy: RTCIceTransportPolicy | undefined;
  /** The connection state of a transport has changed to this. */
  onStateChange(state: types.ConnectionState): void;
  /** A transport has not connected in `CONNECT_TIMEOUT`, and none ever has. */
  onConnectTimeout(): void;
  /** The server has refused a transport that it still had. */
  onRefused(): void;
  /** ICE of the transport for data restarts together with that of the media. */
  onDataRestart(iceParameters: IceParameters, iceServers: readonly IceServer[]): void;
}

export class TransportPair {
  readonly #options: TransportPairOptions;
  #iceServers: { urls: string[]; username: string; credential: string }[];
  #send: Transport | undefined;
  #recv: Transport | undefined;
  #wasConnected = false;
  readonly #tried = new Set<TriedPath>();

  /** @throws {WeirError} `unavailable` if only TURN servers may be used and there are none */
  constructor(options: TransportPairOptions) {
    this.#options = options;
    this.#iceServers = turnServers(options.iceServers);
    if (options.iceTransportPolicy === 'relay' && this.#iceServers.length === 0) {
      const message = 'Media may take TURN servers only (`iceTransportPolicy` is `relay`), and this server has none.';
      throw new WeirError('unavailable', message, { reason: 'noTurnServer' });
    }
  }

  get send(): Transport | undefined {
    return this.#send;
  }

  get recv(): Transport | undefined {
    return this.#recv;
  }

  /** Whether one of them has ever been connected. */
  get wasConnected(): boolean {
    return this.#wasConnected;
  }

  /** Whether there are TURN servers. */
  get hasRelays(): boolean {
    return this.#iceServers.length > 0;
  }

  /** The ways to the server that ICE has been given, in order of preference. */
  get triedPaths(): TriedPath[] {
    return triedPaths.filter((path) => this.#tried.has(path));
  }

  /** `lost` as soon as one of them has lost its connection. */
  get connectionState(): MediaConnectionState {
    const states = [this.#send, this.#recv].map((transport) => transport?.connectionState);
    if (states.some((state) => state === 'disconnected' || state === 'failed')) return 'lost';
    return states.includes('connecting') ? 'connecting' : 'connected';
  }

  /** @param iceServers those that came with it, if it was opened after the join */
  createSend(info: TransportInfo, iceServers?: readonly IceServer[]): Transport {
    const transport = this.#options.device.createSendTransport(this.#toOptions(info, iceServers));
    this.#send = transport;
    this.#listen(transport);
    return transport;
  }

  /** As `createSend`. */
  createRecv(info: TransportInfo, iceServers?: readonly IceServer[]): Transport {
    const transport = this.#options.device.createRecvTransport(this.#toOptions(info, iceServers));
    this.#recv = transport;
    this.#listen(transport);
    return transport;
  }

  /** The right to send has ended; whoever publishes over the transport closes it. */
  removeSend(): void {
    this.#send = undefined;
  }

  closeRecv(): void {
    this.#recv?.close();
    this.#recv = undefined;
  }

  /** Restarts ICE on both, with the servers that came with the new parameters: TURN credentials have expired by then. */
  async restartIce(): Promise<void> {
    const { send, recv, data, iceServers } = await this.#options.request('restartIce', {});
    if (data) this.#options.onDataRestart(data, iceServers);
    const had = this.#iceServers;
    this.#iceServers = turnServers(iceServers);
    const isUpdated = had.length > 0 || this.#iceServers.length > 0;
    const restart = async (transport: Transport | undefined, iceParameters: types.IceParameters | undefined) => {
      if (!transport || !iceParameters || transport.closed) return;
      // A browser that cannot replace them restarts with the former ones. mediasoup-client runs both calls in this order.
      if (isUpdated) transport.updateIceServers({ iceServers: this.#iceServers }).catch(() => {});
      await transport.restartIce({ iceParameters });
    };
    await Promise.all([restart(this.#send, send), restart(this.#recv, recv)]);
  }

  /** The counters of the sending transport; undefined if there is none. */
  countSend(): Promise<TransportReport | undefined> {
    return count(this.#send);
  }

  /** The counters of the receiving transport; undefined if there is none. */
  countRecv(): Promise<TransportReport | undefined> {
    return count(this.#recv);
  }

  /** How each transport is connected. */
  async connectionStats(): Promise<ConnectionStats[]> {
    const stats = [this.#send, this.#recv].map(async (transport) => {
      if (!transport || transport.closed) return [];
      // A transport that closes meanwhile rejects.
      const report = await transport.getStats().catch(() => undefined);
      if (!report) return [];
      const direction = transport.direction === 'send' ? ('send' as const) : ('receive' as const);
      return [connectionStatsOf({ direction, state: transport.connectionState, report })];
    });
    return (await Promise.all(stats)).flat();
  }

  /** The statistics of both, as the browser reports them; undefined where there is none. */
  async reports(): Promise<{ send: RTCStatsReport | undefined; recv: RTCStatsReport | undefined }> {
    const report = (transport: Transport | undefined) =>
      transport && !transport.closed ? transport.getStats() : undefined;
    const [send, recv] = await Promise.all([report(this.#send), report(this.#recv)]);
    return { send, recv };
  }

  close(): void {
    this.#send?.close();
    this.#recv?.close();
  }

  #toOptions({ transportId, ...rest }: TransportInfo, iceServers?: readonly IceServer[]): types.TransportOptions {
    if (iceServers) this.#iceServers = turnServers(iceServers);
    const { iceTransportPolicy } = this.#options;
    if (iceTransportPolicy !== 'relay') for (const { protocol } of rest.iceCandidates) this.#tried.add(protocol);
    for (const { urls } of this.#iceServers) for (const url of urls) this.#tried.add(relayPath(url));
    return {
      id: transportId,
      ...rest,
      iceServers: this.#iceServers,
      ...(iceTransportPolicy && { iceTransportPolicy }),
    };
  }

  #listen(transport: Transport): void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onTimeout = () => {
      if (!this.#wasConnected && !transport.closed) this.#options.onConnectTimeout();
    };
    transport.observer.once('close', () => clearTimeout(timer));
    transport.on('connectionstatechange', (state) => {
      if (state === 'connected') this.#wasConnected = true;
      if (state === 'connecting' && !this.#wasConnected) timer ??= setTimeout(onTimeout, CONNECT_TIMEOUT);
      this.#options.onStateChange(state);
    });
    transport.on('connect', ({ dtlsParameters }, callback) => {
      this.#options.request('connectTransport', { transportId: transport.id, dtlsParameters }).catch((error) => {
        // The server has closed it together with the right that it was opened for, or the session has ended.
        if (!transport.closed && WeirError.from(error).code !== 'closed') this.#options.onRefused();
      });
      callback();
    });
  }
}

/** The TURN servers among these: the media ports have addresses that browsers reach, so that no STUN server is needed. */
export function turnServers(servers: readonly IceServer[]) {
  return servers.flatMap(({ urls, username, credential }) => {
    const relays = urls.filter((url) => /^turns?:/i.test(url));
    if (relays.length === 0 || username === undefined || credential === undefined) return [];
    return [{ urls: relays, username, credential }];
  });
}

const triedPaths = ['udp', 'tcp', 'turn-udp', 'turn-tcp', 'turn-tls'] as const;

/** How a TURN server is reached, by its URI (RFC 7065): over UDP unless it says otherwise. */
function relayPath(url: string): TriedPath {
  if (/^turns:/i.test(url)) return 'turn-tls';
  return /[?&]transport=tcp/i.test(url) ? 'turn-tcp' : 'turn-udp';
}

async function count(transport: Transport | undefined): Promise<TransportReport | undefined> {
  return transport && !transport.closed ? countTransport(await transport.getStats()) : undefined;
}
