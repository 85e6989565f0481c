/** The parts of direct links that need no browser: which way each track comes, signs of life, and what is asked of Opus. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Source } from '../../shared/media.ts';
import type { DirectSession } from '../../web/client/p2p/DirectSession.ts';
import { Liveness } from '../../web/client/p2p/Liveness.ts';
import { withOpusParameters } from '../../web/client/p2p/opusParameters.ts';
import { keyOf, TrackRoutes, type TrackRoutesOptions } from '../../web/client/p2p/TrackRoutes.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

type Mesh = TrackRoutesOptions['mesh'];

/** A track is compared by identity only. */
const trackOf = (kind: 'audio' | 'video'): MediaStreamTrack => Object.create({ kind });

/** Routes of one peer's camera, over an SFU and sessions that the test moves. */
function camera() {
  const events: string[] = [];
  const names = new Map<unknown, string>();
  const sessions: DirectSession[] = [];
  let direct = '';
  const state = { isWanted: true, isReady: false, frames: 10, isPublished: true, isExpected: true };
  const bySfu = trackOf('video');
  names.set(bySfu, 'sfu');
  const addSession = (name: string) => {
    const track = trackOf('video');
    names.set(track, name);
    const received = { source: 'camera' as const, track };
    const session = {
      ...{ peerId: 'ada', usable: true, lost: false, connection: { received: [received] } },
      received: (source: Source) => (source === 'camera' ? received : undefined),
      readySources: async () => new Set(state.isReady ? ['camera'] : []),
    };
    sessions.push(Object.create(session));
    return session;
  };
  const mesh: Mesh = {
    peerIds: ['ada'],
    sessionsWith: () => sessions.toReversed(),
    isWanted: () => state.isWanted,
    isVisible: () => true,
    retire: (session) => {
      sessions.splice(sessions.indexOf(session), 1);
      events.push('retired');
    },
  };
  const routes = new TrackRoutes({
    mesh,
    sfuProgress: async () => new Map([[keyOf('ada', 'camera'), state.frames]]),
    isPublished: () => state.isPublished,
    isExpected: () => state.isExpected,
    onTrack: ({ track }) => events.push(`shows ${names.get(track)}`),
    onTrackRemoved: () => events.push('removed'),
    onDirectTracks: (tracks) => {
      const text = `direct: ${tracks.length}`;
      if (text !== direct) events.push(text);
      direct = text;
    },
  });
  routes.addSfuTrack({ peerId: 'ada', source: 'camera', track: bySfu });
  /** What has happened since the last call. */
  const eventsIn = async (milliseconds: number) => {
    await vi.advanceTimersByTimeAsync(milliseconds);
    return events.splice(0);
  };
  return { routes, state, addSession, eventsIn, bySfu };
}

describe('TrackRoutes', () => {
  /** A camera whose track has come directly for a while. */
  async function directCamera() {
    const made = camera();
    made.addSession('direct');
    made.state.isReady = true;
    made.routes.update();
    await made.eventsIn(1000);
    return made;
  }

  test('hands over a direct track once it carries frames, and tells the server half a second later', async () => {
    const { routes, state, addSession, eventsIn } = camera();
    expect(await eventsIn(100)).toEqual(['shows sfu', 'direct: 0']);
    addSession('direct');
    routes.update();
    expect(await eventsIn(1000)).toEqual([]);
    state.isReady = true;
    expect(await eventsIn(100)).toEqual(['shows direct']);
    expect(await eventsIn(300)).toEqual([]);
    expect(await eventsIn(300)).toEqual(['direct: 1']);
  });

  test('comes back to the server at once, but shows its track and ends the session only once it carries frames', async () => {
    const { routes, state, eventsIn } = await directCamera();
    state.isWanted = false;
    routes.update();
    expect(await eventsIn(0)).toEqual(['direct: 0']);
    expect(await eventsIn(1000)).toEqual([]);
    // The first ones come in a burst, after which there may be a pause.
    state.frames += 7;
    expect(await eventsIn(1000)).toEqual([]);
    state.frames += 1;
    expect(await eventsIn(100)).toEqual(['shows sfu']);
    expect(await eventsIn(300)).toEqual([]);
    expect(await eventsIn(300)).toEqual(['retired']);
  });

  test('does not wait for frames of what is muted', async () => {
    const { routes, state, eventsIn } = await directCamera();
    state.isWanted = false;
    state.isExpected = false;
    routes.update();
    expect(await eventsIn(100)).toEqual(['direct: 0', 'shows sfu']);
  });

  test('keeps the track of a former session until that of the next one carries frames', async () => {
    const { routes, state, addSession, eventsIn } = camera();
    addSession('first');
    state.isReady = true;
    routes.update();
    await eventsIn(1000);
    state.isReady = false;
    addSession('second');
    routes.update();
    expect(await eventsIn(1000)).toEqual([]);
    state.isReady = true;
    expect(await eventsIn(100)).toEqual(['shows second']);
    expect(await eventsIn(1000)).toEqual(['retired']);
  });

  test('shows nothing that its peer does not publish, whatever arrives directly', async () => {
    const { routes, state, addSession, eventsIn, bySfu } = camera();
    addSession('direct');
    state.isReady = true;
    routes.update();
    await eventsIn(1000);
    routes.removeSfuTrack({ peerId: 'ada', source: 'camera', track: bySfu });
    expect(await eventsIn(100)).toEqual([]);
    state.isPublished = false;
    routes.update();
    expect(await eventsIn(200)).toEqual(['direct: 0', 'removed']);
  });
});

