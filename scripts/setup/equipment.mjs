/** Programs that tests need in addition to Weir, and how they are installed. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ensurePackages, system, unpackPackages } from './apt.mjs';
import { SetupError } from './steps.mjs';

/** Builds images and runs containers. @type {Equipment[]} */
export const containers = [
  { name: 'buildah', file: '/usr/bin/buildah', packages: ['buildah'] },
  { name: 'podman', file: '/usr/bin/podman', packages: ['podman'] },
  { name: 'runc', file: '/usr/sbin/runc', packages: ['runc'] },
  { name: 'netavark', file: '/usr/lib/podman/netavark', packages: ['netavark', 'iptables'] },
  { name: 'debootstrap', file: '/usr/sbin/debootstrap', packages: ['debootstrap'] },
];

/** Reverse proxies in front of Weir. @type {Equipment[]} */
export const proxies = [
  {
    name: 'nginx',
    file: 'nginx/usr/sbin/nginx',
    packages: ['libcrypt1', 'libpcre2-8-0', 'libssl3', 'zlib1g'],
    unpacked: ['nginx'],
  },
  { name: 'caddy', file: 'caddy/usr/bin/caddy', packages: [], unpacked: ['caddy'] },
];

/** The TURN server. @type {Equipment} */
export const coturn = {
  name: 'coturn',
  file: 'coturn/usr/bin/turnserver',
  packages: [
    ...['libevent-core-2.1-7', 'libevent-extra-2.1-7', 'libevent-openssl-2.1-7', 'libevent-pthreads-2.1-7'],
    ...['libhiredis0.14', 'libmariadb3', 'libpq5', 'libsqlite3-0', 'libssl3', 'libsystemd0', 'openssl'],
  ],
  unpacked: ['coturn'],
};

/** Prometheus with promtool. @type {Equipment} */
export const prometheus = {
  name: 'prometheus',
  file: 'prometheus/usr/bin/prometheus',
  packages: [],
  unpacked: ['prometheus'],
};

/** What reads the files of docker/ and deploy/ in tests, as it does where they are used. @type {Equipment[]} */
export const deployment = [
  { name: 'docker-compose', file: '/usr/bin/docker-compose', packages: ['docker-compose'] },
  { name: 'systemd', file: '/usr/bin/systemd-analyze', packages: ['systemd'] },
];

/** Libraries of the Python examples. @type {Equipment[]} */
export const pythonLibraries = [
  { name: 'aiortc', file: '/usr/lib/python3/dist-packages/aiortc/__init__.py', packages: ['python3-aiortc'] },
  {
    name: 'websockets',
    file: '/usr/lib/python3/dist-packages/websockets/__init__.py',
    packages: ['python3-websockets'],
  },
];

const triple = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';

/** GStreamer with WebRTC, and its bindings for Python. @type {Equipment} */
export const gstreamer = {
  name: 'gstreamer',
  file: `/usr/lib/${triple}/gstreamer-1.0/libgstnice.so`,
  packages: [
    ...['gir1.2-gst-plugins-bad-1.0', 'gstreamer1.0-nice', 'gstreamer1.0-plugins-bad', 'gstreamer1.0-plugins-good'],
    ...['gir1.2-gst-plugins-base-1.0', 'gstreamer1.0-plugins-base', 'python3-gi'],
  ],
};

/**
 * Programs that `npm test` needs. `name` is what tests find in WEIR_TEST_SKIP where the program could not be installed.
 * `unpacked` lists packages whose services would start system-wide if they were installed: they are unpacked into the
 * user's cache instead, and `file` is relative to it.
 * @typedef {{ name: string, file: string, packages: string[], unpacked?: string[] }} Equipment
 * @type {Equipment[]}
 */
