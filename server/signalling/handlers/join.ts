/** The request `join`: admits a client, opens its transports, and puts its peer into the room. */
import { WeirError } from '../../../shared/errors.ts';
import { shortDisplayName } from '../../../shared/names.ts';
import type { ClientMessages, Grants, JoinReply } from '../../../shared/protocol.ts';
import type { RequestData } from '../../../shared/RpcChannel.ts';
import type { Admission } from '../../auth/AccessControl.ts';
import type { Credentials } from '../../auth/Authenticator.ts';
import { diagnosisAdmission } from '../../auth/diagnosisAdmission.ts';
import { roomKey } from '../../common/roomKey.ts';
import { KEY_FRAME_REQUEST_DELAY } from '../../media/options.ts';
import type { Visitor } from '../../room/moderation/WaitingRoom.ts';
import { Peer } from '../../room/Peer.ts';
import type { Room } from '../../room/Room.ts';
import type { RoomManager } from '../../room/RoomManager.ts';
import type { ClientConnection } from '../ClientConnection.ts';
import { broadcastSnapshotFor, directSnapshotFor, moderationSnapshotFor, type PeerSession } from '../PeerSession.ts';

type JoinRequest = RequestData<ClientMessages, 'join'>;

/** In a room without a server for media. */
const NO_TRANSPORTS = { send: false, recv: false };

/** The display name where nobody gives one and no character of the identity is visible. */
const DEFAULT_NAME = 'Guest';

/**
 * @returns a snapshot of the room, in one piece: no event is sent before it, and those that follow it continue it
 * @throws {WeirError} `unauthorized`, `forbidden`, `roomFull`, `busy`, `unavailable`, `timeout`, `closed`
 */
export async function join(connection: ClientConnection, request: JoinRequest): Promise<JoinReply> {
  const { rooms, access, iceServers, diagnosisLimits } = connection.server;
  const isDiagnosis = request.kind === 'diagnosis';
  connection.bindLog({ room: roomKey(request.kind ?? 'call', request.room) });
  using _place = isDiagnosis ? diagnosisLimits.acquire(request.room, connection.address) : undefined;
  const admission = isDiagnosis ? diagnosisAdmission() : await access.admit(request);
  const { kind, identity } = admission.credentials;
  connection.bindLog({ room: roomKey(kind, request.room), identity });
  using _paused = connection.pauseJoinTimeout();
  const { signal } = connection;
  const policy = admission.credentials.policy ?? connection.server.config.roomPolicy;
  const isAdmin = admission.grants.roomAdmin;
  const isViewer = kind === 'broadcast' && admission.grants.hidden;
  const visitor = isDiagnosis ? undefined : visitorOf(connection, admission, request);
  using seat = await rooms.reserve(request.room, identity, kind, { signal, policy, isAdmin, isViewer, visitor });
  // Whoever has waited may have been removed meanwhile, and may have other grants.
  admission.assertNotRevoked();
  const { room } = seat;
  assertMayGoDirect(room, request, admission.grants);
  const session = await openSession(connection, room, admission, request);
  const { peer } = session;
  try {
    const opened = await peer.openTransports(room.policy === 'p2p' ? NO_TRANSPORTS : request.transports);
    // An administrator may have decided otherwise meanwhile.
    admission.assertNotRevoked();
    peer.setGrants(admission.grants);
    session.attach(connection);
    await room.join(peer, { subscriber: peer, sink: peer, data: peer.data });
    if (peer.closed) throw new WeirError('closed');
    // Nothing is awaited from here to the reply, so that it is one snapshot.
    session.joinReplySent();
    notifyDraining(session, rooms);
    if (request.direct && request.policy !== 'sfu') room.direct?.add(peer);
    const { send, recv } = peer.transports;
    return {
      peerId: peer.id,
      identity,
      name: peer.info.name,
      grants: peer.grants,
      resumeKey: session.key,
      peers: room.visiblePeers(peer),
      transports: { ...(send && { send: opened.send }), ...(recv && { recv: opened.recv }) },
      iceServers: isDiagnosis ? diagnosisLimits.iceServers(iceServers, connection.address) : iceServers.for(identity),
      consumers: peer.start(),
      unsupportedCodecs: peer.unsupportedCodecs,
      slots: room.slots,
      kind,
      policy: room.policy,
      ...directSnapshotFor(peer, room),
      chat: room.chat.infoFor(peer),
      ...moderationSnapshotFor(peer, room),
      ...broadcastSnapshotFor(peer, room),
    };
  } catch (error) {
    peer.close('left');
    throw error;
  }
}

