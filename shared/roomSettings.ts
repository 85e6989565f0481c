/** The settings of a room: chosen when it is opened, and changed while it is open. */
import { z } from 'zod';
import { text } from './media.ts';
import { MAX_METADATA } from './participants.ts';

/** The longest time that a room stays open without anybody in it, in seconds: a day. */
const MAX_TIMEOUT = 86_400;
/** The most participants that a room can be limited to. */
const MAX_PARTICIPANTS = 100_000;

const Timeout = z.int().min(0).max(MAX_TIMEOUT);

/** All settings of a room. */
export const RoomSettings = z
  .object({
    metadata: text(MAX_METADATA).describe('application data, for whoever asks the API'),
    locked: z.boolean().describe('nobody may join but administrators, and whoever is inside already'),
    waitingRoom: z.boolean().describe('whoever joins waits until an administrator lets them in'),
    maxParticipants: z
      .int()
      .min(0)
      .max(MAX_PARTICIPANTS)
      .describe('how many participants it may have; 0, or more than the limit of the server, for that limit'),
    emptyTimeout: Timeout.describe('how long it stays open before somebody has joined, in seconds'),
    departureTimeout: Timeout.describe('how long it stays open after everybody has left, in seconds'),
  })
  .meta({ id: 'RoomSettings' });
export type RoomSettings = Readonly<z.infer<typeof RoomSettings>>;

/** The settings that are changed; missing ones stay as they are. */
export const RoomSettingsPatch = RoomSettings.partial().strict().meta({ id: 'RoomSettingsPatch' });
/** A field of value undefined counts as missing. */
export type RoomSettingsPatch = Readonly<z.infer<typeof RoomSettingsPatch>>;

/** Of a room that a join opens: it closes when everybody has left. */
export const DEFAULT_ROOM_SETTINGS: RoomSettings = {
  metadata: '',
  locked: false,
  waitingRoom: false,
  maxParticipants: 0,
  emptyTimeout: 0,
  departureTimeout: 0,
};

/** `settings` with the fields that `patch` has. */
export function patchSettings(settings: RoomSettings, patch: RoomSettingsPatch): RoomSettings {
  const { metadata, locked, waitingRoom, maxParticipants, emptyTimeout, departureTimeout } = patch;
  return {
    metadata: metadata ?? settings.metadata,
    locked: locked ?? settings.locked,
    waitingRoom: waitingRoom ?? settings.waitingRoom,
    maxParticipants: maxParticipants ?? settings.maxParticipants,
    emptyTimeout: emptyTimeout ?? settings.emptyTimeout,
    departureTimeout: departureTimeout ?? settings.departureTimeout,
  };
}
