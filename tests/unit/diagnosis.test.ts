/** Covers the parts of the diagnosis without DOM: checks, their order and end, the verdict, and what the report leaves out. */
import { FakeMediaStreamTrack } from 'fake-mediastreamtrack';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { isPrivateAddress, type MediaPathResult } from '../../web/client/diagnosis/index.ts';
import { restrictionTo } from '../../web/client/diagnosis/mediaPath.ts';
import { DeviceError, type SignallingKind, WeirError } from '../../web/client/index.ts';
import type { AttemptOutcome } from '../../web/client/signalling/openConnection.ts';
import type { Check, CheckName, Results } from '../../web/view/diagnose/Check.ts';
import { cameraCheck } from '../../web/view/diagnose/checks/camera.ts';
import { microphoneCheck } from '../../web/view/diagnose/checks/microphone.ts';
import { pathChecks } from '../../web/view/diagnose/checks/paths.ts';
import { serverChecks } from '../../web/view/diagnose/checks/server.ts';
import { throughputCheck } from '../../web/view/diagnose/checks/throughput.ts';
import { isPublicHost } from '../../web/view/diagnose/publicHost.ts';
import { browserOf, reportOf, reportText } from '../../web/view/diagnose/report.ts';
import { runChecks } from '../../web/view/diagnose/runChecks.ts';
import { verdictOf } from '../../web/view/diagnose/verdict.ts';

const running = new AbortController().signal;

const newTrack = () =>
  new FakeMediaStreamTrack({ kind: 'video', settings: { width: 1280, height: 720, deviceId: 'device-of-ada' } });

beforeAll(() => void vi.stubGlobal('location', { origin: 'https://weir.example' }));
afterAll(() => void vi.unstubAllGlobals());

describe('the camera', () => {
  const check = (frames: number, closed = running) =>
    cameraCheck({ open: async () => newTrack(), show() {}, countFrames: async () => frames }, closed).run(running);

  test.each([
    [60, 'good'],
    [20, 'fair'],
    [0, 'bad'],
  ])('that gives %i pictures in two seconds is %s', async (frames, grade) => {
    expect(await check(frames)).toMatchObject({ grade, figures: { width: 1280, framesPerSecond: frames / 2 } });
  });

  test('that is not permitted says how to permit it', async () => {
    const ports = { open: () => Promise.reject(new DeviceError('denied')), show() {}, countFrames: async () => 0 };
    const result = await cameraCheck(ports, running).run(running);
    expect(result).toMatchObject({ grade: 'bad', figures: { problem: 'denied' } });
    expect(result.text).toMatch(/camera is blocked/);
  });

  test('that is permitted after the end is closed at once', async () => {
    const opening = Promise.withResolvers<MediaStreamTrack>();
    const [stop, closed] = [new AbortController(), new AbortController()];
    const ports = { open: () => opening.promise, show: vi.fn(), countFrames: async () => 0 };
    const run = cameraCheck(ports, closed.signal).run(stop.signal);
    stop.abort(new Error('stopped'));
    closed.abort();
    await expect(run).rejects.toThrow('stopped');
    const late = newTrack();
    opening.resolve(late);
    await opening.promise;
    await Promise.resolve();
    expect(late.readyState).toBe('ended');
    expect(ports.show).not.toHaveBeenCalled();
  });
});

describe('the microphone', () => {
  test('is closed after the recording; silence is a problem, and only its owner knows the voice', async () => {
    const opened = newTrack();
    const check = (level: number | undefined) =>
      microphoneCheck({ open: async () => opened, record: async () => level });
    expect(await check(0).run(running)).toMatchObject({ grade: 'bad', figures: { problem: 'silent' } });
    expect(opened.readyState).toBe('ended');
    const heard = check(0.1);
    expect(await heard.run(running)).toMatchObject({ grade: 'open', figures: { levelInDecibels: -20 } });
    expect(heard.answer?.(true)).toMatchObject({ grade: 'good', figures: { levelInDecibels: -20, heard: true } });
    expect(heard.answer?.(false)).toMatchObject({ grade: 'bad', figures: { heard: false } });
    expect(await check(undefined).run(running)).toMatchObject({ grade: 'open', figures: {} });
  });
});

