/** The command line of the load tester: flags, defaults and usage text. */
import { parseArgs } from 'node:util';
import type { Video } from '../support/media/material.ts';

/** A wrong flag; the message says what is accepted. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

interface Flag {
  readonly form: 'number' | 'text' | 'switch';
  readonly default?: string;
  readonly about: string;
  readonly least?: number;
  readonly most?: number;
  readonly choices?: readonly string[];
  readonly multiple?: boolean;
}

const flags = {
  url: { form: 'text', default: 'http://localhost:3000', about: 'the Weir server' },
  room: { form: 'text', default: 'load', about: 'name of the room; with several, a number is added' },
  rooms: { form: 'number', default: '1', least: 1, most: 1000, about: 'how many rooms of this shape' },
  publishers: {
    form: 'number',
    default: '2',
    least: 0,
    most: 1000,
    about: 'publishers a room; they receive each other',
  },
  subscribers: {
    form: 'number',
    default: '0',
    least: 0,
    most: 10_000,
    about: 'further members a room, who receive only',
  },
  duration: {
    form: 'number',
    default: '20',
    least: 1,
    most: 86_400,
    about: 'seconds, counted from when all have joined',
  },
  video: {
    form: 'text',
    default: '360p',
    choices: ['off', '180p', '360p', '720p', 'simulcast', 'steady'],
    about: 'picture that a publisher sends; steady: 1.58 Mbit/s in 6 packets a frame',
  },
  audio: { form: 'text', default: 'on', choices: ['on', 'off'], about: 'whether publishers speak' },
  codec: { form: 'text', default: 'vp8', choices: ['vp8', 'h264'], about: 'of the picture' },
  rate: { form: 'number', default: '20', least: 0, most: 10_000, about: 'joins a second; 0: all at once' },
  speakers: {
    form: 'number',
    default: '0',
    least: 0,
    most: 1000,
    about: 'how many a room speak at a time, by turns; 0: all',
  },
  turn: { form: 'number', default: '5', least: 0.5, most: 3600, about: 'seconds that a turn of the speakers lasts' },
  churn: { form: 'number', default: '0', least: 0, most: 1000, about: 'subscribers a second who leave and come back' },
  processes: { form: 'number', default: '1', least: 1, most: 64, about: 'processes that the members are spread over' },
  sample: {
    form: 'number',
    default: '2',
    least: 0,
    most: 10_000,
    about: 'subscribers who decrypt everything; the others read headers',
  },
  seed: { form: 'number', default: '1', least: 0, most: 2 ** 31, about: 'of everything random' },
  'api-key': {
    form: 'text',
    default: process.env.WEIR_API_KEY ?? '',
    about: 'where the server wants tokens (WEIR_API_KEY)',
  },
  'api-secret': { form: 'text', default: process.env.WEIR_API_SECRET ?? '', about: 'likewise (WEIR_API_SECRET)' },
  assert: { form: 'text', multiple: true, about: 'such as ttff.p95<1500; the exit code is 1 if one does not hold' },
  json: { form: 'text', default: '', about: 'file for everything that was measured' },
  html: { form: 'text', default: '', about: 'file for a report with plots' },
  help: { form: 'switch', about: 'this' },
} as const satisfies Record<string, Flag>;

export interface LoadOptions {
  readonly url: string;
  readonly room: string;
  readonly rooms: number;
  readonly publishers: number;
  readonly subscribers: number;
  /** Seconds. */
  readonly duration: number;
  readonly video: Video;
  readonly audio: boolean;
  readonly codec: 'vp8' | 'h264';
  /** Joins a second; 0 for all at once. */
  readonly rate: number;
  readonly speakers: number;
  /** Seconds. */
  readonly turn: number;
  readonly churn: number;
  readonly processes: number;
  readonly sample: number;
  readonly seed: number;
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly assertions: readonly string[];
  readonly json: string;
  readonly html: string;
}

