/** A minimal Debian 12 root file system, like debian:12-slim, on which test images are built; made once. */
import { execFile } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { textOf } from '../../scripts/setup/paths.mjs';

const execute = promisify(execFile);
/** Folders that slim images leave out. */
const unread = ['doc', 'info', 'locale', 'man'];

/** @returns a tar file of its root file system, cached */
export async function debian12(cache: string, say: (what: string) => void): Promise<string> {
  const file = join(cache, `debian12-slim-${process.arch}.tar`);
  if (existsSync(file)) return file;
  say('making a Debian 12 to build on, once');
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'debian12.partial-'));
  try {
    const base = join(work, 'root');
    const sources = await sourcesHere();
    const mirror = sources[0]?.split(' ')[1];
    await execute('debootstrap', ['--variant=minbase', 'bookworm', base, ...(mirror ? [mirror] : [])], {
      maxBuffer: 1 << 24,
    });
    if (sources.length > 0) writeFileSync(join(base, 'etc/apt/sources.list'), `${sources.join('\n')}\n`);
    for (const what of unread) {
      appendFileSync(join(base, 'etc/dpkg/dpkg.cfg.d/slim'), `path-exclude /usr/share/${what}/*\n`);
      empty(join(base, 'usr/share', what));
    }
    for (const directory of ['var/cache/apt', 'var/lib/apt/lists', 'var/log']) empty(join(base, directory));
    await execute('tar', ['-C', base, '-cf', join(work, 'root.tar'), '.']);
    renameSync(join(work, 'root.tar'), file);
    return file;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The machine's own package sources for Debian 12, with security updates; empty on another system. */
async function sourcesHere(): Promise<string[]> {
  if (!textOf('/etc/os-release')?.includes('VERSION_CODENAME=bookworm')) return [];
  const format = 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)';
  const { stdout } = await execute('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const lines = stdout.split('\n').filter((line) => /^deb \S+ bookworm(-updates|-security)? main$/.test(line));
  return lines.sort((a, b) => a.length - b.length);
}

function empty(directory: string): void {
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true, force: true });
}
