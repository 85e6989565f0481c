/** The publish command, `npm run publish`: sends a file or a test pattern into a room by plain RTP, without a camera. */
import { basename } from 'node:path';
import { signToken } from '../server/auth/tokens.ts';
import { ffmpegArguments, type Input } from '../server/gateways/rtp/ffmpegArguments.ts';
import { VideoCodec } from '../server/gateways/rtp/rtpCodecs.ts';
import { MAX_NAME } from '../shared/protocol.ts';
import { assertInstalled, type Progress, probe, Sender } from './publish/ffmpeg.ts';
import { PublishError } from './publish/PublishError.ts';
import { Session } from './publish/session.ts';
import { fail, readOptions } from './support/commandLine.ts';
import { readKeys, readRoom } from './support/roomOptions.ts';

const usage = `Usage: npm run publish -- --room ROOM (--file FILE | --pattern) [options]
  --file FILE      a file that ffmpeg reads, in a loop
  --pattern        a test picture and a tone
  --server URL     default http://localhost:3000
  --kind KIND      call (default) or broadcast
  --token TOKEN    as WEIR_TOKEN, and seen by other users of this machine in the list of processes
  --name NAME      shown to the others (default: that of the file)
  --codec CODEC    ${VideoCodec.join(', ')} (default VP8); AV1 needs ffmpeg 8
  --size WxH       of the pattern (default 1280x720)
  --help           print this
Encodes with the ffmpeg of this machine, until Ctrl-C. For a server with tokens set WEIR_TOKEN to one, or WEIR_API_KEY and
WEIR_API_SECRET as the server has them.`;

/** Milliseconds: between two looks whether the server still has the session, and two lines of progress in a file. */
const INTERVAL = { look: 2000, line: 10_000 };
/** Of a token that this command makes, in seconds: it is used at once. */
const TOKEN_LIFETIME = 60;

const given = readOptions(usage, {
  room: { type: 'string' },
  file: { type: 'string' },
  pattern: { type: 'boolean' },
  server: { type: 'string' },
  kind: { type: 'string' },
  token: { type: 'string' },
  name: { type: 'string' },
  codec: { type: 'string' },
  size: { type: 'string' },
});

function readSettings() {
  const { file, pattern, server: address = 'http://localhost:3000', kind = 'call', size = '1280x720' } = given;
  const room = readRoom(given.room, usage);
  if ((file === undefined) === (pattern === undefined)) fail(`Say what is sent: --file FILE or --pattern.\n${usage}`);
  const server = URL.canParse(address) ? new URL(address) : undefined;
  if (!server || !/^https?:$/.test(server.protocol)) fail('--server takes an address such as https://meet.example.');
  if (kind !== 'call' && kind !== 'broadcast') fail('--kind takes call or broadcast.');
  const codec = VideoCodec.find((name) => name === (given.codec ?? 'VP8').toUpperCase());
  if (!codec) fail(`--codec takes one of ${VideoCodec.join(', ')}.`);
  const [, width, height] = (/^(\d{2,4})x(\d{2,4})$/.exec(size) ?? []).map(Number);
  if (!width || !height || width % 2 || height % 2) fail('--size takes an even width and height, such as 1280x720.');
  const name = given.name ?? (file === undefined ? 'Test pattern' : basename(file));
  const input: Input = file === undefined ? { pattern: { width, height } } : { file };
  return { room, server, kind, codec, name: name.slice(0, MAX_NAME), input } as const;
}

type Settings = ReturnType<typeof readSettings>;

/** A token of this server's own key, where this machine has it. */
async function ownToken({ room, kind, name }: Settings): Promise<string | undefined> {
  const auth = readKeys();
  if (!auth) return undefined;
  const video = { room, roomJoin: true, broadcast: kind === 'broadcast' };
  return signToken({ ...auth, identity: `publish-${name}`, name, lifetime: TOKEN_LIFETIME, video });
}

/** Shows one line that changes on a terminal, and some lines elsewhere. */
function progressLine() {
  let shownAt = Number.NEGATIVE_INFINITY;
  return ({ time, framesPerSecond, speed }: Progress) => {
    // The first seconds count the start of ffmpeg.
    const slow = time >= '00:00:05' && Number.parseFloat(speed) < 0.9 ? ': this machine is too slow for it' : '';
    const text = `${time}  ${framesPerSecond} frames/s, ${speed} of real time${slow}`;
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${text}`);
    else if (performance.now() - shownAt >= INTERVAL.line) {
      shownAt = performance.now();
      process.stdout.write(`${text}\n`);
    }
  };
}

/** Sends until a signal, the end of the session, or that of ffmpeg. @returns the exit code */
async function run(settings: Settings, token: string | undefined): Promise<number> {
  const { input, codec, name, server, room, kind } = settings;
  if (!('file' in input)) await assertInstalled();
  const content = 'file' in input ? await probe(input.file) : { audio: true, video: true };
  const body = { name, ...(content.video && { video: { codec } }), ...(content.audio && { audio: {} }) };
  const { promise: ended, resolve: end } = Promise.withResolvers<string | undefined>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => end(undefined));
  const session = await Session.open({ server, room, kind, token, body });
  const { address, video, audio } = session.answer;
  const page = `${server.href.replace(/\/$/, '')}/${kind === 'call' ? 'r' : 'b'}/${encodeURIComponent(room)}`;
  process.stdout.write(`Publishing ${name} in ${page}; Ctrl-C ends it.\n`);
  const sender = new Sender(ffmpegArguments(input, { address, video, audio }), {
    progress: progressLine(),
    ended: (how, said) => end([how, said].filter(Boolean).join('\n')),
  });
  const looks = setInterval(async () => {
    if (!(await session.isOpen())) end('The server has ended the session.');
  }, INTERVAL.look);
  const problem = await ended;
  clearInterval(looks);
  await Promise.all([sender.stop(), session.close()]);
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
  if (problem !== undefined) throw new PublishError(problem);
  process.stdout.write('Ended.\n');
  return 0;
}

// The reader of a pipe may stop early, as `head` does.
process.stdout.on('error', () => {});
const settings = readSettings();
if (given.token !== undefined) {
  process.stderr.write(
    'Other users of this machine can see the token of --token: set the variable WEIR_TOKEN instead.\n',
  );
}
try {
  process.exitCode = await run(settings, given.token ?? process.env.WEIR_TOKEN ?? (await ownToken(settings)));
} catch (error) {
  if (!(error instanceof PublishError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
