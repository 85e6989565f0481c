/** Describes the machine of a measurement, without which it cannot be compared with another. */
import { availableParallelism, cpus, release } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { lockedVersion, paths } from '../setup/paths.mjs';
import { workerBinary, workerOrigin } from '../setup/worker.mjs';

export const Machine = z.strictObject({
  cpu: z.string(),
  /** Cores available to this process. */
  cores: z.int(),
  kernel: z.string(),
  node: z.string(),
  mediasoup: z.string(),
  /** Origin of the media worker, as set-up names it. */
  worker: z.string(),
});
export type Machine = z.infer<typeof Machine>;

/** This machine. */
export function machineOf(at = paths()): Machine {
  const binary = workerBinary(at);
  return {
    cpu: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    kernel: release(),
    node: process.version,
    mediasoup: lockedVersion(join(at.root, 'package-lock.json'), 'mediasoup'),
    worker: binary ? workerOrigin(binary) : 'none',
  };
}
