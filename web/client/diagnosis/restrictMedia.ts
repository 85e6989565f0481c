/** Media that takes one kind of network path only: the candidates of others are withheld from the browser. */
import type { IceServer, TransportInfo } from '../../../shared/media.ts';
import type { JoinReply } from '../../../shared/protocol.ts';
import type { LoadedMedia, MediaLinkOptions, MediaLoader } from '../MediaLink.ts';

type IceCandidate = TransportInfo['iceCandidates'][number];

export interface MediaRestriction {
  /** Which of the server's candidates the browser may try. */
  candidates(candidate: IceCandidate): boolean;
  /** Which URLs of STUN and TURN servers it may use. */
  iceServerUrls(url: string): boolean;
  readonly iceTransportPolicy?: RTCIceTransportPolicy;
  /** The candidates and ICE server URLs that are left, before media is set up with them. */
  onOffer?(offer: MediaOffer): void;
}

export interface MediaOffer {
  readonly candidates: readonly IceCandidate[];
  readonly iceServerUrls: readonly string[];
}

/** A loader whose links know only what the restriction permits. */
export function restrictMedia(loader: MediaLoader, restriction: MediaRestriction): MediaLoader {
  const createLink = (media: LoadedMedia, options: MediaLinkOptions) => {
    const { send, recv } = options.reply.transports;
    const reply = {
      ...options.reply,
      transports: {
        ...(send && { send: restricted(send, restriction) }),
        ...(recv && { recv: restricted(recv, restriction) }),
      },
      iceServers: permittedServers(options.reply, restriction),
    };
    restriction.onOffer?.({
      candidates: (reply.transports.send ?? reply.transports.recv)?.iceCandidates ?? [],
      iceServerUrls: reply.iceServers.flatMap(({ urls }) => urls),
    });
    // A link over TURN servers alone refuses to be made without any: here that is a result, which `onOffer` has told.
    const hasServers = reply.iceServers.length > 0;
    return media.createLink({
      ...options,
      reply,
      ...(hasServers && { iceTransportPolicy: restriction.iceTransportPolicy }),
    });
  };
  return {
    async load(welcome) {
      const media = await loader.load(welcome);
      return { ...media, createLink: (options) => createLink(media, options) };
    },
  };
}

function restricted(transport: TransportInfo, { candidates }: MediaRestriction): TransportInfo {
  return { ...transport, iceCandidates: transport.iceCandidates.filter(candidates) };
}

function permittedServers({ iceServers }: Pick<JoinReply, 'iceServers'>, restriction: MediaRestriction): IceServer[] {
  return iceServers
    .map((server) => ({ ...server, urls: server.urls.filter(restriction.iceServerUrls) }))
    .filter(({ urls }) => urls.length > 0);
}
