/** Gateways need a room whose media goes through the server. */
import { WeirError } from '../../shared/errors.ts';
import type { Room } from '../room/Room.ts';

/** @throws {WeirError} `forbidden` for a room without it; it never gets any, so that trying again is of no use */
export function assertServerMedia({ policy }: Pick<Room, 'policy'>): void {
  if (policy !== 'p2p') return;
  throw new WeirError(
    'forbidden',
    'Browsers exchange media directly in this room (policy "p2p"): programs that send or receive streams need one whose media goes through the server.',
  );
}
