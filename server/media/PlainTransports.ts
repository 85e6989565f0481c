/** Opens transports for plain RTP: each has UDP ports of its own, an even one for RTP and the next one for RTCP. */
import { randomInt } from 'node:crypto';
import type { PlainTransport, SrtpParameters, TransportListenInfo } from 'mediasoup/types';
import { WeirError } from '../../shared/errors.ts';
import { familyName, familyOf, isWildcard } from '../common/ipAddress.ts';
import type { MediaListen } from './MediaWorker.ts';
import type { RoomRouter } from './RoomRouter.ts';
import { isClosed, rethrowUnavailable } from './rethrowUnavailable.ts';

export interface PlainTransportsOptions {
  /** First and last port; undefined where there is no plain RTP with the network, but with processes of this machine. */
  readonly ports: readonly [number, number] | undefined;
  readonly listen: MediaListen;
}

export interface OpenPlainOptions {
  /** RTP and RTCP share one port (RFC 5761). */
  readonly rtcpMux: boolean;
  /** The other end is a process of this machine: any port of loopback. */
  readonly local?: boolean;
  /** What the other end encrypts with. */
  readonly srtp?: SrtpParameters | undefined;
  /** Where the other end receives. By default it is where the first packet comes from. */
  readonly remote?: { readonly ip: string; readonly port: number; readonly rtcpPort: number } | undefined;
}

/** A transport, and where the other end reaches it. */
export interface OpenedPlain {
  readonly transport: PlainTransport;
  /** IP address that the other end is told. */
  readonly address: string;
  readonly port: number;
  /** The same as `port` where both share it. */
  readonly rtcpPort: number;
  /** What the server encrypts with; undefined without SRTP. */
  readonly srtp: SrtpParameters | undefined;
}

/** How often another pair of ports is tried when one is taken by another program. */
const TRIES = 20;
const LOOPBACK = '127.0.0.1';

export class PlainTransports {
  readonly #options: PlainTransportsOptions;
  /** The even ports of pairs in use, or found taken by others while a transport is opened. */
  readonly #used = new Set<number>();
  /** When a pair was last in use (`performance.now()`), by its even port. */
  readonly #freedAt = new Map<number, number>();

  constructor(options: PlainTransportsOptions) {
    this.#options = options;
  }

  /** @throws {WeirError} `unavailable` when no port is left or the worker fails, `forbidden` where there is no plain RTP, `unsupported`, `closed` */
  async open(router: RoomRouter, options: OpenPlainOptions): Promise<OpenedPlain> {
    const opened = options.local ? await this.#openLocal(router, options) : await this.#openPublic(router, options);
    const { srtp, remote } = options;
    try {
      if (srtp || remote) {
        const target = remote && (options.rtcpMux ? { ip: remote.ip, port: remote.port } : remote);
        await rethrowUnavailable(opened.transport.connect({ ...target, ...(srtp && { srtpParameters: srtp }) }));
      }
      if (opened.transport.closed) throw new WeirError('closed');
      return opened;
    } catch (error) {
      opened.transport.close();
      throw error;
    }
  }

  async #openLocal(router: RoomRouter, options: OpenPlainOptions): Promise<OpenedPlain> {
    const listenInfo: TransportListenInfo = { protocol: 'udp', ip: LOOPBACK };
    const transport = await rethrowUnavailable(router.createPlainTransport({ ...settings(options), listenInfo }));
    return describe(transport, LOOPBACK);
  }

  async #openPublic(router: RoomRouter, options: OpenPlainOptions): Promise<OpenedPlain> {
    const { ip, address } = this.#address(options.remote?.ip);
    const taken: number[] = [];
    try {
      for (let tries = TRIES; ; tries -= 1) {
        const port = this.#take();
        try {
          const transport = await router.createPlainTransport({
            ...settings(options),
            listenInfo: listenOn(ip, port),
            ...(!options.rtcpMux && { rtcpListenInfo: listenOn(ip, port + 1) }),
          });
          transport.observer.once('close', () => {
            this.#used.delete(port);
            this.#freedAt.set(port, performance.now());
          });
          return describe(transport, address);
        } catch (error) {
          taken.push(port);
          if (tries > 1 && isTaken(error)) continue;
          if (isTaken(error)) throw new WeirError('unavailable', 'Other programs use the ports of WEIR_RTP_PORTS.');
          if (isClosed(error)) throw new WeirError('closed');
          throw new WeirError('unavailable', undefined, { cause: error });
        }
      }
    } finally {
      for (const port of taken) this.#used.delete(port);
    }
  }

  /**
   * The first announced address, of the family of `remote` if there is one, and the listening one that receives what is sent to it.
   * @throws {WeirError} `unsupported`
   */
  #address(remote?: string): { ip: string; address: string } {
    const { ips, announced } = this.#options.listen;
    const suitable = announced.addresses.filter((one) => !remote || familyOf(one) === familyOf(remote));
    const [address = LOOPBACK] = suitable;
    if (remote && familyOf(address) !== familyOf(remote)) {
      throw new WeirError('unsupported', `This server has no ${familyName(remote)} address for media.`);
    }
    const sameFamily = ips.filter((ip) => familyOf(ip) === familyOf(address));
    const ip = sameFamily.find((one) => one === address) ?? sameFamily.find(isWildcard) ?? sameFamily[0] ?? LOOPBACK;
    return { ip, address };
  }

  /**
   * The free pair that has not been used for longest: an encoder that still sends to a former session must not become the sender of
   * the next one.
   * @throws {WeirError} `unavailable`, `forbidden`
   */
  #take(): number {
    const { ports } = this.#options;
    if (!ports) throw new WeirError('forbidden', 'Plain RTP is off at this server: see WEIR_RTP_PORTS.');
    const first = ports[0] + (ports[0] % 2);
    const pairs = Math.floor((ports[1] - first + 1) / 2);
    const start = pairs > 0 ? randomInt(pairs) : 0;
    let best: number | undefined;
    let bestFreedAt = Number.POSITIVE_INFINITY;
    for (let index = 0; index < pairs; index += 1) {
      const port = first + 2 * ((start + index) % pairs);
      const freedAt = this.#freedAt.get(port) ?? 0;
      if (this.#used.has(port) || freedAt >= bestFreedAt) continue;
      [best, bestFreedAt] = [port, freedAt];
    }
    if (best !== undefined) {
      this.#used.add(best);
      return best;
    }
    throw new WeirError('unavailable', 'All ports for plain RTP are in use: see WEIR_RTP_PORTS.');
  }
}

function settings({ rtcpMux, srtp, remote }: OpenPlainOptions) {
  return {
    rtcpMux,
    comedia: remote === undefined,
    ...(srtp && { enableSrtp: true, srtpCryptoSuite: srtp.cryptoSuite }),
  };
}

function listenOn(ip: string, port: number): TransportListenInfo {
  return { protocol: 'udp', ip, port, flags: { ipv6Only: true } };
}

function describe(transport: PlainTransport, address: string): OpenedPlain {
  const port = transport.tuple.localPort;
  const { srtpParameters: srtp } = transport;
  return { transport, address, port, rtcpPort: transport.rtcpTuple?.localPort ?? port, srtp };
}

/** Whether the media worker reports that it cannot bind because of another program. */
function isTaken(error: unknown): boolean {
  return error instanceof Error && /address already in use/i.test(error.message);
}
