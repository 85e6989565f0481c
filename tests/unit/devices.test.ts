/**
 * Tests of local media: the captured device is the last one requested, in whatever order getUserMedia resolves; silence
 * is measured.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DeviceError, openScreen } from '../../web/client/devices/devices.ts';
import { LevelMeter } from '../../web/client/devices/LevelMeter.ts';
import { LocalMedia } from '../../web/client/devices/LocalMedia.ts';
import { SilenceDetector } from '../../web/view/common/SilenceDetector.ts';

/** A track of a fake device. */
class FakeTrack extends EventTarget {
  readonly kind: string;
  readonly label: string;
  enabled = true;
  readyState = 'live';
  contentHint = '';

  constructor(kind: string, label: string) {
    super();
    this.kind = kind;
    this.label = label;
  }

  getSettings() {
    return this.readyState === 'live' ? { deviceId: this.label } : {};
  }

  stop() {
    this.readyState = 'ended';
  }

  /** The device has been unplugged. */
  lose() {
    this.readyState = 'ended';
    this.dispatchEvent(new Event('ended'));
  }
}

/** A browser whose `getUserMedia` calls the test resolves one after another. */
class FakeDevices extends EventTarget {
  readonly tracks: FakeTrack[] = [];
  readonly asked: { device: string; answer(): Promise<void>; refuse(name: string): Promise<void> }[] = [];
  list = ['one', 'two', 'three'];

  getUserMedia(constraints: Record<string, { deviceId?: { exact: string } }>) {
    const [kind = '', { deviceId } = {}] = Object.entries(constraints)[0] ?? [];
    const device = deviceId?.exact ?? 'default';
    const { promise, resolve, reject } = Promise.withResolvers<object>();
    this.asked.push({
      device,
      answer: () => {
        const track = new FakeTrack(kind, device);
        this.tracks.push(track);
        resolve({ getTracks: () => [track] });
        return settled();
      },
      refuse: (name) => {
        reject(new DOMException('', name));
        return settled();
      },
    });
    return promise;
  }

  async enumerateDevices() {
    return this.list.flatMap((deviceId) => [
      { deviceId, kind: 'videoinput', label: deviceId },
      { deviceId, kind: 'audioinput', label: deviceId },
    ]);
  }

  /** Tracks that are currently captured. */
  get captured(): string[] {
    return this.tracks.filter(({ readyState }) => readyState === 'live').map(({ label }) => label);
  }
}

const settled = () => new Promise<void>((resolve) => setTimeout(resolve));