/**
 * Without a server for media, everyone has to exchange it directly with everyone else: nobody can be hidden from them, nor
 * be kept from receiving.
 * @throws {WeirError} `unsupported`, `conflict`, `forbidden`
 */
function assertMayGoDirect({ policy }: Room, request: JoinRequest, { hidden, canSubscribe }: Grants): void {
  if (policy !== 'p2p') return;
  if (request.policy === 'sfu') {
    throw new WeirError('conflict', 'Media goes directly in this room, which shows your address to the others.');
  }
  if (!request.direct) {
    throw new WeirError('unsupported', 'Media goes directly in this room, which this client cannot do.');
  }
  if (hidden || !canSubscribe) {
    throw new WeirError('forbidden', 'Media goes directly in this room: nobody can be hidden, or only send.');
  }
}

/** Somebody who may have to wait until they are let in. */
function visitorOf(connection: ClientConnection, { credentials }: Admission, { name }: JoinRequest): Visitor {
  let hasLeft = false;
  connection.onEnd((reason) => {
    hasLeft = reason === 'left';
  });
  return {
    identity: credentials.identity,
    name: displayNameOf(credentials, name).text,
    notify: (state) => connection.notify('waiting', state),
    mayReturn: () => !hasLeft,
  };
}

/** Makes the peer and its session. Both end with the connection until it is attached. @throws {WeirError} `closed` */
async function openSession(
  connection: ClientConnection,
  room: Room,
  admission: Admission,
  { name, rtpCapabilities, initialVideoLimit = Number.POSITIVE_INFINITY }: JoinRequest,
): Promise<PeerSession> {
  const { server, signal } = connection;
  const { credentials, grants } = admission;
  const placement = await room.place(grants);
  if (signal.aborted) {
    placement[Symbol.dispose]();
    throw new WeirError('closed');
  }
  const peer: Peer = new Peer({
    identity: credentials.identity,
    name: displayNameOf(credentials, name),
    metadata: credentials.metadata,
    grants,
    policy: room.policy,
    rtpCapabilities,
    routers: room.routers,
    placement,
    batchTimer: room.batchTimer,
    initialVideoLimit,
    consumerLinger: room.delays.consumerLinger,
    layerLinger: room.delays.layerLinger,
    keyFrameRequestDelay: KEY_FRAME_REQUEST_DELAY[room.kind],
    maxIncomingBitrate: server.config.maxIncomingBitrate,
    dataLimits: server.config,
    send: (event, data) => session.notify(event, data),
  });
  const session = server.sessions.open({
    peer,
    room,
    authenticated: credentials.token !== undefined,
    tokens: {
      sign: (current) => admission.refreshToken(current),
      onError: (error) => connection.log.error({ err: error }, 'token refresh failed'),
    },
  });
  connection.onEnd((reason) => session.attachedOnce || peer.close(reason));
  return session;
}

/** The token's name cannot be changed by its bearer. */
function displayNameOf({ name, identity }: Credentials, requested: string | undefined) {
  const text = name ?? requested ?? (shortDisplayName(identity) || DEFAULT_NAME);
  return { text, fixed: name !== undefined };
}

/** Tells a client that joins or resumes while the server drains how long it may stay, after the reply. */
export function notifyDraining(session: PeerSession, { secondsLeft: seconds }: RoomManager): void {
  if (seconds !== undefined) setImmediate(() => session.notify('draining', { seconds }));
}
