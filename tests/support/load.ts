/** Worker load limits so high that they never apply, for servers that tests assemble themselves. */
import type { LoadLimits } from '../../server/media/WorkerPool.ts';
import type { ChatSettings } from '../../server/room/Chat.ts';

export const anyLoad: LoadLimits = { packets: 1_000_000, spillover: 10, rooms: 10, peers: 10 };
export const anyJoinQueue = { concurrency: 1000, length: 1000, timeout: 10_000 };
export const anyChat: ChatSettings = { history: 500, slowMode: 0, viewersMayWrite: true };
