/** The floor program: compiles `floor.c` into the user's cache on first use, and runs it. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { hash, paths } from '../../setup/paths.mjs';

const execute = promisify(execFile);
const source = fileURLToPath(new URL('floor.c', import.meta.url));

/** The floor cannot be compiled or run here; the message says what is missing. */
export class FloorError extends Error {
  override readonly name = 'FloorError';
}

export interface FloorOptions {
  readonly receivers: number;
  /** Size of an RTP packet with its header, before encryption; 13 to 1400. */
  readonly bytes: number;
  /** Packets a second to each receiver; 180 is 30 frames of 6 packets. */
  readonly rate: number;
  readonly seconds: number;
}

const Result = z.object({
  cpu: z.number(),
  packets: z.int(),
  received: z.int(),
  failed: z.int(),
  late: z.int(),
  seconds: z.number(),
});

export interface FloorResult {
  /** Microseconds of CPU of the sender alone. */
  readonly cpu: number;
  /** Packets sent to all receivers together. */
  readonly packets: number;
  /** Packets that were read; fewer than sent means that the machine could not keep up. */
  readonly received: number;
  /** Sends that the kernel rejected. */
  readonly failed: number;
  /** Frames that began more than one frame late. */
  readonly late: number;
  /** Duration of the run. */
  readonly seconds: number;
}

/** @throws {FloorError} */
export async function runFloor({ receivers, bytes, rate, seconds }: FloorOptions): Promise<FloorResult> {
  const binary = await floorBinary();
  try {
    const { stdout } = await execute(binary, [receivers, bytes, rate, seconds].map(String));
    return Result.parse(JSON.parse(stdout));
  } catch (cause) {
    throw new FloorError(`The floor failed. ${complaint(cause)}`, { cause });
  }
}

/**
 * Compiles the program unless the cache has it; the file name contains a hash of its inputs.
 * @throws {FloorError}
 */
export async function floorBinary(cache = paths().cache, compiler = process.env.CC || 'cc'): Promise<string> {
  const binary = join(cache, `floor-${process.platform}-${arch()}-${hash(readFileSync(source)).slice(0, 12)}`);
  if (existsSync(binary)) return binary;
  mkdirSync(cache, { recursive: true });
  // Written atomically, since two processes may compile at the same time.
  const beside = `${binary}.${process.pid}`;
  try {
    await execute(compiler, ['-O2', '-Wall', '-Wextra', '-D_GNU_SOURCE', '-o', beside, source, '-lcrypto']);
  } catch (cause) {
    throw new FloorError(whyNotCompiled(compiler, cause), { cause });
  }
  renameSync(beside, binary);
  return binary;
}

/** Microseconds of CPU for one packet to one receiver. */
export function perPacket({ cpu, packets }: FloorResult): number {
  return cpu / packets;
}

function whyNotCompiled(compiler: string, cause: unknown): string {
  const said = complaint(cause);
  if (/ENOENT/.test(said)) {
    return `The floor is a C program, and there is no compiler "${compiler}" here. On Debian and Ubuntu: apt-get install gcc libc6-dev libssl-dev.`;
  }
  if (/openssl\/evp\.h|-lcrypto/.test(said)) {
    return 'The floor encrypts with OpenSSL, whose headers are missing here. On Debian and Ubuntu: apt-get install libssl-dev.';
  }
  return `The floor does not compile. ${said}`;
}

/** The error output of a failed program, or why it did not start. */
function complaint(error: unknown): string {
  const { stderr, message } = z.object({ stderr: z.string().default(''), message: z.string().default('') }).parse({
    ...(error instanceof Error && { message: error.message }),
    ...(error instanceof Error && 'stderr' in error && { stderr: error.stderr }),
  });
  return (stderr || message).trim();
}
