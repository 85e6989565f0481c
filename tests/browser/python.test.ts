/** The Python programs of examples/ in rooms with a browser: through the server, directly, and what they say when they fail. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { ownAddresses } from '../../server/common/ownAddresses.ts';
import { Peer } from '../../server/room/Peer.ts';
import { TestClient } from '../support/client.ts';
import { hasChromium } from '../support/equipment.ts';
import { hasPythonLibraries, PythonProgram } from '../support/PythonProgram.ts';
import { eventually, Person, roomUrl } from '../support/people.ts';
import { type Drivable, receivedOf, sourcesOf, statsOf, tileOf } from '../support/tiles.ts';
import { token, withTokens } from '../support/weir.ts';

declare global {
  interface Window {
    /** The data messages that a page has received. */
    pythonData?: { readonly from: string | undefined; readonly topic: string; readonly text: string }[];
  }
}

/** A small picture, so that encoding takes little. */
const small = ['--size', '320x180', '--rate', '15', '--tone', '700'];

describe.skipIf(!hasChromium || !hasPythonLibraries)('Python programs', () => {
  const captures = new Captures();
  const cleanUp = new AsyncDisposableStack();
  let programs = new AsyncDisposableStack();
  let server: TestServer;
  let alice: Person;

  beforeAll(async () => {
    // aiortc does not pair its addresses with loopback's.
    const [address = '127.0.0.1'] = ownAddresses();
    server = cleanUp.use(await startServer({ WEIR_RTC_HOST: address }));
    alice = cleanUp.use(await Person.start('Alice', { colour: 'red', tone: 500 }, captures));
  });
  afterEach(async () => {
    await programs.disposeAsync();
    programs = new AsyncDisposableStack();
    await alice.leaveAll();
  });
  afterAll(async () => {
    await cleanUp.disposeAsync();
    captures[Symbol.dispose]();
  });

  const start = (...given: Parameters<typeof PythonProgram.start>) => programs.use(PythonProgram.start(...given));
  const publish = (room: string, ...more: string[]) =>
    start('publish.py', ['--url', server.url, '--room', room, '--name', 'Pat', ...small, ...more]);
  const view = (room: string, ...more: string[]) =>
    start('view.py', ['--url', server.url, '--room', room, '--name', 'Vic', '--json', ...more]);

  /** Frames of Pat's camera that a page has decoded. */
  async function framesOfPat(page: Drivable): Promise<number> {
    const pat = await page.evaluate(() => window.weir?.peers.find(({ name }) => name === 'Pat')?.peerId);
    return (pat && (await receivedOf(page, pat, 'camera'))?.frames) || 0;
  }

  /** The transports of the server for a room. */
  async function transportsOf(room: string): Promise<string[]> {
    const routers = (await server.app.rooms.find(room))?.routers.routers ?? [];
    return (await Promise.all(routers.map(({ router }) => router.dump()))).flatMap(({ transportIds }) => transportIds);
  }

  /** RTP bytes that the server has sent to a page. */
  async function forwardedTo(page: Drivable, room: string): Promise<number> {
    const id = await page.evaluate(() => window.weir?.peerId ?? '');
    const peer = (await server.app.rooms.find(room))?.participant(id);
    if (!(peer instanceof Peer)) throw new Error('There is no such participant.');
    return (await peer.getTransportStats()).sent;
  }

  /** Keeps the data messages that a page receives. */
  async function listen(page: Drivable): Promise<void> {
    await eventually(() => page.evaluate(() => window.weir?.state)).toBe('joined');
    await page.evaluate(() => {
      const kept: NonNullable<Window['pythonData']> = [];
      window.pythonData = kept;
      window.weir?.on('dataReceived', ({ peer, topic, data }) =>
        kept.push({ from: peer?.name, topic, text: new TextDecoder().decode(data) }),
      );
    });
  }

  test('publish and receive picture, sound and data through the server', async () => {
    const pat = publish('server');
    const vic = view('server');
    const page = await alice.enter(server.url, 'server');
    await listen(page);
    await eventually(() => framesOfPat(page), pat.errors).toBeGreaterThan(15);
    await eventually(() => tileOf(page, 'Pat')).toMatchObject({ live: true, tone: 700 });
    for (const name of ['Alice', 'Pat']) {
      await eventually(async () => vic.seen(name, 'camera')?.frames, vic.errors).toBeGreaterThan(15);
      await eventually(async () => vic.seen(name, 'microphone')?.loudness).toBeGreaterThan(0.01);
      await eventually(async () => vic.seen(name, 'microphone')?.frames).toBeGreaterThan(25);
    }
    expect(vic.seen('Pat', 'camera')).toMatchObject({ width: 320, height: 180 });
    await page.evaluate(() => window.weir?.sendData('from the page', { topic: 'note' }));
    await eventually(async () => vic.heard()).toContainEqual({ data: 'from the page', topic: 'note', from: 'Alice' });
    const greeting = expect.stringMatching(/^hello \d+ from Pat$/);
    await eventually(async () => vic.heard()).toContainEqual({ data: greeting, topic: 'greeting', from: 'Pat' });
    await eventually(() => page.evaluate(() => window.pythonData)).toContainEqual({
      from: 'Pat',
      topic: 'greeting',
      text: greeting,
    });
    // Nobody is left behind.
    await pat[Symbol.asyncDispose]();
    await eventually(() => tileOf(page, 'Pat')).toBeUndefined();
    expect([pat.errors, vic.errors]).toEqual(['', '']);
  });

  test('publish and receive all of it directly, and none of it through the server', async () => {
    const pat = publish('p2p', '--direct', '--policy', 'p2p');
    await eventually(async () => pat.lines, pat.errors).toContain('publishing to p2p as Pat');
    const vic = view('p2p', '--direct');
    const page = await alice.enter(server.url, 'p2p');
    await listen(page);
    await eventually(() => framesOfPat(page), pat.errors).toBeGreaterThan(15);
    await eventually(() => tileOf(page, 'Pat')).toMatchObject({ live: true, tone: 700 });
    for (const name of ['Alice', 'Pat']) {
      await eventually(async () => vic.seen(name, 'camera', true)?.frames, vic.errors).toBeGreaterThan(15);
      await eventually(async () => vic.seen(name, 'microphone', true)?.loudness).toBeGreaterThan(0.01);
    }
    await page.evaluate(() => window.weir?.sendData('from the page', { topic: 'note' }));
    await eventually(async () => vic.heard()).toContainEqual({ data: 'from the page', topic: 'note', from: 'Alice' });
    await eventually(() => page.evaluate(() => window.pythonData?.map(({ from }) => from))).toContain('Pat');
    expect(await transportsOf('p2p')).toEqual([]);
    expect([pat.errors, vic.errors]).toEqual(['', '']);
  });

  test('go directly under the policy auto, when two are alone', async () => {
    // Published before Pat comes: he could not take back an offer that crosses one of the page.
    const page = await alice.page();
    await page.goto(`${roomUrl(server.url, 'auto', 'Alice')}&policy=auto`);
    await eventually(() => sourcesOf(page)).toMatchObject({ camera: 'live', microphone: 'live' });
    const pat = publish('auto', '--direct');
    const directly = async () =>
      (await statsOf(page)).filter(({ direction, direct }) => direction === 'receive' && direct);
    await eventually(async () => (await directly()).map(({ source }) => source).sort(), pat.errors).toEqual([
      'camera',
      'microphone',
    ]);
    // What the server sent until it was told is on its way.
    await eventually(async () => {
      const [before, frames] = await Promise.all([forwardedTo(page, 'auto'), framesOfPat(page)]);
      await eventually(() => framesOfPat(page)).toBeGreaterThan(frames + 5);
      return (await forwardedTo(page, 'auto')) - before;
    }).toBe(0);
    expect(pat.errors).toBe('');
  });

  test('say in a sentence why they end', async () => {
    await using guarded = await startServer({ ...withTokens, WEIR_MAX_PEERS: '1' });
    using first = await TestClient.connect(guarded.url);
    await first.join({ room: 'full', token: await token('full', 'first') });
    const endOf = async (url: string, room: string) => {
      const env = { WEIR_TOKEN: await token(room, 'pat') };
      return start('publish.py', ['--url', url, '--room', 'full', ...small], { env }).ended();
    };
    const ends = await Promise.all([
      endOf('http://127.0.0.1:9', 'full'),
      endOf(guarded.url, 'other'),
      endOf(guarded.url, 'full'),
      start('publish.py', ['--url', server.url, '--file', '/nonexistent.mp4']).ended(),
      start('view.py', [], { interpreter: ['-S'] }).ended(),
    ]);
    expect(ends).toEqual([
      { code: 1, errors: expect.stringMatching(/^Nothing answers at http:\/\/127\.0\.0\.1:9: .+\.\n$/) },
      { code: 1, errors: 'The token is for another room.\n' },
      { code: 1, errors: 'The room is full.\n' },
      { code: 1, errors: expect.stringMatching(/^\/nonexistent\.mp4 cannot be played: .+\n$/) },
      { code: 1, errors: expect.stringMatching(/^aiortc is missing for .+\nOn Debian .+\nElsewhere: .+\n$/) },
    ]);
  });
});