export const browsersAndNetworks = [
  { name: 'chromium', file: '/usr/bin/chromium', packages: ['chromium'] },
  { name: 'firefox', file: '/usr/bin/firefox-esr', packages: ['firefox-esr'] },
  { name: 'pulseaudio', file: '/usr/bin/pulseaudio', packages: ['pulseaudio', 'pulseaudio-utils'] },
  { name: 'ffmpeg', file: '/usr/bin/ffmpeg', packages: ['ffmpeg'] },
  { name: 'tcpdump', file: '/usr/bin/tcpdump', packages: ['tcpdump'] },
  { name: 'iproute2', file: '/sbin/ip', packages: ['iproute2'] },
  { name: 'iptables', file: '/usr/sbin/iptables', packages: ['iptables'] },
  { name: 'python3', file: '/usr/bin/python3', packages: ['python3-minimal'] },
  ...pythonLibraries,
  gstreamer,
  ...proxies,
  ...deployment,
  coturn,
  prometheus,
];

/** What all tests need. @type {Equipment[]} */
export const equipment = [...browsersAndNetworks, ...containers];

/** Encodes the media of load tests. @type {Equipment} */
export const encoder = { name: 'ffmpeg', file: '/usr/bin/ffmpeg', packages: ['ffmpeg'] };

/** Needed by benchmarks in addition: a compiler for the floor program, networks, and a TURN server. @type {Equipment[]} */
export const laboratory = [
  encoder,
  { name: 'chromium', file: '/usr/bin/chromium', packages: ['chromium'] },
  { name: 'compiler', file: '/usr/include/openssl/evp.h', packages: ['gcc', 'libc6-dev', 'libssl-dev'] },
  { name: 'iproute2', file: '/sbin/ip', packages: ['iproute2'] },
  { name: 'python3', file: '/usr/bin/python3', packages: ['python3-minimal'] },
  { name: 'firefox', file: '/usr/bin/firefox-esr', packages: ['firefox-esr'] },
  { name: 'iptables', file: '/usr/sbin/iptables', packages: ['iptables'] },
  coturn,
];

/** Without them, Korean text and emoji are empty boxes in screenshots taken on a server. @type {Equipment} */
export const fonts = {
  name: 'fonts',
  file: '/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf',
  packages: ['fonts-noto-core', 'fonts-noto-cjk', 'fonts-noto-color-emoji'],
};

/**
 * Installs what is missing. Where that is not possible, the tests that need it are skipped by name (WEIR_TEST_SKIP,
 * which users may set too); with CI=true it is an error, because CI must run every test.
 * @param {import('./paths.mjs').Paths} paths
 * @param {Equipment[]} [table]
 * @param {import('./apt.mjs').System} [on]
 * @returns {import('./steps.mjs').Step}
 */
export function equipmentStep({ cache, env }, table = equipment, on = system()) {
  const missing = () =>
    table.filter(({ name, file }) => !skipped(env).includes(name) && !existsSync(fileOf(file, cache)));
  return {
    title: 'Test equipment',
    doing: `installing ${missing()
      .map(({ name }) => name)
      .join(', ')}`,
    home: cache,
    missing: () => missing().length > 0,
    run: async (tools) => {
      const items = missing();
      const names = items.map(({ name }) => name);
      const packages = items.flatMap((item) => item.packages);
      try {
        await ensurePackages(packages, `for tests with ${names.join(' and ')}`, tools, on);
        for (const { name, unpacked } of items) {
          if (unpacked) await unpackPackages(unpacked, fileOf(name, cache), `for tests with ${name}`, tools, on);
        }
        const still = missing().map(({ file }) => file);
        if (still.length) throw new SetupError(`${still.join(', ')}: still not there after installation.`, tools.log);
      } catch (error) {
        if (!(error instanceof SetupError) || isCI(env)) throw error;
        tools.note(error.message);
        env.WEIR_TEST_SKIP = [...skipped(env), ...names].join(',');
        return `tests with ${names.join(' and ')} will be skipped`;
      }
    },
  };
}

/**
 * The path of a program: absolute, or relative to the folder of unpacked packages.
 * @param {string} file
 * @param {string} cache the user's cache of set-up
 */
export function fileOf(file, cache) {
  return resolve(cache, 'equipment', file);
}

/** @param {NodeJS.ProcessEnv} env */
function skipped(env) {
  return (env.WEIR_TEST_SKIP ?? '').split(',').filter(Boolean);
}

/** @param {NodeJS.ProcessEnv} env */
function isCI(env) {
  return env.CI === 'true' || env.CI === '1';
}
