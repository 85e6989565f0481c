/** Makes the media link of a session, as the policy of its room asks for. */
import type { Source } from '../../shared/media.ts';
import type { JoinReply, Welcome } from '../../shared/protocol.ts';
import type { DirectLink, DirectLinkOptions, DirectLinks } from './DirectLink.ts';
import { LazyDirectLink } from './LazyDirectLink.ts';
import type { LoadedMedia, MediaLink } from './MediaLink.ts';
import type { RoomStore } from './RoomStore.ts';
import type { Signalling } from './Signalling.ts';

export interface CreateLinkOptions {
  readonly media: LoadedMedia;
  readonly reply: JoinReply;
  readonly welcome: Pick<Welcome, 'video'>;
  readonly signalling: Signalling;
  readonly iceTransportPolicy: RTCIceTransportPolicy | undefined;
  readonly store: Pick<RoomStore, 'peers' | 'grants' | 'isExpected'>;
  /** Loads direct media; undefined once the session has ended, or where there is none. */
  loadDirect(): Promise<DirectLinks | undefined>;
  /** A link with direct connections takes the place of the one before, which it owns. */
  onReplaced(link: MediaLink): void;
}

/** @returns the link, and that with direct connections, which becomes the link when it is needed first */
export function createLink(options: CreateLinkOptions): { link: Promise<MediaLink>; direct: LazyDirectLink } {
  const { media, reply, welcome, signalling, iceTransportPolicy, store, loadDirect, onReplaced } = options;
  const make = async (create: (links: DirectLinks, options: DirectLinkOptions) => DirectLink) => {
    const links = await loadDirect();
    if (!links) return undefined;
    return create(links, {
      peerId: reply.peerId,
      kind: reply.kind,
      video: welcome.video,
      request: signalling.request,
      iceTransportPolicy,
      received: store.peers.tracks,
      peerIds: () => store.peers.peers.map(({ peerId }) => peerId),
      maySendData: () => store.grants?.canPublishData !== false,
      isPublished: (peerId, source) => store.peers.get(peerId)?.sources[source] !== undefined,
      isExpected: (peerId, source) => store.isExpected(peerId, source),
    });
  };
  if (reply.policy === 'p2p') {
    const direct = new LazyDirectLink(() => make((links, one) => links.createP2pLink(one)));
    return { link: direct.require(), direct };
  }
  const direct = new LazyDirectLink(async () => {
    const link = await make((links, one) => links.createAutoLink(sfu, one));
    if (link) onReplaced(link);
    return link;
  });
  const isExpected = (peerId: string, source: Source) =>
    store.isExpected(peerId, source) && !direct.link?.receivesDirectly(peerId, source);
  const sfu = media.createLink({ reply, signalling, iceTransportPolicy, isExpected });
  return { link: Promise.resolve(sfu), direct };
}
