/** The TURN server, `npm run turn`: runs this machine's coturn with a configuration that relays to Weir only. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { ConfigError } from '../server/config/ConfigError.ts';
import { readTurnserver, type Turnserver } from '../server/config/readTurnserver.ts';
import { AnnouncedAddressError, AnnouncedAddresses } from '../server/ice/AnnouncedAddresses.ts';
import { turnserverConf } from '../server/ice/turnserverConf.ts';
import { fail, readOptions } from './support/commandLine.ts';
import { findTurnserver, portProblem, systemUser, versionWarning } from './turn/program.ts';

const usage = `Usage: npm run turn [-- options]
  --write FILE  only write the configuration, readable by you alone; coturn takes it with: turnserver -c FILE
  --state DIR   with --write: a directory that coturn can write, for its process id and an empty database
                (default: that of the file)
  --help        print this

Runs coturn in the foreground. WEIR_TURN_SECRET, WEIR_TURN_URLS and WEIR_ANNOUNCED_ADDRESS have to be those of Weir;
WEIR_TURN_HOST, WEIR_TURN_RELAY_PORTS, WEIR_TURN_TLS_CERT and WEIR_TURN_TLS_KEY are optional.`;

const log = pino({ level: 'silent' });

function say(message: string): void {
  process.stdout.write(`${message}\n`);
}

/** The addresses that Weir announces: where browsers ask the TURN server to relay to. */
async function sfuAddresses({ config }: Turnserver): Promise<readonly string[]> {
  const options = { configured: config.announcedAddresses, listening: config.rtcHosts, log };
  const announced = await AnnouncedAddresses.start(options);
  announced.close();
  if (announced.unresolved.length > 0) {
    fail(
      `WEIR_ANNOUNCED_ADDRESS: ${announced.unresolved.join(', ')} cannot be resolved. Nothing would be relayed there.`,
    );
  }
  return announced.addresses;
}

/** Writes the configuration. It contains the secret, which is nowhere else: not on the command line, not in the log. */
function write(file: string, text: string): void {
  // The mode is for new files only: an old one may be readable by everybody.
  rmSync(file, { force: true });
  writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
}

/** What is to be put into Weir's settings, if it is not there. */
function suggestedUrls({ options, certificateName }: Turnserver, addresses: readonly string[]): string {
  const [address = 'localhost'] = addresses;
  const host = certificateName ?? (isIPv6(address) ? `[${address}]` : address);
  const plain = ['udp', 'tcp'].map((transport) => `turn:${host}:${options.port}?transport=${transport}`);
  return [...plain, ...(options.tls ? [`turns:${host}:${options.tls.port}?transport=tcp`] : [])].join(',');
}

/** @returns the exit code */
async function run(turnserver: string, settings: Turnserver): Promise<number> {
  const { options, urls } = settings;
  const hosts = options.listeningAddresses?.length ? options.listeningAddresses : [undefined];
  const ports = hosts.flatMap((address) => [
    { protocol: 'udp', address, port: options.port, isTls: false } as const,
    { protocol: 'tcp', address, port: options.port, isTls: false } as const,
    ...(options.tls ? [{ protocol: 'tcp', address, port: options.tls.port, isTls: true } as const] : []),
  ]);
  for (const port of ports) {
    const problem = await portProblem(port, turnserver);
    if (problem) fail(problem);
  }
  const addresses = await sfuAddresses(settings);
  const directory = mkdtempSync(join(tmpdir(), 'weir-turn-'));
  try {
    const file = join(directory, 'turnserver.conf');
    const stateDirectory = join(directory, 'state');
    mkdirSync(stateDirectory);
    const user = systemUser();
    if (user) {
      // The secret stays readable by root alone.
      chmodSync(directory, 0o711);
      chownSync(stateDirectory, user.uid, user.gid);
    }
    write(file, turnserverConf({ ...options, sfuAddresses: addresses, stateDirectory, user: user?.name }));
    say(`coturn relays to ${addresses.join(', ')} only: the addresses that Weir announces.`);
    if (urls) say(`Weir tells browsers: ${urls.join(', ')}`);
    else say(`For Weir: WEIR_TURN_URLS=${suggestedUrls(settings, addresses)}`);
    return await supervise(turnserver, file);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Runs coturn until it ends, or a signal ends it. @returns the exit code */
async function supervise(turnserver: string, file: string): Promise<number> {
  const child = spawn(turnserver, ['-c', file], { cwd: dirname(file), stdio: ['ignore', 'inherit', 'inherit'] });
  let stopped = false;
  const stop = () => {
    // coturn has nothing to save: a second signal ends it whatever it does.
    child.kill(stopped ? 'SIGKILL' : 'SIGTERM');
    stopped = true;
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  const [code] = await once(child, 'exit');
  if (stopped) return 0;
  process.stderr.write(`coturn ended by itself (exit code ${code}); what it said last is above.\n`);
  return 1;
}

const given = readOptions(usage, {
  write: { type: 'string' },
  state: { type: 'string' },
});
try {
  const settings = readTurnserver(process.env);
  for (const warning of settings.warnings) process.stderr.write(`${warning}\n`);
  if (given.write !== undefined) {
    const stateDirectory = given.state ?? dirname(given.write);
    const addresses = await sfuAddresses(settings);
    write(given.write, turnserverConf({ ...settings.options, sfuAddresses: addresses, stateDirectory }));
    say(`${given.write}: coturn relays to ${addresses.join(', ')} only.`);
    process.exit(0);
  }
  const turnserver = findTurnserver();
  if (turnserver === undefined) {
    fail(
      'There is no coturn on this machine: install it (on Debian and Ubuntu: sudo apt-get install coturn), or use docker/compose.yml, which has a current one.',
    );
  }
  const warning = versionWarning(turnserver);
  if (warning) process.stderr.write(`${warning}\n`);
  process.exit(await run(turnserver, settings));
} catch (error) {
  if (error instanceof ConfigError || error instanceof AnnouncedAddressError || error instanceof RangeError)
    fail(error.message);
  throw error;
}
