/** The methods of LiveKit's RoomService, each by the operation that does the same. */
import type { Message, MessageType } from '@bufbuild/protobuf';
import {
  CreateRoomRequest,
  DataPacket_Kind,
  DeleteRoomRequest,
  DeleteRoomResponse,
  ListParticipantsRequest,
  ListParticipantsResponse,
  ListRoomsRequest,
  ListRoomsResponse,
  MuteRoomTrackRequest,
  MuteRoomTrackResponse,
  RemoveParticipantResponse,
  RoomParticipantIdentity,
  SendDataRequest,
  SendDataResponse,
  UpdateParticipantRequest,
  UpdateRoomMetadataRequest,
  UpdateSubscriptionsRequest,
  UpdateSubscriptionsResponse,
} from '@livekit/protocol';
import { z } from 'zod';
import { MAX_DESTINATIONS } from '../../../shared/dataFrame.ts';
import { WeirError } from '../../../shared/errors.ts';
import { Id } from '../../../shared/protocol.ts';
import { validationSentence } from '../../../shared/validation.ts';
import { roomKey } from '../../common/roomKey.ts';
import type { Administrator } from '../AdminAccess.ts';
import type { Operations, ParticipantRef } from '../Operations.ts';
import { parseRoomKey } from '../roomKeys.ts';
import {
  DataMessage,
  NewRoom,
  ParticipantPatch,
  type RoomRef,
  RoomRef as RoomRefSchema,
  SubscriptionPatch,
} from '../schemas.ts';
import { toGrantsPatch, toLiveKitParticipant, toLiveKitRoom, toLiveKitTrack } from './livekit.ts';
import { TwirpError } from './TwirpError.ts';

/** Whom a data message is for. */
const Receivers = z.object({ identities: z.array(Id).max(MAX_DESTINATIONS), sids: z.array(Id).max(MAX_DESTINATIONS) });

export interface MethodContext {
  readonly operations: Operations;
  readonly administrator: Administrator;
}

/** The body of a request, in either form. */
export type MethodBody = { readonly json: string } | { readonly binary: Uint8Array };

type AnyMessage = { toJsonString(options: object): string; toBinary(): Uint8Array };

/** A method, whatever its messages are. @throws {WeirError}, {TwirpError} */
type Method = (context: MethodContext, body: MethodBody) => Promise<AnyMessage>;

