/** What the publishers of local sources need of the call. */
import type { RoomClient, Source } from '../../client/index.ts';

export interface PublishContext {
  /** The client to publish with; undefined while the room is not joined. */
  client(): RoomClient | undefined;
  canPublish(source: Source): boolean;
  /** Runs an action and reports its error. @returns whether it failed for good */
  attempt(action: () => Promise<unknown>): Promise<boolean>;
  onChanged(): void;
}
