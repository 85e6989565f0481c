/** Every endpoint of the REST API: its address, its schemas, the grant that it needs, and the operation that it is. */
import { z } from 'zod';
import { WeirError } from '../../../shared/errors.ts';
import { WaitingPeers } from '../../../shared/moderation.ts';
import { BroadcastInfo, Id, RoomName } from '../../../shared/participants.ts';
import { RoomSettingsPatch } from '../../../shared/roomSettings.ts';
import {
  ApiParticipant,
  ApiRoom,
  ApiRoomKind,
  ApiTrack,
  BroadcastPatch,
  DataMessage,
  NewRoom,
  ParticipantPatch,
  RoomRef,
  SubscriptionPatch,
  TrackPatch,
  WaitingDecision,
} from '../schemas.ts';
import { define, type Endpoint, NoBody } from './Endpoint.ts';

const ParticipantAddress = RoomRef.extend({ identity: Id });

export const endpoints: readonly Endpoint[] = [
  define({
    id: 'listRooms',
    summary: 'The rooms that are open.',
    method: 'GET',
    path: '/rooms',
    address: z.strictObject({
      kind: ApiRoomKind.optional(),
      name: z.array(RoomName).max(1000).optional(),
    }),
    grant: 'roomList',
    body: NoBody,
    reply: z.object({ rooms: z.array(ApiRoom) }),
    async run({ operations, address: { kind, name: names } }) {
      return { body: { rooms: operations.listRooms({ kind, names }) } };
    },
  }),
  define({
    id: 'createRoom',
    summary:
      'Opens a room before anybody joins it. It stays open without anybody for 300 s, and for 20 s after everybody has left, unless the body says otherwise. 409 if it is open.',
    method: 'POST',
    path: '/rooms',
    address: z.strictObject({}),
    grant: 'roomCreate',
    body: NewRoom,
    status: 201,
    reply: ApiRoom,
    async run({ operations, body }) {
      const { room, opened } = await operations.openRoom(body);
      if (!opened) throw new WeirError('conflict', 'This room is open already; PATCH changes its settings.');
      return { body: room, state: roomState(room), location: roomPath(room) };
    },
  }),
  define({
    id: 'getRoom',
    summary: 'One room that is open.',
    method: 'GET',
    path: '/rooms/:room',
    address: RoomRef,
    grant: 'roomAdmin',
    room: (address) => address,
    body: NoBody,
    reply: ApiRoom,
    async run({ operations, address }) {
      const room = await operations.getRoom(address);
      return { body: room, state: roomState(room) };
    },
  }),
  define({
    id: 'updateRoom',
    summary:
      'Changes settings of a room; missing ones stay as they are. Nobody has to leave for a lock or a lower limit.',
    method: 'PATCH',
    path: '/rooms/:room',
    address: RoomRef,
    grant: 'roomAdmin',
    room: (address) => address,
    body: RoomSettingsPatch,
    conditional: true,
    reply: ApiRoom,
    async run({ operations, address, body, assertMatch }) {
      const room = await operations.updateRoom(address, body, (current) => assertMatch(roomState(current)));
      return { body: room, state: roomState(room) };
    },
  }),
  define({
    id: 'closeRoom',
    summary:
      'Ends a room for everybody in it. For 30 s only administrators open it again, so that clients which come back by themselves do not.',
    method: 'DELETE',
    path: '/rooms/:room',
    address: RoomRef,
    grant: 'roomCreate',
    body: NoBody,
    status: 204,
    async run({ operations, address }) {
      await operations.closeRoom(address);
      return {};
    },
  }),
  define({
    id: 'updateBroadcast',
    summary: 'Takes a broadcast on air, ends it, or changes how it is played back.',
    method: 'PATCH',
    path: '/rooms/:room/broadcast',
    address: RoomRef.extend({ kind: ApiRoomKind.default('broadcast') }),
    grant: 'roomAdmin',
    room: (address) => address,
    body: BroadcastPatch,
    reply: BroadcastInfo,
    async run({ operations, address, body }) {
      return { body: await operations.updateBroadcast(address, body) };
    },
  }),
  define({
    id: 'listWaiting',
    summary: 'Who waits to be let in, where the room has a waiting room; who came first comes first.',
    method: 'GET',
    path: '/rooms/:room/waiting',
    address: RoomRef,
    grant: 'roomAdmin',
    room: (address) => address,
    body: NoBody,
    reply: WaitingPeers,
    async run({ operations, address }) {
      return { body: await operations.listWaiting(address) };
    },
  }),
  define({
    id: 'decideWaiting',
    summary: 'Lets somebody in who waits, or everybody, or turns them away.',
    method: 'PATCH',
    path: '/rooms/:room/waiting',
    address: RoomRef,
    grant: 'roomAdmin',
    room: (address) => address,
    body: WaitingDecision,
    reply: z.object({ count: z.int().describe('how many it was decided for') }),
    async run({ operations, address, body }) {
      return { body: { count: await operations.decideWaiting(address, body) } };
    },
  }),
  define({
    id: 'listParticipants',
    summary: 'Everybody in a room, also those who are hidden, in the order in which they joined.',
    method: 'GET',
    path: '/rooms/:room/participants',
    address: RoomRef,
    grant: 'roomAdmin',
    room: (address) => address,
    body: NoBody,
    reply: z.object({ participants: z.array(ApiParticipant) }),
    async run({ operations, address }) {
      return { body: { participants: await operations.listParticipants(address) } };
    },
  }),
  define({
    id: 'getParticipant',
    summary: 'One participant, with what it publishes.',
    method: 'GET',
    path: '/rooms/:room/participants/:identity',
    address: ParticipantAddress,
    grant: 'roomAdmin',
    room: (address) => address,
    body: NoBody,
    reply: ApiParticipant,
    async run({ operations, address }) {
      const participant = await operations.getParticipant(address);
      return { body: participant, state: participantState(participant) };
    },
  }),
  define({
    id: 'updateParticipant',
    summary:
      'Changes name, metadata and grants of a participant; missing ones stay as they are. Sources that it may no longer publish end. The grants also apply when it joins again with the same token.',
    method: 'PATCH',
    path: '/rooms/:room/participants/:identity',
    address: ParticipantAddress,
    grant: 'roomAdmin',
    room: (address) => address,
    body: ParticipantPatch,
    conditional: true,
    reply: ApiParticipant,
    async run({ operations, address, body, assertMatch }) {
      const check = (current: ApiParticipant) => assertMatch(participantState(current));
      const participant = await operations.updateParticipant(address, body, check);
      return { body: participant, state: participantState(participant) };
    },
  }),
  define({
    id: 'removeParticipant',
    summary: 'Removes a participant. Tokens that were issued before no longer open the room to it; later ones do.',
    method: 'DELETE',
    path: '/rooms/:room/participants/:identity',
    address: ParticipantAddress,
    grant: 'roomAdmin',
    room: (address) => address,
    body: NoBody,
    status: 204,
    async run({ operations, address }) {
      await operations.removeParticipant(address);
      return {};
    },
  }),
  define({
    id: 'muteTrack',
    summary:
      'Mutes a track at the server. Its publisher is notified, and may unmute it; nobody can be unmuted by others.',
    method: 'PATCH',
    path: '/rooms/:room/participants/:identity/tracks/:track',
    address: ParticipantAddress.extend({ track: Id }),
    grant: 'roomAdmin',
    room: (address) => address,
    body: TrackPatch,
    reply: ApiTrack,
    async run({ operations, address: { track, ...ref } }) {
      return { body: await operations.muteTrack(ref, track) };
    },
  }),
  define({
    id: 'updateSubscriptions',
    summary:
      'Decides whether a participant receives these tracks of others, until they end. 409 for microphones in a room that is so large that they share audio slots.',
    method: 'PATCH',
    path: '/rooms/:room/participants/:identity/subscriptions',
    address: ParticipantAddress,
    grant: 'roomAdmin',
    room: (address) => address,
    body: SubscriptionPatch,
    status: 204,
    async run({ operations, address, body }) {
      await operations.updateSubscriptions(address, body);
      return {};
    },
  }),
  define({
    id: 'sendData',
    summary: 'Sends a data message to everybody in a room, or to some. It comes from no participant.',
    method: 'POST',
    path: '/rooms/:room/data',
    address: RoomRef,
    grant: 'roomAdmin',
    room: (address) => address,
    body: DataMessage,
    reply: z.object({ receivers: z.int().describe('how many of those are there and may receive') }),
    async run({ operations, address, body }) {
      const data = Buffer.from(body.data, 'base64');
      return { body: { receivers: await operations.sendData(address, { ...body, data }) } };
    },
  }),
];

/** What of a room can be changed: its entity tag names that, so that whoever joins meanwhile does not fail an update. */
function roomState({ sid, settings }: ApiRoom): unknown {
  return { sid, settings };
}

/** As `roomState`. */
function participantState({ sid, name, metadata, grants }: ApiParticipant): unknown {
  return { sid, name, metadata, grants };
}

function roomPath({ name, kind }: ApiRoom): string {
  return `/rooms/${encodeURIComponent(name)}${kind === 'call' ? '' : `?kind=${kind}`}`;
}