describe('the way to the server', () => {
  const times = {
    kind: 'webSocket',
    others: new Map(),
    connectTime: 20,
    signallingRoundTripTime: 30.4,
    httpRoundTripTime: 40,
    clockOffset: 1000,
  } as const;

  test('is measured once for the live connection and the clock', async () => {
    const measure = vi.fn(async () => ({ ...times, clockOffset: -180_000 }));
    const { signalling, clock, reachable } = serverChecks(measure);
    const results = await Promise.all([signalling.run(running), clock.run(running)]);
    expect(results).toMatchObject([
      { grade: 'good', figures: { roundTripTime: 30, connectTime: 20, httpRoundTripTime: 40 } },
      { grade: 'fair', text: expect.stringContaining('3 min behind'), figures: { offsetSeconds: -180 } },
    ]);
    expect(measure).toHaveBeenCalledTimes(1);
    expect(reachable()).toBe(true);
  });

  test('over ordinary requests works, and says which ones, and why', async () => {
    const over = (kind: SignallingKind, ...others: [SignallingKind, AttemptOutcome][]) =>
      serverChecks(async () => ({ ...times, kind, others: new Map(others) })).signalling.run(running);
    expect(await over('sse', ['webSocket', 'failed'])).toMatchObject({
      grade: 'fair',
      advice: expect.stringMatching(/^WebSocket is blocked here: it is refused\..* uses server-sent events/),
      figures: { kind: 'sse', webSocket: 'failed', roundTripTime: 30 },
    });
    expect(await over('polling', ['webSocket', 'unanswered'], ['sse', 'failed'])).toMatchObject({
      grade: 'fair',
      advice: expect.stringMatching(/^WebSocket .*: nothing comes back in time\..*: it is refused\..* long polling/),
      figures: { kind: 'polling', webSocket: 'unanswered', sse: 'failed' },
    });
  });

  test('that is blocked says so, and media is not tried', async () => {
    const error = new WeirError('unavailable', 'blocked', { reason: 'webSocketBlocked' });
    const server = serverChecks(() => Promise.reject(error));
    expect(await server.signalling.run(running)).toMatchObject({
      grade: 'bad',
      text: expect.stringContaining('WebSocket'),
      figures: { problem: 'webSocketBlocked' },
    });
    expect(await server.clock.run(running)).toMatchObject({ grade: 'skipped' });
    const attempt = vi.fn();
    const [udp] = pathChecks({ reachable: server.reachable, test: attempt });
    expect(await udp?.run(running)).toMatchObject({ grade: 'skipped' });
    expect(attempt).not.toHaveBeenCalled();
  });
});

test('each way for media is given its own candidates and servers alone', () => {
  const candidate = (protocol: 'udp' | 'tcp') => ({
    foundation: 'x',
    priority: 1,
    ip: '192.0.2.1',
    address: '192.0.2.1',
    protocol,
    port: 1,
    type: 'host' as const,
  });
  const urls = ['stun:x', 'turn:x', 'turn:x?transport=udp', 'turn:x?transport=tcp', 'turns:x', 'turns:x?transport=tcp'];
  const shown = (path: Parameters<typeof restrictionTo>[0]) => {
    const { candidates, iceServerUrls, iceTransportPolicy = 'all' } = restrictionTo(path);
    const protocols = (['udp', 'tcp'] as const).filter((protocol) => candidates(candidate(protocol)));
    return [protocols.join(), urls.filter(iceServerUrls).join(), iceTransportPolicy];
  };
  expect(shown('udp')).toEqual(['udp', '', 'all']);
  expect(shown('tcp')).toEqual(['tcp', '', 'all']);
  expect(shown('turnUdp')).toEqual(['udp', 'turn:x,turn:x?transport=udp', 'relay']);
  expect(shown('turnTcp')).toEqual(['udp', 'turn:x?transport=tcp', 'relay']);
  expect(shown('turnTls')).toEqual(['udp', 'turns:x,turns:x?transport=tcp', 'relay']);
});

test('addresses that the Internet does not reach are private, and so are pages from there', () => {
  const addresses = [
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '169.254.1.1',
    '127.0.0.1',
    '::1',
    'fd00::1',
    'fe80::1',
  ];
  for (const address of addresses) expect(isPrivateAddress(address), address).toBe(true);
  for (const address of ['172.32.0.1', '203.0.113.1', '100.128.0.1', '2001:db8::1']) {
    expect(isPrivateAddress(address), address).toBe(false);
  }
  for (const host of ['localhost', '192.168.1.1', '[::1]', 'weir.local', 'weir'])
    expect(isPublicHost(host), host).toBe(false);
  for (const host of ['weir.example', '203.0.113.1', '[2001:db8::1]']) expect(isPublicHost(host), host).toBe(true);
});

describe('checks run', () => {
  const named = (name: CheckName, run: Check['run']): Check => ({ name, run });
  const good = { grade: 'good', text: '', figures: {} } as const;

  test('step by step on a lane, and lanes side by side', async () => {
    const log: string[] = [];
    const gate = Promise.withResolvers<void>();
    const instant = (name: CheckName) => named(name, async () => good);
    const slow = named('camera', async () => {
      await gate.promise;
      return good;
    });
    const listeners = {
      onStarted: (name: CheckName) => void log.push(`+${name}`),
      onResult: (name: CheckName) => {
        log.push(name);
        if (name === 'throughput') gate.resolve();
      },
    };
    await runChecks(
      [
        [[slow], [instant('microphone')]],
        [[instant('udp'), instant('tcp')], [instant('throughput')]],
      ],
      listeners,
      running,
    );
    expect(log).toEqual([
      ...['+camera', '+udp', '+tcp', 'udp', 'tcp', '+throughput', 'throughput'],
      ...['camera', '+microphone', 'microphone'],
    ]);
  });

  test('until they are stopped: nothing begins any more, and all have ended', async () => {
    const stop = new AbortController();
    let ended = false;
    const waits = named('udp', (signal) =>
      new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))).finally(() => {
        ended = true;
      }),
    );
    const next = vi.fn(async () => good);
    const listeners = { onStarted() {}, onResult: vi.fn() };
    const run = runChecks([[[waits], [named('throughput', next)]]], listeners, stop.signal);
    stop.abort(new Error('stopped'));
    await expect(run).rejects.toThrow('stopped');
    expect(ended).toBe(true);
    expect(next).not.toHaveBeenCalled();
    expect(listeners.onResult).not.toHaveBeenCalled();
  });
});