export const roomService: ReadonlyMap<string, Method> = new Map([
  [
    'CreateRoom',
    method(CreateRoomRequest, async ({ operations, administrator }, request) => {
      administrator.assertMay({ grant: 'roomCreate' });
      const { room: name, kind } = roomOf(request.name);
      const { emptyTimeout, departureTimeout, maxParticipants, metadata } = request;
      // What is not set in a message is zero or empty: a setting that is not asked for.
      const settings = {
        ...(emptyTimeout > 0 && { emptyTimeout }),
        ...(departureTimeout > 0 && { departureTimeout }),
        ...(maxParticipants > 0 && { maxParticipants }),
        ...(metadata !== '' && { metadata }),
      };
      const { room, opened } = await operations.openRoom(parse(NewRoom, { name, kind, ...settings }));
      return toLiveKitRoom(opened ? room : await operations.updateRoom({ room: name, kind }, settings));
    }),
  ],
  [
    'ListRooms',
    method(ListRoomsRequest, async ({ operations, administrator }, { names }) => {
      administrator.assertMay({ grant: 'roomList' });
      const wanted = new Set(names.map((name) => keyOf(roomOf(name))));
      const rooms = operations.listRooms().map(toLiveKitRoom);
      return new ListRoomsResponse({ rooms: rooms.filter(({ name }) => wanted.size === 0 || wanted.has(name)) });
    }),
  ],
  [
    'DeleteRoom',
    method(DeleteRoomRequest, async ({ operations, administrator }, { room }) => {
      administrator.assertMay({ grant: 'roomCreate' });
      await operations.closeRoom(roomOf(room));
      return new DeleteRoomResponse();
    }),
  ],
  [
    'UpdateRoomMetadata',
    method(UpdateRoomMetadataRequest, async (context, { room, metadata }) => {
      const patch = parse(NewRoom.pick({ metadata: true }), { metadata });
      return toLiveKitRoom(await context.operations.updateRoom(administered(context, room), patch));
    }),
  ],
  [
    'ListParticipants',
    method(ListParticipantsRequest, async (context, { room }) => {
      const participants = await context.operations.listParticipants(administered(context, room));
      return new ListParticipantsResponse({ participants: participants.map(toLiveKitParticipant) });
    }),
  ],
  [
    'GetParticipant',
    method(RoomParticipantIdentity, async (context, request) =>
      toLiveKitParticipant(await context.operations.getParticipant(participantOf(context, request))),
    ),
  ],
  [
    'RemoveParticipant',
    method(RoomParticipantIdentity, async (context, request) => {
      await context.operations.removeParticipant(participantOf(context, request));
      return new RemoveParticipantResponse();
    }),
  ],
  [
    'UpdateParticipant',
    method(UpdateParticipantRequest, async (context, request) => {
      const ref = participantOf(context, request);
      const { metadata, name, permission, attributes } = request;
      if (Object.keys(attributes).length > 0) {
        throw new TwirpError('invalid_argument', 'Participants have no attributes here; use metadata.');
      }
      const patch = parse(ParticipantPatch, {
        ...(metadata !== '' && { metadata }),
        ...(name !== '' && { name }),
        ...(permission && { grants: toGrantsPatch(permission) }),
      });
      return toLiveKitParticipant(await context.operations.updateParticipant(ref, patch));
    }),
  ],
  [
    'MutePublishedTrack',
    method(MuteRoomTrackRequest, async (context, request) => {
      const ref = participantOf(context, request);
      if (!request.muted) {
        throw new TwirpError('failed_precondition', 'Nobody can be unmuted by others: ask the participant to do so.');
      }
      const track = await context.operations.muteTrack(ref, parse(Id, request.trackSid));
      return new MuteRoomTrackResponse({ track: toLiveKitTrack(track) });
    }),
  ],
  [
    'UpdateSubscriptions',
    method(UpdateSubscriptionsRequest, async (context, request) => {
      const ref = participantOf(context, request);
      const { trackSids, participantTracks, subscribe: subscribed } = request;
      const tracks = [...trackSids, ...participantTracks.flatMap((one) => one.trackSids)];
      await context.operations.updateSubscriptions(ref, parse(SubscriptionPatch, { tracks, subscribed }));
      return new UpdateSubscriptionsResponse();
    }),
  ],
  [
    'SendData',
    method(SendDataRequest, async (context, request) => {
      const ref = administered(context, request.room);
      const { data, kind, topic, destinationIdentities, destinationSids } = request;
      const channel = kind === DataPacket_Kind.LOSSY ? 'lossy' : 'reliable';
      const message = parse(DataMessage.omit({ data: true }), { topic, channel });
      // In a message of protobuf no list is an empty one: everybody is meant then.
      const isNamed = destinationIdentities.length + destinationSids.length > 0;
      const receivers = parse(Receivers, { identities: destinationIdentities, sids: destinationSids });
      await context.operations.sendData(ref, { ...message, data, ...(isNamed && receivers) });
      return new SendDataResponse();
    }),
  ],
]);

/** @throws {TwirpError} `malformed` */
function method<T extends Message<T>>(
  type: MessageType<T>,
  run: (context: MethodContext, request: T) => Promise<AnyMessage>,
): Method {
  return (context, body) => run(context, read(type, body));
}

function read<T extends Message<T>>(type: MessageType<T>, body: MethodBody): T {
  try {
    // As LiveKit does: programs of other versions may send fields that are unknown here.
    if ('json' in body) return type.fromJsonString(body.json, { ignoreUnknownFields: true });
    return type.fromBinary(body.binary);
  } catch {
    throw new TwirpError('malformed', `The body is not a message ${type.typeName}.`);
  }
}

/** @throws {WeirError} `badRequest` */
function parse<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new WeirError('badRequest', validationSentence(parsed.error, 'The request'));
  return parsed.data;
}

/** @throws {WeirError} `badRequest` if no room can have that name */
function roomOf(name: string): RoomRef {
  // For its sentence about what is wrong.
  return parseRoomKey(name) ?? parse(RoomRefSchema, { room: name });
}

function keyOf({ kind, room }: RoomRef): string {
  return roomKey(kind, room);
}

/** A room that the caller may administer. @throws {WeirError} `badRequest`, `forbidden`, `unauthorized` */
function administered({ administrator }: MethodContext, name: string): RoomRef {
  const room = roomOf(name);
  administrator.assertMay({ grant: 'roomAdmin', room });
  return room;
}

/** @throws {WeirError} as `administered` */
function participantOf(context: MethodContext, request: { room: string; identity: string }): ParticipantRef {
  return { ...administered(context, request.room), identity: parse(Id, request.identity) };
}