let devices: FakeDevices;
beforeEach(() => {
  devices = new FakeDevices();
  vi.stubGlobal('navigator', { mediaDevices: devices });
  vi.stubGlobal('isSecureContext', true);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

describe('capture', () => {
  const state = (media: LocalMedia) => media.state('camera');
  const asked = () => devices.asked.map(({ device }) => device);

  test('a device that opens after it was switched off is closed at once', async () => {
    const media = new LocalMedia();
    void media.start('camera');
    await settled();
    media.stop('camera');
    expect(state(media).status).toBe('off');
    await devices.asked[0]?.answer();
    expect(state(media)).toMatchObject({ status: 'off', track: undefined });
    expect(devices.captured).toEqual([]);
  });

  test('switching off and on again while it opens calls getUserMedia once, and it is on', async () => {
    const media = new LocalMedia();
    void media.start('camera');
    await settled();
    for (let times = 0; times < 3; times += 1) {
      media.stop('camera');
      void media.start('camera');
    }
    await devices.asked[0]?.answer();
    expect(asked()).toEqual(['default']);
    expect(state(media).status).toBe('on');
    expect(devices.captured).toEqual(['default']);
  });

  test('of several choices the last one wins, and the current device runs until then', async () => {
    const media = new LocalMedia();
    const chosen: string[] = [];
    media.on('chosen', ({ deviceId }) => chosen.push(deviceId));
    void media.start('camera');
    await settled();
    await devices.asked[0]?.answer();
    void media.choose('camera', 'two');
    void media.choose('camera', 'three');
    await settled();
    expect(state(media)).toMatchObject({ status: 'on', track: { label: 'default', readyState: 'live' } });
    for (let index = 1; index < devices.asked.length; index += 1) await devices.asked[index]?.answer();
    expect(state(media)).toMatchObject({ status: 'on', track: { label: 'three' } });
    expect(devices.captured).toEqual(['three']);
    expect(chosen).toEqual(['three']);
  });

  test('a device that is chosen while another one opens is reported as chosen once it is open', async () => {
    const media = new LocalMedia();
    const events: string[] = [];
    media.on('chosen', ({ deviceId }) => events.push(`chosen: ${deviceId}`));
    media.on('refused', ({ kept }) => events.push(`kept: ${kept}`));
    void media.start('camera');
    await settled();
    void media.choose('camera', 'one');
    await devices.asked[0]?.answer();
    expect(asked()).toEqual(['default', 'one']);
    expect(events).toEqual([]);
    await devices.asked[1]?.refuse('NotAllowedError');
    expect(events).toEqual(['kept: default']);
    void media.choose('camera', 'two');
    await settled();
    void media.choose('camera', 'three');
    await devices.asked[2]?.answer();
    await devices.asked[3]?.answer();
    expect(events).toEqual(['kept: default', 'chosen: three']);
    expect(devices.captured).toEqual(['three']);
    media.close();
  });

  test('switching off while another device opens closes both', async () => {
    const media = new LocalMedia();
    void media.start('camera');
    await settled();
    await devices.asked[0]?.answer();
    void media.choose('camera', 'two');
    await settled();
    media.stop('camera');
    expect(devices.captured).toEqual([]);
    await devices.asked[1]?.answer();
    expect(devices.captured).toEqual([]);
    expect(state(media).status).toBe('off');
  });

  test('a missing or denied device is an error, and the current one keeps running', async () => {
    const media = new LocalMedia();
    const refused: unknown[] = [];
    const chosen: string[] = [];
    media.on('refused', ({ error, kept }) => refused.push([error.problem, kept]));
    media.on('chosen', ({ deviceId }) => chosen.push(deviceId));
    void media.start('camera');
    await settled();
    await devices.asked[0]?.answer();
    for (const [name, problem] of [
      ['OverconstrainedError', 'missing'],
      ['NotAllowedError', 'denied'],
    ] as const) {
      const choosing = media.choose('camera', 'two');
      await settled();
      await devices.asked.at(-1)?.refuse(name);
      await choosing;
      expect(refused.pop()).toEqual([problem, 'default']);
      expect(state(media)).toMatchObject({ status: 'on', error: undefined });
      expect(media.chosen('camera')).toBe('default');
    }
    expect(devices.tracks.length).toBe(1);
    expect(devices.captured).toEqual(['default']);
    expect(chosen).toEqual([]);
  });

  test('where only one device can be open, the previous one is closed first, and reopened if the new one fails', async () => {
    const media = new LocalMedia();
    const refused: unknown[] = [];
    media.on('refused', ({ error, kept }) => refused.push([error.problem, kept]));
    void media.start('camera');
    await settled();
    await devices.asked[0]?.answer();

    void media.choose('camera', 'two');
    await settled();
    await devices.asked[1]?.refuse('NotReadableError');
    expect(devices.captured).toEqual([]);
    // The published track stays until the result is known.
    expect(state(media)).toMatchObject({ status: 'starting', track: { label: 'default' } });
    await devices.asked[2]?.answer();
    expect(state(media)).toMatchObject({ status: 'on', track: { label: 'two' } });
    expect(refused).toEqual([]);

    const choosing = media.choose('camera', 'three');
    await settled();
    await devices.asked[3]?.refuse('NotReadableError');
    await devices.asked[4]?.refuse('NotReadableError');
    await devices.asked[5]?.answer();
    await choosing;
    expect(asked()).toEqual(['default', 'two', 'two', 'three', 'three', 'two']);
    expect(state(media)).toMatchObject({ status: 'on', track: { label: 'two' }, error: undefined });
    expect(refused).toEqual([['busy', 'two']]);
    expect(devices.captured).toEqual(['two']);
  });

  test('switching off while a lost device is being replaced cancels the replacement', async () => {
    const media = new LocalMedia();
    void media.start('camera');
    await settled();
    await devices.asked[0]?.answer();
    devices.tracks[0]?.lose();
    media.stop('camera');
    await settled();
    for (const { answer } of devices.asked.slice(1)) await answer();
    expect(devices.captured).toEqual([]);
    expect(state(media).status).toBe('off');
  });

  test('after close nothing is opened, and what opens later is closed', async () => {
    const media = new LocalMedia();
    void media.start('camera');
    await settled();
    media.close();
    await devices.asked[0]?.answer();
    void media.start('camera');
    void media.choose('camera', 'two');
    await settled();
    expect(asked()).toEqual(['default']);
    expect(devices.captured).toEqual([]);
  });
});

describe('a shared screen', () => {
  test('is captured with audio, without the voices of the others, and without what may not be published', async () => {
    const asked: unknown[] = [];
    const [video, audio] = [new FakeTrack('video', 'screen'), new FakeTrack('audio', 'sound')];
    const stream = { getVideoTracks: () => [video], getAudioTracks: () => [audio], getTracks: () => [video, audio] };
    Object.assign(devices, {
      getDisplayMedia: async (constraints: unknown) => {
        asked.push(constraints);
        return stream;
      },
    });
    await openScreen();
    await openScreen({ audio: false });
    expect(asked).toMatchObject([
      { audio: { restrictOwnAudio: true, suppressLocalAudioPlayback: false } },
      { audio: false },
    ]);
  });

  test('has error messages of its own', async () => {
    const problemOf = async (thrown: Error) => {
      Object.assign(devices, { getDisplayMedia: () => Promise.reject(thrown) });
      const error = await openScreen().catch((error: unknown) => error);
      if (!(error instanceof DeviceError)) throw new Error('no DeviceError');
      expect(error).toMatchObject({ name: 'DeviceError', code: 'device' });
      expect(error.message).not.toMatch(/device|plug|address bar/i);
      return error.problem;
    };
    expect(await problemOf(new DOMException('Permission denied', 'NotAllowedError'))).toBe('cancelled');
    expect(await problemOf(new DOMException('Permission denied by system', 'NotAllowedError'))).toBe('denied');
    expect(await problemOf(new DOMException('Could not start video source', 'NotReadableError'))).toBe('busy');
    expect(await problemOf(new DOMException('', 'NotFoundError'))).toBe('missing');
    expect(await problemOf(new DOMException('must be handling a gesture', 'InvalidStateError'))).toBe('failed');
    expect(await problemOf(new TypeError('getDisplayMedia is not a function'))).toBe('unsupported');
  });
});

describe('changes of devices', () => {
  test('are notified with a new list, until the media is closed', async () => {
    const media = new LocalMedia();
    let told = 0;
    media.on('devicesChanged', () => {
      told += 1;
    });
    devices.list = ['one'];
    devices.dispatchEvent(new Event('devicechange'));
    await settled();
    expect([told, media.devices('videoinput').map(({ deviceId }) => deviceId)]).toEqual([1, ['one']]);
    media.close();
    devices.dispatchEvent(new Event('devicechange'));
    await settled();
    expect(told).toBe(1);
  });

  test('the devices in use are those that run or start', async () => {
    const media = new LocalMedia();
    expect(media.wanted('camera')).toBe(false);
    void media.start('camera');
    expect(media.wanted('camera')).toBe(true);
    await settled();
    await devices.asked[0]?.answer();
    expect(media.wanted('camera')).toBe(true);
    media.stop('camera');
    expect(media.wanted('camera')).toBe(false);
    media.close();
  });
});

describe('silence', () => {
  test('means five seconds measured as silent; unmeasured time is not silent', () => {
    const silence = new SilenceDetector();
    const add = (level: number | undefined, from: number, to: number) => {
      let silent = false;
      for (let now = from; now <= to; now += 100) silent = silence.add(level, now);
      return silent;
    };
    expect(add(0, 0, 5000)).toBe(false);
    expect(add(0, 5100, 5200)).toBe(true);
    expect(add(0.2, 5300, 5300)).toBe(false);
    expect(add(undefined, 5400, 60_000)).toBe(false);
    // Silence begins when it is first measured.
    expect(add(0, 60_100, 65_000)).toBe(false);
    expect(add(0, 65_100, 65_200)).toBe(true);
  });

  test('is not measured while the AudioContext is suspended, which is resumed at a user gesture', () => {
    const listeners = new Map<string, () => void>();
    const context = { state: 'suspended', currentTime: 0, resumed: 0, moves: true };
    class FakeContext {
      get state() {
        return context.state;
      }
      get currentTime() {
        if (context.moves) context.currentTime += 0.1;
        return context.currentTime;
      }
      async resume() {
        context.resumed += 1;
      }
      async close() {}
      createMediaStreamSource() {
        return { connect() {}, disconnect() {} };
      }
    }
    vi.stubGlobal('AudioContext', FakeContext);
    vi.stubGlobal(
      'AnalyserNode',
      class {
        getFloatTimeDomainData(samples: Float32Array) {
          samples.fill(0);
        }
      },
    );
    vi.stubGlobal('MediaStream', class {});
    vi.stubGlobal('addEventListener', (name: string, listener: () => void, { signal }: { signal: AbortSignal }) => {
      listeners.set(name, listener);
      signal.addEventListener('abort', () => listeners.delete(name));
    });
    const clock = vi.spyOn(performance, 'now');
    let now = 0;
    clock.mockImplementation(() => now);

    const meter = new LevelMeter();
    expect(meter.level).toBeUndefined();
    const track: MediaStreamTrack = Object.create(FakeTrack.prototype);
    meter.listenTo(track);
    expect(meter.level).toBeUndefined();
    const { resumed } = context;
    listeners.get('pointerdown')?.();
    expect(context.resumed).toBe(resumed + 1);
    context.state = 'running';
    expect(meter.level).toBe(0);
    // Its state is running, but its time stands still.
    context.moves = false;
    now += 1000;
    expect(meter.level).toBeUndefined();
    meter.close();
    expect(listeners.size).toBe(0);
    clock.mockRestore();
  });
});