describe('the verdict', () => {
  const path = (state: MediaPathResult['state'], privateAddresses = false) =>
    pathChecks({
      reachable: () => true,
      test: async () => ({ state, connectTime: 20, roundTripTime: 9, privateAddresses }),
    })[0]?.run(running) ?? expect.fail();
  const speed = (bitrate: number, packetLoss = 0, lowerBound = false) => {
    const direction = { bitrate, packetLoss, jitter: 3, lowerBound };
    const result = { up: direction, down: direction, roundTripTime: 9, protocol: 'udp' } as const;
    return throughputCheck({ reachable: () => true, measure: async () => result }).run(running);
  };
  const kind = (results: Results, publicPage = true) => verdictOf(results, publicPage).kind;

  test('names the way that is left, and what gets through on it', async () => {
    const [open, closed, none] = await Promise.all([path('connected'), path('failed'), path('notOffered')]);
    const [fast, slow, lossy] = await Promise.all([speed(3e6), speed(600_000), speed(3e6, 0.06)]);
    expect(kind({ udp: open, tcp: closed, throughput: fast })).toBe('good');
    expect(kind({ udp: open, throughput: await speed(600_000, 0, true) })).toBe('good');
    expect(kind({ udp: open, tcp: open, throughput: slow })).toBe('narrow');
    expect(verdictOf({ udp: open, throughput: slow }, true).text).toContain('Only 0.60 Mbit/s');
    expect(kind({ udp: open, throughput: lossy })).toBe('lossy');
    expect(kind({ udp: closed, tcp: open, throughput: fast })).toBe('overTcp');
    const overTcp = verdictOf({ udp: closed, tcp: open, throughput: slow }, true);
    expect(overTcp).toMatchObject({ kind: 'overTcp', notes: [expect.stringContaining('Only 0.60 Mbit/s')] });
    expect(kind({ udp: closed, tcp: closed, turnUdp: none, turnTls: open, throughput: fast })).toBe('overRelay');
    expect(kind({ udp: closed, tcp: closed, turnUdp: none })).toBe('blocked');
    expect(kind({ udp: none, tcp: none })).toBe('untested');
  });

  test('tells a private address from a firewall only where the page itself is public', async () => {
    const isPrivate = await path('failed', true);
    const isPublic = await path('failed');
    expect(kind({ udp: isPrivate, tcp: isPrivate })).toBe('privateAddress');
    expect(kind({ udp: isPrivate, tcp: isPrivate }, false)).toBe('blocked');
    expect(kind({ udp: isPrivate, turnUdp: isPublic })).toBe('blocked');
    expect(verdictOf({ udp: isPrivate }, true).text).toContain('WEIR_ANNOUNCED_ADDRESS');
  });

  test('is not spoiled, but qualified, by a device', async () => {
    const bad = { grade: 'bad', text: '', figures: {} } as const;
    const results = { udp: await path('connected'), throughput: await speed(3e6), camera: bad, microphone: bad };
    expect(verdictOf(results, true)).toMatchObject({
      kind: 'good',
      grade: 'fair',
      notes: [expect.stringContaining('not see you'), expect.stringContaining('not hear you')],
    });
  });
});

test('the report has figures, and of the browser the family and version alone', () => {
  const agent =
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.7444.59 Safari/537.36';
  expect(browserOf(agent)).toBe('Chrome 156');
  expect(browserOf(`${agent} Edg/156.0.1`)).toBe('Edge 156');
  expect(browserOf('Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0')).toBe('Firefox 153');
  expect(browserOf('Mozilla/5.0 (iPhone) AppleWebKit/605.1 Version/18.2 Mobile/15E148 Safari/604.1')).toBe('Safari 18');
  expect(browserOf('curl/8')).toBe('another browser');
  const results: Results = {
    camera: { grade: 'good', text: 'Camera of Ada', figures: { width: 1280 } },
    udp: { grade: 'bad', text: 'to 192.0.2.1', advice: 'call Ada', figures: { connected: false } },
  };
  const verdict = { kind: 'blocked', title: 'Media is blocked here.' } as const;
  const report = reportOf({ results, verdict, time: 1_700_000_000_000, userAgent: agent });
  expect(report).toEqual({
    weirDiagnosis: 1,
    time: '2023-11-14T22:13Z',
    browser: 'Chrome 156',
    verdict: 'blocked',
    checks: { camera: { grade: 'good', width: 1280 }, udp: { grade: 'bad', connected: false } },
  });
  expect(reportText(report, verdict)).toBe(
    'Weir, 2023-11-14T22:13Z, Chrome 156\nMedia is blocked here.\ncamera: good, width 1280\nudp: bad, connected false',
  );
});
