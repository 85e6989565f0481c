/** Tests of the load tester's options and schedule: flags, who joins when, and what they do. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type LoadOptions, parseOptions, UsageError, usage } from '../../scripts/load/options.ts';
import { createPlan, type Plan } from '../../scripts/load/plan.ts';

function optionsOf(...args: string[]): LoadOptions {
  const options = parseOptions(args);
  if (!options) throw new Error('help was asked for');
  return options;
}

const plan = (...args: string[]): Plan => createPlan(optionsOf(...args));

/** The error message for a command line. */
function complaint(args: readonly string[]): string {
  try {
    parseOptions(args);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('flags', () => {
  test('by default: two publishers for 20 s', () => {
    const { apiKey: _key, apiSecret: _secret, ...options } = optionsOf();
    expect(options).toEqual({
      url: 'http://localhost:3000',
      room: 'load',
      rooms: 1,
      publishers: 2,
      subscribers: 0,
      duration: 20,
      video: '360p',
      audio: true,
      codec: 'vp8',
      rate: 20,
      speakers: 0,
      turn: 5,
      churn: 0,
      processes: 1,
      sample: 2,
      seed: 1,
      assertions: [],
      json: '',
      html: '',
    });
  });

  test('all options', () => {
    const args =
      '--url=https://weir.example --room=big --rooms=3 --publishers=4 --subscribers=5 --duration=1.5 --video=simulcast ' +
      '--audio=off --codec=h264 --rate=0.5 --speakers=2 --turn=2.5 --churn=0.25 --processes=6 --sample=7 --seed=8 ' +
      '--api-key=key --api-secret=secret --assert=failed==0 --assert=loss<1% --json=a.json --html=a.html';
    expect(optionsOf(...args.split(' '))).toEqual({
      url: 'https://weir.example',
      room: 'big',
      rooms: 3,
      publishers: 4,
      subscribers: 5,
      duration: 1.5,
      video: 'simulcast',
      audio: false,
      codec: 'h264',
      rate: 0.5,
      speakers: 2,
      turn: 2.5,
      churn: 0.25,
      processes: 6,
      sample: 7,
      seed: 8,
      apiKey: 'key',
      apiSecret: 'secret',
      assertions: ['failed==0', 'loss<1%'],
      json: 'a.json',
      html: 'a.html',
    });
  });

  test.each([
    [['--publishers', 'many'], '--publishers takes a number from 0 to 1000, not "many".'],
    [['--publishers='], '--publishers takes a number from 0 to 1000, not "".'],
    [['--publishers', '1001'], '--publishers takes a number from 0 to 1000, not "1001".'],
    [['--publishers', '1.5'], '--publishers takes a whole number, not "1.5".'],
    [['--subscribers', '10001'], '--subscribers takes a number from 0 to 10000'],
    [['--rooms', '0'], '--rooms takes a number from 1 to 1000, not "0".'],
    [['--duration', '0.5'], '--duration takes a number from 1 to 86400, not "0.5".'],
    [['--duration', 'Infinity'], '--duration takes a number from 1 to 86400'],
    [['--rate=-1'], '--rate takes a number from 0 to 10000, not "-1".'],
    [['--turn', '0'], '--turn takes a number from 0.5 to 3600, not "0".'],
    [['--churn', 'NaN'], '--churn takes a number from 0 to 1000, not "NaN".'],
    [['--processes', '65'], '--processes takes a number from 1 to 64, not "65".'],
    [['--seed', '0.5'], '--seed takes a whole number, not "0.5".'],
    [['--speakers', ' '], '--speakers takes a number from 0 to 1000, not " ".'],
    [['--sample', 'all'], '--sample takes a number from 0 to 10000, not "all".'],
    [['--video', '1080p'], '--video takes off, 180p, 360p, 720p, simulcast, steady, not "1080p".'],
    [['--audio', 'yes'], '--audio takes on, off, not "yes".'],
    [['--codec', 'av1'], '--codec takes vp8, h264, not "av1".'],
    [['--url', 'weir'], '--url "weir" is no URL, such as http://localhost:3000.'],
    [['--url', 'localhost:3000'], '--url "localhost:3000" is no URL, such as http://localhost:3000.'],
    [['--publishers', '0'], '--publishers and --subscribers are both 0'],
    [['--video', 'off', '--audio', 'off'], '--video off and --audio off'],
    [['--publisher', '3'], '--publishers N'],
    [['--publishers'], '--publishers N'],
    [['--help=yes'], '--publishers N'],
    [['3'], '--publishers N'],
  ])('%j is rejected with what is accepted', (args, said) => {
    expect(complaint(args)).toContain(said);
  });

  test('the help text names every flag', () => {
    expect(parseOptions(['--help', '--publishers', '3'])).toBeUndefined();
    const named = [...usage().matchAll(/^ {2}--([a-z-]+) /gm)].map(([, name]) => name);
    expect(named.toSorted().join(' ')).toBe(
      'api-key api-secret assert audio churn codec duration help html json processes publishers rate room rooms ' +
        'sample seed speakers subscribers turn url video',
    );
  });

  test('key and secret are read from the environment, and the help text does not show the secret', async () => {
    vi.stubEnv('WEIR_API_KEY', 'a-key-of-mine');
    vi.stubEnv('WEIR_API_SECRET', 'hush-hush');
    vi.resetModules();
    onTestFinished(() => {
      vi.unstubAllEnvs();
      vi.resetModules();
    });
    const anew = await import('../../scripts/load/options.ts');
    expect(anew.parseOptions([])).toMatchObject({ apiKey: 'a-key-of-mine', apiSecret: 'hush-hush' });
    expect(anew.usage()).toContain('a-key-of-mine');
    expect(anew.usage()).not.toContain('hush-hush');
  });
});

describe('the plan', () => {
  const args = ['--rooms=3', '--publishers=4', '--subscribers=8', '--churn=4', '--speakers=2', '--rate=10'];

  test('is the same for the same seed, and another for another', () => {
    expect(plan(...args, '--seed=5')).toEqual(plan(...args, '--seed=5'));
    const [one, other] = [plan(...args, '--seed=5'), plan(...args, '--seed=6')];
    expect(other.members.map(({ joinAt }) => joinAt)).not.toEqual(one.members.map(({ joinAt }) => joinAt));
    const returns = ({ scheduledEvents }: Plan) => scheduledEvents.filter(({ what }) => what === 'return');
    expect(returns(other)).not.toEqual(returns(one));
    // The seed decides when and who, not how many.
    expect(returns(other)).toHaveLength(returns(one).length);
  });

  test('has publishers join first, rooms in turn, at the requested rate', () => {
    const { members, joined } = plan(...args);
    expect(members).toHaveLength(36);
    expect(members.slice(0, 4).map(({ name, room }) => [name, room])).toEqual([
      ['publisher-1-1', 'load-1'],
      ['publisher-2-1', 'load-2'],
      ['publisher-3-1', 'load-3'],
      ['publisher-1-2', 'load-1'],
    ]);
    expect(new Set(members.map(({ name }) => name)).size).toBe(36);
    const inOrder = members.toSorted((a, b) => a.joinAt - b.joinAt);
    expect(inOrder.map(({ publishes }) => publishes)).toEqual(Array.from({ length: 36 }, (_, at) => at < 12));
    // Ten a second: each in its own tenth of a second.
    expect(inOrder.map(({ joinAt }) => Math.floor(joinAt / 100))).toEqual(Array.from({ length: 36 }, (_, at) => at));
    expect(joined).toBe(inOrder.at(-1)?.joinAt);
  });

  test('has all join at once at rate 0, and one room keeps its name', () => {
    const { members, joined } = plan('--rate=0', '--publishers=5', '--room=hall');
    expect(joined).toBe(0);
    expect(members.map(({ joinAt, room }) => [joinAt, room])).toEqual(members.map(() => [0, 'hall']));
  });

  test('spreads members evenly over the processes', () => {
    const { members } = plan('--publishers=10', '--subscribers=90', '--processes=8');
    const sizes = [...Map.groupBy(members, (member) => member.process).values()].map(({ length }) => length);
    expect(sizes).toHaveLength(8);
    expect(Math.min(...sizes)).toBe(12);
    expect(Math.max(...sizes)).toBe(13);
  });

  test('samples subscribers of the first room, and publishers where there are none', () => {
    const sampled = (...more: string[]) =>
      plan('--rooms=2', '--sample=2', ...more).members.flatMap((member) => (member.sampled ? member.name : []));
    expect(sampled('--publishers=3', '--subscribers=3')).toEqual(['subscriber-1-1', 'subscriber-1-2']);
    expect(sampled('--publishers=3')).toEqual(['publisher-1-1', 'publisher-1-2']);
    expect(sampled('--publishers=3', '--sample=0')).toEqual([]);
  });

  test.each([
    [5, 2],
    [3, 1],
    [7, 6],
    [4, 3],
  ])('of %i publishers exactly %i speak at any time, and all get their turn', (publishers, speakers) => {
    const { scheduledEvents } = plan(
      `--publishers=${publishers}`,
      `--speakers=${speakers}`,
      '--rooms=2',
      '--turn=2',
      '--duration=41',
    );
    expect(scheduledEvents.map(({ at }) => at)).toEqual(scheduledEvents.map(({ at }) => at).toSorted((a, b) => a - b));
    for (const room of [1, 2]) {
      const inRoom = scheduledEvents.filter(({ member }) => member.startsWith(`publisher-${room}-`));
      // Everyone speaks until the first event.
      const speaking = new Set(Array.from({ length: publishers }, (_, at) => `publisher-${room}-${at + 1}`));
      const spoke = new Set<string>();
      const rounds = Map.groupBy(inRoom, ({ at }) => at);
      expect([...rounds.keys()]).toEqual(Array.from({ length: 21 }, (_, round) => round * 2000));
      for (const changes of rounds.values()) {
        for (const { member, what } of changes) {
          // No event repeats the current state.
          expect(speaking.has(member)).toBe(what === 'fallSilent');
          if (what === 'speak') speaking.add(member);
          else speaking.delete(member);
        }
        expect(speaking.size).toBe(speakers);
        for (const member of speaking) spoke.add(member);
      }
      expect(spoke.size).toBe(publishers);
    }
  });

  test('has no turns where all may speak, or there is no audio', () => {
    expect(plan('--publishers=3', '--speakers=3').scheduledEvents).toEqual([]);
    expect(plan('--publishers=3', '--speakers=0').scheduledEvents).toEqual([]);
    expect(plan('--publishers=3', '--speakers=1', '--audio=off').scheduledEvents).toEqual([]);
  });

  test('has subscribers rejoin as often as requested, while publishers stay', () => {
    const { scheduledEvents } = plan('--publishers=3', '--subscribers=4', '--churn=2.5', '--duration=10');
    expect(scheduledEvents).toHaveLength(25);
    expect(scheduledEvents.map(({ at }) => at)).toEqual(Array.from({ length: 25 }, (_, index) => index * 400));
    expect(scheduledEvents.every(({ what, member }) => what === 'return' && member.startsWith('subscriber-'))).toBe(
      true,
    );
    expect(new Set(scheduledEvents.map(({ member }) => member)).size).toBe(4);
    expect(plan('--publishers=3', '--churn=2').scheduledEvents).toEqual([]);
  });
});
