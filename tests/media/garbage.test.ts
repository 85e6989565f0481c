/** Tests that the media objects of a closed room are garbage collected. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { RoomRouters } from '../../server/media/RoomRouters.ts';
import { WorkerPool } from '../../server/media/WorkerPool.ts';
import { anyLoad } from '../support/load.ts';

let pool: WorkerPool;

beforeAll(async () => {
  pool = await WorkerPool.start({
    count: 1,
    listen: { ips: ['127.0.0.1'], announced: { addresses: ['127.0.0.1'] } },
    firstPort: 0,
    responseTimeout: 5000,
    limits: anyLoad,
    log: pino({ level: 'fatal' }),
  });
});
afterAll(() => pool.close());

/** Forces a garbage collection. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  if (typeof gc === 'function') gc();
}

/** The media of a room when its last member leaves: its transports are open when it closes. */
async function openAndClose(): Promise<WeakRef<object>[]> {
  const routers = await RoomRouters.open(pool);
  const { router } = await routers.place();
  const transports = [await router.createTransport(), await router.createTransport()];
  routers.close();
  expect(transports.every(({ closed }) => closed)).toBe(true);
  return [routers, router, router.router, ...transports].map((one) => new WeakRef<object>(one));
}

test("a closed room's routers and transports are garbage collected", async () => {
  const refs = (await Promise.all(Array.from({ length: 5 }, openAndClose))).flat();
  await vi.waitUntil(
    () => {
      collect();
      return refs.every((ref) => ref.deref() === undefined);
    },
    { timeout: 10_000, interval: 50 },
  );
});
