/** Installs packages from Debian's or Ubuntu's package archive. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { textOf } from './paths.mjs';
import { SetupError } from './steps.mjs';

/** @typedef {{ name: string, release: string, debian: boolean }} System */

/**
 * The system as /etc/os-release describes it.
 * @param {string} [text]
 * @returns {System}
 */
export function system(text = textOf('/etc/os-release') ?? '') {
  /** @param {string} key */
  const field = (key) => text.match(new RegExp(`^${key}=["']?(.*?)["']?$`, 'm'))?.[1] ?? '';
  const id = field('ID') || process.platform;
  return {
    name: field('PRETTY_NAME') || process.platform,
    release: `${id}${field('VERSION_ID')}`,
    debian: [id, ...field('ID_LIKE').split(' ')].some((like) => like === 'debian' || like === 'ubuntu'),
  };
}

/**
 * Those of the packages that are not installed.
 * @param {string[]} packages
 */
export function notInstalled(packages) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own placeholders
  const format = '-f=${db:Status-Status} ${Package}\n';
  const { stdout } = spawnSync('dpkg-query', ['-W', format, ...packages], {
    encoding: 'utf8',
  });
  const lines = new Set((stdout ?? '').split('\n'));
  return packages.filter((name) => !lines.has(`installed ${name}`));
}

/**
 * Installs missing packages; never prompts for a password.
 * @param {string[]} packages
 * @param {string} purpose what they are for, in a sentence: "to build the media worker"
 * @param {import('./steps.mjs').Tools} tools
 * @param {System} [on]
 */
export async function ensurePackages(packages, purpose, { run, report, log }, on = system()) {
  if (!on.debian) {
    throw new SetupError(
      `${packages.join(', ')} would be needed ${purpose}; Weir can install that on Debian and Ubuntu only.`,
    );
  }
  const missing = notInstalled(packages);
  if (missing.length === 0) return;
  const byHand = `Run \`sudo apt-get install ${missing.join(' ')}\`, then start again.`;
  const root = rootCommand();
  if (!root) {
    throw new SetupError(`Debian packages are needed ${purpose}, and only root may install them. ${byHand}`);
  }
  const [command, ...args] = [...root, ...options];
  /** @param {string[]} what */
  const apt = (...what) =>
    run(/** @type {string} */ (command), [...args, ...what], {
      gentle: true,
      line: (line) => {
        const [, verb, name] = line.match(/^(Get:|Unpacking|Setting up)\S* *(\S*)/) ?? [];
        if (verb) report(verb === 'Get:' ? 'downloading Debian packages' : `${verb.toLowerCase()} ${name}`);
      },
    });
  report(`installing ${missing.length} Debian packages`);
  if ((await apt('install', ...missing)) === 0) return;
  // The package lists are missing or too old. Some sources may fail: only those with our packages matter.
  report("reading the archive's package lists");
  await apt('update');
  if ((await apt('install', ...missing)) === 0) return;
  throw new SetupError(`Debian packages are needed ${purpose}, and apt-get could not install them. ${byHand}`, log);
}

/**
 * Unpacks packages into a folder without installing them, so that their services do not start.
 * @param {string[]} packages
 * @param {string} directory
 * @param {string} purpose as for `ensurePackages`
 * @param {import('./steps.mjs').Tools} tools
 * @param {System} [on]
 */
export async function unpackPackages(packages, directory, purpose, { run, report, log }, on = system()) {
  const names = packages.join(', ');
  if (!on.debian)
    throw new SetupError(`${names} would be needed ${purpose}; Weir can get that on Debian and Ubuntu only.`);
  const archives = mkdtempSync(join(tmpdir(), 'weir-packages-'));
  try {
    report(`downloading ${names}`);
    const download = () => run('apt-get', ['download', ...packages], { cwd: archives });
    if ((await download()) !== 0) {
      // The package lists are missing or too old.
      const [command, ...args] = [...(rootCommand() ?? []), ...options];
      if (command) await run(command, [...args, 'update'], { gentle: true });
      if ((await download()) !== 0) throw new SetupError(`${names}: needed ${purpose}, and not to be downloaded.`, log);
    }
    mkdirSync(directory, { recursive: true });
    for (const archive of readdirSync(archives)) {
      report(`unpacking ${archive}`);
      const code = await run('dpkg-deb', ['--extract', join(archives, archive), directory]);
      if (code !== 0) throw new SetupError(`${archive} could not be unpacked (dpkg-deb: ${code}).`, log);
    }
  } finally {
    rmSync(archives, { recursive: true, force: true });
  }
}

const options = [
  'apt-get',
  '--yes',
  '--no-install-recommends',
  ...[
    'DPkg::Lock::Timeout=300',
    'Acquire::Retries=1',
    'Acquire::http::Timeout=20',
    'Acquire::https::Timeout=20',
  ].flatMap((option) => ['-o', option]),
];

/** @returns {string[] | undefined} */
function rootCommand() {
  const quiet = ['env', 'DEBIAN_FRONTEND=noninteractive'];
  if (process.getuid?.() === 0) return quiet;
  return spawnSync('sudo', ['-n', 'true']).status === 0 ? ['sudo', '-n', ...quiet] : undefined;
}