/** What `--help` prints. */
export function usage(): string {
  const lines = Object.entries<Flag>(flags).map(([name, flag]) => {
    const value = flag.form === 'switch' ? '' : (flag.choices?.join('|') ?? (flag.form === 'number' ? 'N' : 'TEXT'));
    const standard = flag.default && name !== 'api-secret' ? ` (${flag.default})` : '';
    return `  ${`--${name} ${value}`.padEnd(28)} ${flag.about}${standard}`;
  });
  return [
    'Usage: npm run load -- [flags]',
    '',
    ...lines,
    '',
    'Examples:',
    '  npm run load -- --publishers 5                        a call of five',
    '  npm run load -- --rooms 10 --publishers 4             ten calls of four',
    '  npm run load -- --publishers 1 --subscribers 200      one to many',
    '  npm run load -- --publishers 8 --speakers 2 --churn 1 --assert "ttff.p95<1500" --json load.json',
  ].join('\n');
}

/**
 * @param args command-line arguments
 * @returns undefined when help was requested
 * @throws {UsageError}
 */
export function parseOptions(args: readonly string[]): LoadOptions | undefined {
  const values = parse(args);
  const text = (name: keyof typeof flags) => {
    const value = values[name];
    return typeof value === 'string' ? value : '';
  };
  if (values.help === true) return undefined;
  const number = (name: keyof typeof flags) => numberOf(name, text(name));
  const url = text('url');
  // "localhost:3000" parses as a URL, too, with the protocol "localhost:".
  if (!URL.canParse(url) || !/^(https?|wss?):$/.test(new URL(url).protocol)) {
    throw new UsageError(`--url "${url}" is no URL, such as http://localhost:3000.`);
  }
  const options: LoadOptions = {
    url,
    room: text('room'),
    rooms: number('rooms'),
    publishers: number('publishers'),
    subscribers: number('subscribers'),
    duration: number('duration'),
    video: oneOf('video', flags.video.choices, text('video')),
    audio: oneOf('audio', flags.audio.choices, text('audio')) === 'on',
    codec: oneOf('codec', flags.codec.choices, text('codec')),
    rate: number('rate'),
    speakers: number('speakers'),
    turn: number('turn'),
    churn: number('churn'),
    processes: number('processes'),
    sample: number('sample'),
    seed: number('seed'),
    apiKey: text('api-key'),
    apiSecret: text('api-secret'),
    assertions: Array.isArray(values.assert) ? values.assert.map(String) : [],
    json: text('json'),
    html: text('html'),
  };
  if (options.publishers + options.subscribers === 0) {
    throw new UsageError('--publishers and --subscribers are both 0: nobody would come.');
  }
  if (options.video === 'off' && !options.audio) {
    throw new UsageError('--video off and --audio off: publishers would send nothing.');
  }
  return options;
}

function parse(args: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries<Flag>(flags).map(([name, { form, default: standard, multiple = false }]) => [
      name,
      form === 'switch'
        ? { type: 'boolean' as const }
        : { type: 'string' as const, multiple, ...(standard !== undefined && { default: standard }) },
    ]),
  );
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${why}\n\n${usage()}`, { cause });
  }
}

function numberOf(name: keyof typeof flags, text: string): number {
  const flag: Flag = flags[name];
  const value = Number(text);
  const { least = 0, most = Number.MAX_SAFE_INTEGER } = flag;
  if (text.trim() === '' || !(value >= least && value <= most)) {
    throw new UsageError(`--${name} takes a number from ${least} to ${most}, not "${text}".`);
  }
  const isWhole = name !== 'duration' && name !== 'turn' && name !== 'churn' && name !== 'rate';
  if (isWhole && !Number.isInteger(value)) throw new UsageError(`--${name} takes a whole number, not "${text}".`);
  return value;
}

function oneOf<T extends string>(name: string, choices: readonly T[], text: string): T {
  const choice = choices.find((one) => one === text);
  if (choice === undefined) throw new UsageError(`--${name} takes ${choices.join(', ')}, not "${text}".`);
  return choice;
}
