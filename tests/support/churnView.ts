/** Compares the clients' views of a churning room with the server's state and with the model. */
import { Peer } from '../../server/room/Peer.ts';
import type { Room } from '../../server/room/Room.ts';
import type { Grants } from '../../shared/protocol.ts';
import type { Participant, Published, State } from './Participant.ts';
import { statesOf } from './RoomModel.ts';
import { consumersOn } from './routers.ts';

/** Maximum of audible speakers: low, so that audio slots begin and end while participants come and go. */
export const MAX_AUDIBLE_SPEAKERS = 2;
/** The highest camera layer in this test. */
export const TOP_LAYER = 2;
/** For a camera of 1280x720 in three layers, the layer that suffices for a tile of that width. */
const layerOfWidth = new Map([
  [160, 0],
  [640, 1],
  [1280, TOP_LAYER],
]);
export const everySource = ['camera', 'microphone', 'screen', 'screenAudio'] as const;

/** The room and the model that are compared. */
export interface ChurnState {
  readonly room: Room;
  /** All participants so far, and those that have not left. */
  readonly participants: readonly Participant[];
  readonly inside: readonly Participant[];
  /** The grants that an identity should have; undefined where requests raced. */
  grantsOf(identity: string): Grants | undefined;
}

export type ChurnView = ReturnType<typeof viewOf>;

/**
 * @param lingering whether consumers of hidden videos may still exist
 * @returns the clients' views, the server's state and the expected state, in one form
 */
export function viewOf(state: ChurnState, lingering: boolean) {
  return {
    told: state.inside.map((one) => clientView(state, one, lingering)),
    held: state.inside.map((one) => serverState(state, one)),
    expected: state.inside.map((one) => expectedState(state, one)),
  };
}

function clientView({ room, participants }: ChurnState, { identity, model, peerId }: Participant, lingering: boolean) {
  const { peers, consumers, slots, grants, watched } = model.state;
  const member = peerOf(room, peerId);
  const live = new Map(consumersOn(member?.transports.recv).map((consumer) => [consumer.id, consumer]));
  const own = participants.find((one) => one.peerId === peerId);
  const received = [...consumers].flatMap(([id, origin]) => {
    const consumer = live.get(id);
    if (!consumer) return `${origin} that has ended`;
    const [publisher = ''] = origin.split(':');
    if (lingering && consumer.paused && own?.widths.get(publisher) === 0 && consumer.kind === 'video') return [];
    const layer = consumer.kind === 'video' ? ` layer ${consumer.preferredLayers?.spatialLayer}` : '';
    return `${origin}${layer}${consumer.paused ? ' paused' : ''}`;
  });
  const untold = [...live.keys()].filter((id) => !consumers.has(id)).map(() => 'one that it was not told of');
  const ownStates = room.participant(peerId)?.info.sources ?? {};
  return {
    identity,
    peers,
    receives: [...received, ...untold].sort(),
    slots,
    grants,
    watched: ownStates.camera === undefined ? undefined : (watched.get('camera') ?? TOP_LAYER),
  };
}

/** The server's state. */
function serverState({ room }: ChurnState, { peerId }: Participant) {
  const own = peerOf(room, peerId);
  const peers = room.visiblePeers(own).map((peer): [string, string[]] => [peer.peerId, statesOf(peer.sources)]);
  return {
    peers: Object.fromEntries(peers.sort()),
    slots: room.slots,
    grants: own?.grants,
    watched: own?.producers.subscribedLayers.find(({ source }) => source === 'camera')?.maxSpatialLayer,
  };
}

/** The expected state, by everybody's requests; undefined where requests raced. */
function expectedState(state: ChurnState, self: Participant) {
  const { room } = state;
  const receives: string[] = [];
  const bySlots = room.slots.length > 0;
  for (const { peerId, sources } of room.visiblePeers(room.participant(self.peerId))) {
    const width = self.widths.get(peerId);
    const layer = width === undefined ? TOP_LAYER : layerOfWidth.get(width);
    if (sources.camera && layer !== undefined) receives.push(`${peerId}:camera layer ${layer}`);
    if (sources.microphone && !bySlots) receives.push(`${peerId}:microphone`);
  }
  // The last slot is for the holders of the other ones.
  if (bySlots)
    for (let slot = 0; slot <= MAX_AUDIBLE_SPEAKERS; slot += 1)
      receives.push(`slot ${slot}${slot === MAX_AUDIBLE_SPEAKERS ? ' paused' : ''}`);
  return {
    identity: self.identity,
    receives: receives.sort(),
    grants: state.grantsOf(self.identity),
    camera: self.published.camera.value,
    microphone: self.published.microphone.value,
  };
}

/** Minimum demanded layers of each camera, by peer id. */
export function minimumDemand(inside: readonly Participant[]): Map<string, number> {
  return new Map(
    inside.map(({ peerId }) => {
      const layers = inside.flatMap((viewer) => {
        if (viewer.peerId === peerId) return [];
        const width = viewer.widths.get(peerId);
        return width === undefined ? 0 : (layerOfWidth.get(width) ?? -1);
      });
      return [peerId, Math.max(-1, ...layers)];
    }),
  );
}

/** The server's state of a participant's source. */
export function stateOf(room: Room, { peerId }: Participant, source: Published): State {
  return room.participant(peerId)?.info.sources[source] ?? 'none';
}

function peerOf(room: Room, peerId: string): Peer | undefined {
  const participant = room.participant(peerId);
  return participant instanceof Peer ? participant : undefined;
}

/** The grants in this test's tokens. */
export function grantsOf(identity: string): Grants {
  return {
    canPublish: true,
    canPublishSources: [...everySource],
    canSubscribe: true,
    canPublishData: true,
    hidden: false,
    roomAdmin: identity === 'admin',
  };
}
