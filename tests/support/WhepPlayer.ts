/** A WHEP player that answers counter-offers over real ICE, DTLS and SRTP, and tells what it receives by MID and SSRC. */
import { RtpHeader } from 'werift';
import { answerTo, playerOffer } from '../../scripts/support/sdp/clientTexts.ts';
import { ClientTransport } from '../../server/ice/probe/ClientTransport.ts';
import { openUdpPath } from '../../server/ice/probe/UdpPath.ts';
import type { MediaKind } from '../../shared/media.ts';

const SDP = 'application/sdp';
/** The server's id of the header extension `sdes:mid`. */
const MID = 1;

export class WhepPlayer {
  /** Packets by SSRC, of each m-line; in the order of their first packets. */
  readonly packets: Readonly<Record<MediaKind, Map<number, number>>> = { audio: new Map(), video: new Map() };
  /** Packets whose m-line nobody can tell; those with which mediasoup probes for bandwidth do not count. */
  unknown = 0;
  readonly location: string;
  readonly #transport: ClientTransport;
  readonly #kinds: ReadonlyMap<string, MediaKind>;

  private constructor(transport: ClientTransport, location: string, kinds: ReadonlyMap<string, MediaKind>) {
    this.#transport = transport;
    this.location = location;
    this.#kinds = kinds;
  }

  /** @param endpoint the URL of the room */
  static async play(endpoint: URL): Promise<WhepPlayer> {
    let player: WhepPlayer | undefined;
    const transport = await ClientTransport.create({ onRtp: (packet) => player?.receive(packet) });
    try {
      const response = await send(endpoint, 'POST', playerOffer('firefox'));
      const offer = await response.text();
      if (response.status !== 406) throw new Error(`${response.status}: ${offer}`);
      const location = new URL(response.headers.get('location') ?? '', endpoint).href;
      player = new WhepPlayer(transport, location, kindsOf(offer));
      const [{ value = '' } = {}] = transport.dtlsParameters.fingerprints;
      const answer = answerTo(offer).replace(/^a=fingerprint:.*\r$/gm, `a=fingerprint:sha-256 ${value}\r`);
      const answered = await send(new URL(location), 'PATCH', answer);
      if (answered.status !== 204) throw new Error(`${answered.status}: ${await answered.text()}`);
      await player.#connect(offer);
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
    const { ssrc, extensions } = RtpHeader.deSerialize(packet);
    const mid = extensions.find(({ id }) => id === MID)?.payload.toString();
    const kind = mid === undefined ? undefined : this.#kinds.get(mid);
    if (kind) this.packets[kind].set(ssrc, (this.packets[kind].get(ssrc) ?? 0) + 1);
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

/** The kind of each m-line by its mid. */
function kindsOf(sdp: string): Map<string, MediaKind> {
  const sections = sdp.split(/^(?=m=)/m).slice(1);
  return new Map(
    sections.map((section) => [attribute(section, 'mid'), section.startsWith('m=audio') ? 'audio' : 'video'] as const),
  );
}
