/** A program in the place of ffmpeg, for tests of what Weir starts and how it takes its end: it reads, and sends nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/**
 * @param then what its shell does instead of reading until its input ends
 * @param after when the folder that it is in is removed: after the test, or with `afterAll` after those of the block
 * @returns its path, and that folder
 */
export function standInFfmpeg(
  then = 'exec cat > /dev/null',
  after: (remove: () => void) => void = onTestFinished,
): { readonly path: string; readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'weir-ffmpeg-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'ffmpeg');
  writeFileSync(path, `#!/bin/sh\n[ "$1" = -version ] && exit 0\ncd '${folder}'\n${then}\n`, { mode: 0o755 });
  return { path, folder };
}
