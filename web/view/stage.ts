/** Owns the tiles of a call and keeps them true to the room client. */
import type { RemotePeer, RoomClient, Source } from '../client/index.ts';
import { announce, element } from './dom.ts';
import { Tile } from './Tile.ts';

/** The stage of a call: one tile a person, one more for each screen. */
export function stageView(client: RoomClient, ownName: string): HTMLElement {
  const grid = element('div', { className: 'grid' });
  const sound = element('button', { type: 'button', className: 'sound', hidden: true }, 'Turn on sound');
  const refused = new Set<HTMLAudioElement>();
  sound.addEventListener('click', () => {
    sound.hidden = true;
    for (const audio of refused) void audio.play().catch(() => {});
    refused.clear();
  });
  const onSoundRefused = (audio: HTMLAudioElement) => {
    refused.add(audio);
    sound.hidden = false;
  };

  const own = new Tile({ name: `${ownName} (you)`, data: { own: '' }, kind: 'own' });
  grid.append(own.root);
  const tiles = new Map<string, Tile>();
  const screens = new Map<string, Tile>();

  const tileOf = (peer: RemotePeer, source: Source): Tile => {
    const isScreen = source === 'screen' || source === 'screenAudio';
    const known = (isScreen ? screens : tiles).get(peer.peerId);
    if (known) return known;
    const tile = isScreen
      ? new Tile({ name: `${peer.name}'s screen`, data: { screenOf: peer.peerId }, kind: 'screen', onSoundRefused })
      : new Tile({ name: peer.name, data: { peerId: peer.peerId }, kind: 'remote', onSoundRefused });
    (isScreen ? screens : tiles).set(peer.peerId, tile);
    if (isScreen) grid.prepend(tile.root);
    else grid.append(tile.root);
    return tile;
  };
  const dropScreen = (peerId: string) => {
    screens.get(peerId)?.remove();
    screens.delete(peerId);
  };
  const refresh = (peer: RemotePeer) => {
    const tile = tileOf(peer, 'camera');
    tile.setMuted(peer.sources.microphone !== 'live');
    tile.setPaused(peer.sources.camera === 'paused');
  };

  client.on('peerJoined', (peer) => {
    refresh(peer);
    announce(`${peer.name} is here`);
  });
  client.on('peerChanged', refresh);
  client.on('peerLeft', ({ peer }) => {
    tiles.get(peer.peerId)?.remove();
    tiles.delete(peer.peerId);
    dropScreen(peer.peerId);
    announce(`${peer.name} left`);
  });
  client.on('trackAdded', ({ peer, source, track }) => {
    const tile = tileOf(peer, source);
    if (track.kind === 'video') tile.showVideo(track);
    else tile.playAudio(track);
  });
  client.on('trackRemoved', ({ peer, source }) => {
    if (source === 'screen') dropScreen(peer.peerId);
    else if (source === 'camera') tileOf(peer, source).showVideo(undefined);
    else if (source === 'microphone') tileOf(peer, source).playAudio(undefined);
  });
  client.on('localChanged', (sources) => {
    own.showVideo(sources.camera ? client.localTrack('camera') : undefined);
    own.setMuted(sources.microphone !== 'live');
  });
  own.setMuted(true);
  return element('div', { className: 'stage' }, grid, sound);
}
