/** A program in the place of ffmpeg, for tests of what Weir starts and how it takes its end: it reads, and sends nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/**
 * @param then what its shell does instead of reading until its input ends
 * @returns its path, and the folder that it is in, which is removed after the test
 */
export function standInFfmpeg(then = 'exec cat > /dev/null'): { readonly path: string; readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'weir-ffmpeg-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'ffmpeg');
  writeFileSync(path, `#!/bin/sh\n[ "$1" = -version ] && exit 0\ncd '${folder}'\n${then}\n`, { mode: 0o755 });
  return { path, folder };
}
