/** What commands about a room need: its name, and the key and secret of the server on this machine. */
import { ConfigError } from '../../server/config/ConfigError.ts';
import { readConfig } from '../../server/config/readConfig.ts';
import { RoomName } from '../../shared/protocol.ts';
import { validationSentence } from '../../shared/validation.ts';
import { fail } from './commandLine.ts';

/** The room of `--room`; ends the script where it is none. */
export function readRoom(given: string | undefined, usage: string): string {
  const room = RoomName.safeParse(given);
  if (room.success) return room.data;
  return fail(`${given === undefined ? '--room is missing.' : validationSentence(room.error)}\n${usage}`);
}

/** Key and secret, undefined where they are not set; ends the script where the configuration is wrong. */
export function readKeys() {
  try {
    return readConfig(process.env).config.auth;
  } catch (error) {
    if (error instanceof ConfigError) fail(error.message);
    throw error;
  }
}
