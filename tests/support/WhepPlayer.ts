/** A WHEP player over real ICE, DTLS and SRTP, which tells what it receives by MID and SSRC. */
import { RtpHeader } from 'werift';
import { answerTo, playerOffer, withSecondVideo } from '../../scripts/support/sdp/clientTexts.ts';
import { ClientTransport } from '../../server/ice/probe/ClientTransport.ts';
import { openUdpPath } from '../../server/ice/probe/UdpPath.ts';
import type { MediaKind } from '../../shared/media.ts';

const SDP = 'application/sdp';

/** One m-line of the server. */
interface Line {
  readonly kind: MediaKind;
  readonly payloadTypes: readonly number[];
}

export class WhepPlayer {
  /** Packets by SSRC, of each m-line; in the order of their first packets. */
  readonly packets: Readonly<Record<MediaKind, Map<number, number>>> = { audio: new Map(), video: new Map() };
  /** Packets whose m-line nobody can tell, or with a payload type that it does not have; those with which mediasoup probes for bandwidth do not count. */
  unknown = 0;
  readonly location: string;
  readonly #transport: ClientTransport;
  /** By their mid. */
  readonly #lines: ReadonlyMap<string, Line>;
  /** The id of the header extension `sdes:mid`. */
  readonly #midId: number;

  /** @param sdp of the server */
  private constructor(transport: ClientTransport, location: string, sdp: string) {
    this.#transport = transport;
    this.location = location;
    this.#lines = linesOf(sdp);
    this.#midId = Number(/^a=extmap:(\d+) urn:ietf:params:rtp-hdrext:sdes:mid\r$/m.exec(sdp)?.[1]);
  }

  /**
   * @param endpoint the URL of the room
   * @param status of the response to its offer: 201 for an answer, 406 for a counter-offer, which a player gets that offers two
   *   videos
   */
  static async play(endpoint: URL, status: 201 | 406 = 201): Promise<WhepPlayer> {
    let player: WhepPlayer | undefined;
    const transport = await ClientTransport.create({ onRtp: (packet) => player?.receive(packet) });
    try {
      const [{ value = '' } = {}] = transport.dtlsParameters.fingerprints;
      const own = (sdp: string) => sdp.replace(/^a=fingerprint:.*\r$/gm, `a=fingerprint:sha-256 ${value}\r`);
      const offer = playerOffer('firefox');
      const response = await send(endpoint, 'POST', own(status === 201 ? offer : withSecondVideo(offer)));
      const sdp = await response.text();
      if (response.status !== status) throw new Error(`${response.status}: ${sdp}`);
      const location = new URL(response.headers.get('location') ?? '', endpoint).href;
      player = new WhepPlayer(transport, location, sdp);
      if (status === 406) {
        const answered = await send(new URL(location), 'PATCH', own(answerTo(sdp)));
        if (answered.status !== 204) throw new Error(`${answered.status}: ${await answered.text()}`);
      }
      await player.#connect(sdp);
      return player;
    } catch (error) {
      transport.close();
      throw error;
    }
  }

  /** The SSRC of the latest stream of an m-line. */
  latest(kind: MediaKind): number | undefined {
    return [...this.packets[kind].keys()].at(-1);
  }

  count(kind: MediaKind): number {
    return [...this.packets[kind].values()].reduce((sum, packets) => sum + packets, 0);
  }

  receive(packet: Buffer): void {
    const { ssrc, payloadType, extensions } = RtpHeader.deSerialize(packet);
    const mid = extensions.find(({ id }) => id === this.#midId)?.payload.toString();
    const { kind, payloadTypes } = this.#lines.get(mid ?? '') ?? {};
    if (kind && payloadTypes?.includes(payloadType))
      this.packets[kind].set(ssrc, (this.packets[kind].get(ssrc) ?? 0) + 1);
    else if (mid !== 'probator') this.unknown += 1;
  }

  close(): void {
    this.#transport.close();
  }

  async #connect(offer: string): Promise<void> {
    const [, address = '', port = ''] = /^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) /m.exec(offer) ?? [];
    const remote = { address, port: Number(port) };
    const iceParameters = {
      usernameFragment: attribute(offer, 'ice-ufrag'),
      password: attribute(offer, 'ice-pwd'),
      iceLite: true,
    };
    await this.#transport.check(iceParameters, (events) => openUdpPath(remote, events));
    const value = attribute(offer, 'fingerprint').replace('sha-256 ', '');
    await this.#transport.shakeHands({ role: 'server', fingerprints: [{ algorithm: 'sha-256', value }] });
  }
}

function send(url: URL, method: string, body: string): Promise<Response> {
  return fetch(url, { method, body, headers: { 'content-type': SDP } });
}

function attribute(sdp: string, name: string): string {
  return new RegExp(`^a=${name}:(.*)\r$`, 'm').exec(sdp)?.[1] ?? '';
}

/** The m-lines by their mid. */
function linesOf(sdp: string): Map<string, Line> {
  const sections = sdp.split(/^(?=m=)/m).slice(1);
  return new Map(
    sections.map((section) => {
      const [, kind, formats = ''] = /^m=(\w+) \d+ \S+ (.*)\r$/m.exec(section) ?? [];
      const line: Line = { kind: kind === 'audio' ? 'audio' : 'video', payloadTypes: formats.split(' ').map(Number) };
      return [attribute(section, 'mid'), line] as const;
    }),
  );
}