describe('Liveness', () => {
  const watched = () => {
    const state = { packetAt: 0, messageAt: 0, answers: true, pings: 0, lost: 0 };
    const liveness = new Liveness({
      lastPacketAge: () => performance.now() - state.packetAt,
      lastMessageAt: () => state.messageAt,
      ping: () => {
        state.pings += 1;
        if (state.answers) state.messageAt = performance.now();
      },
      onLost: () => {
        state.lost += 1;
      },
    });
    return { state, liveness };
  };

  /** As `watched`, with timers that run when the test says so. Answers come 50 ms after a question. */
  const throttled = () => {
    const state = { answers: true, answerAt: Number.POSITIVE_INFINITY, messageAt: 0, lost: 0 };
    new Liveness({
      lastPacketAge: () => undefined,
      lastMessageAt: () => {
        if (state.answerAt <= performance.now()) state.messageAt = state.answerAt;
        return state.messageAt;
      },
      ping: () => {
        if (state.answers) state.answerAt = performance.now() + 50;
      },
      onLost: () => {
        state.lost += 1;
      },
    });
    const now = performance.now.bind(performance);
    let late = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now() + late);
    /** The next turn of the timer, so many milliseconds after the one before. */
    const poll = async (elapsed: number) => {
      late += elapsed - 250;
      await vi.advanceTimersByTimeAsync(250);
    };
    return { state, poll };
  };

  test('a quiet connection is asked and lives while it answers; without an answer it is lost within two seconds, once', async () => {
    const { state } = watched();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(state).toMatchObject({ lost: 0 });
    expect(state.pings).toBeGreaterThan(5);
    state.answers = false;
    await vi.advanceTimersByTimeAsync(1000);
    expect(state.lost).toBe(0);
    await vi.advanceTimersByTimeAsync(1250);
    expect(state.lost).toBe(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(state.lost).toBe(1);
  });

  test.each([
    ['a second', 1000, 4],
    ['a minute', 60_000, 4],
  ])('is found to be lost by timers that run once %s, and lives while it answers', async (_, interval, most) => {
    const { state, poll } = throttled();
    for (let count = 0; count < 50; count += 1) await poll(interval);
    expect(state).toMatchObject({ lost: 0 });
    state.answers = false;
    for (let count = 0; count < most; count += 1) await poll(interval);
    expect(state.lost).toBe(1);
  });

  test('of a page that stood still nothing is known until a question has gone unanswered for long enough', async () => {
    const { state, poll } = throttled();
    for (let count = 0; count < 5; count += 1) {
      // It stands still before the answer has come.
      state.answers = false;
      for (let turn = 0; turn < 4; turn += 1) await poll(250);
      state.answers = true;
      await poll(3_600_000);
      for (let turn = 0; turn < 4; turn += 1) await poll(250);
    }
    expect(state.lost).toBe(0);
    state.answers = false;
    await poll(3_600_000);
    for (let turn = 0; turn < 7; turn += 1) await poll(250);
    expect(state.lost).toBe(1);
  });

  test('packets are answer enough', async () => {
    const { state, liveness } = watched();
    state.answers = false;
    const packets = setInterval(() => {
      state.packetAt = performance.now();
    }, 400);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(state).toMatchObject({ lost: 0, pings: 0 });
    clearInterval(packets);
    liveness.close();
    await vi.advanceTimersByTimeAsync(5000);
    expect(state.lost).toBe(0);
  });
});

test('of the other end Opus is asked for DTX of speech and stereo of a screen, and other m-lines stay as they are', () => {
  const section = (mid: string, rest = '') =>
    `m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:${mid}\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n${rest}`;
  const video = 'm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:2\r\na=rtpmap:96 VP8/90000\r\n';
  const sdp = `v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n${section('0')}${section('1')}${video}${section('3', 'a=recvonly\r\n')}`;
  const asked = withOpusParameters(
    sdp,
    new Map<string, Source>([
      ['0', 'microphone'],
      ['2', 'camera'],
      ['3', 'screenAudio'],
    ]),
  );
  const lines = asked.split('\r\n').filter((line) => line.startsWith('a=fmtp'));
  expect(lines).toEqual([
    'a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1',
    'a=fmtp:111 minptime=10;useinbandfec=1',
    'a=fmtp:111 minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1',
  ]);
  expect(asked.replaceAll(/;(usedtx|stereo|sprop-stereo)=1/g, '')).toBe(sdp);
});
